"""The disks of a guest: those that a layout names, under the names that Linux will give them."""

import string
from pathlib import Path

import contract
from hammer.errors import FileFailed, TrialDiskUnknown
from hammer.host.qemu import Bus, Disk, empty_disk
from hammer.steps.check import needed_mib

GIB_MIB = 1024
LEAST_GIB = 4
UNKNOWN_GIB = 16

# As Linux numbers them: letters in the order of the bus, nvme from 0.
NAMES: dict[Bus, tuple[str, ...]] = {
    "virtio": tuple(f"/dev/vd{letter}" for letter in string.ascii_lowercase),
    "scsi": tuple(f"/dev/sd{letter}" for letter in string.ascii_lowercase),
    "nvme": tuple(f"/dev/nvme{number}n1" for number in range(10)),
}


def default_gib(packed_bytes: int | None) -> int:
    """Room for an image of which we know only how large it is compressed.

    Root filesystems unpack to two to four times that. The file is sparse: what is
    not written costs nothing.
    """
    if packed_bytes is None:
        return UNKNOWN_GIB
    return max(LEAST_GIB, 2 + -(-5 * packed_bytes // 2**30))


def disks(layout: contract.FilesystemLayout, *, work: Path, rest_gib: int) -> tuple[Disk, ...]:
    """Disks in `work` for all names of the layout, `rest_gib` where it takes what there is.

    All get the size that the largest needs, because Linux looks for several of
    one bus at the same time and may name them in another order. A name that is
    skipped (/dev/vdb alone) is a disk too. Raises TrialDiskUnknown, FileFailed.
    """
    unknown = [disk.device for disk in layout.disks if _bus(disk.device) is None]
    if unknown:
        raise TrialDiskUnknown(disks=tuple(unknown))
    named = {disk.device for disk in layout.disks}
    size_mib = max((_size_mib(disk, rest_gib) for disk in layout.disks), default=0)
    made: list[Disk] = []
    for bus, names in NAMES.items():
        count = max((names.index(name) + 1 for name in names if name in named), default=0)
        for name in names[:count]:
            path = work / f"{Path(name).name}.raw"
            try:
                empty_disk(path, size_mib=size_mib)
            except OSError as error:
                reason = f"cannot be {size_mib} MiB large: {error.strerror}"
                raise FileFailed(path=str(path), reason=reason) from None
            made.append(Disk(path=path, bus=bus, serial=Path(name).name))
    return tuple(made)


def _bus(device: str) -> Bus | None:
    return next((bus for bus, names in NAMES.items() if device in names), None)


def _size_mib(disk: contract.Disk, rest_gib: int) -> int:
    takes_the_rest = not disk.partitions or any(part.size == 0 for part in disk.partitions)
    return needed_mib(disk) + (rest_gib * GIB_MIB if takes_the_rest else 0)
