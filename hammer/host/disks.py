"""Block devices: what is there, who uses it, clearing it, waiting for partitions."""

import errno
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyudev

from hammer.errors import FileFailed, NodeMissing, WipeFailed
from hammer.host.mounts import mount_points
from hammer.host.programs import Program, Programs
from hammer.host.pulse import NoPulse, Pulse

MIB = 1024 * 1024
SECTOR_BYTES = 512  # the unit of sysfs, whatever the disk's own (Documentation/block/stat.rst)
CLEARED_BYTES = MIB
"""At each end: covers both GPTs (34 sectors, also of 4096 bytes) and md, LVM, boot code."""
BOOT_CODE_BYTES = 440
"""Of the master boot record (UEFI specification, 5.2.1); the rest is its partition table."""

NODE_LIMIT_S = 30.0
NODE_POLL_S = 0.02

FLUSH_LIMIT_S = 600.0
"""A disk that repeats and resets for minutes is slow; one that takes longer hangs."""


@dataclass(frozen=True, kw_only=True)
class Disk:
    """A whole disk, as it is before anything is written."""

    path: str
    size_bytes: int
    read_only: bool


class Disks(Protocol):
    def names(self) -> list[str]:
        """The whole disks of this machine, by path."""

    def find(self, path: str) -> Disk | str:
        """The disk, or in words why this path is none."""

    def size_bytes(self, path: str) -> int | None:
        """The size of a disk or a partition; None where there is none."""

    def uses(self, path: str) -> list[tuple[str, str]]:
        """Device and use, for the disk and each of its partitions: mounts, swap, holders."""

    def partitions(self, path: str) -> list[str]:
        """The partitions that the kernel sees on a disk now, by path."""

    def clear(self, path: str) -> None:
        """Zero both ends of a disk and read them back: no table, no boot code is left.

        Raises WipeFailed. May be repeated, also while partitions are mounted.
        """

    def forget_partitions(self, path: str) -> None:
        """Take the device nodes of a cleared disk's partitions away. Raises ProgramFailed."""

    def wait_for(self, node: str, *, on: str) -> None:
        """Wait for a partition of the disk `on`: node there, open, of sysfs' size.

        Raises NodeMissing.
        """

    def flush(self, path: str) -> None:
        """Return when all that was written to the disk is on it. Raises FileFailed."""

    def boot_code(self, path: str) -> bool:
        """Whether the disk begins with code for a BIOS to start. Raises FileFailed."""


class HostDisks:
    """Disks, for real: sysfs through pyudev, and the device nodes."""

    def __init__(self, programs: Programs, *, pulse: Pulse | None = None) -> None:
        self._programs = programs
        self._pulse = pulse or NoPulse()
        self._context = pyudev.Context()

    def names(self) -> list[str]:
        devices = self._context.list_devices(subsystem="block", DEVTYPE="disk")
        return sorted(
            device.device_node
            for device in devices
            if device.device_node and _size_bytes(device) and not _is_memory(device.sys_name)
        )

    def find(self, path: str) -> Disk | str:
        device = self._device(path)
        if device is None:
            return "there is no such block device"
        if device.device_node != path:
            # Partitions are named after the disk; /dev/disk/by-id/x has no x1 but x-part1.
            return f"is a link to {device.device_node}, a layout names the device itself"
        if device.device_type != "disk":
            return f"is a {device.device_type or 'device'}, not a whole disk"
        read_only = device.attributes.asstring("ro") == "1"
        return Disk(path=path, size_bytes=_size_bytes(device), read_only=read_only)

    def size_bytes(self, path: str) -> int | None:
        device = self._device(path)
        return _size_bytes(device) if device is not None else None

    def uses(self, path: str) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        swaps = _swap_numbers()
        for node in (path, *self.partitions(path)):
            device = self._device(node)
            if device is None:
                continue
            number = f"{os.major(device.device_number)}:{os.minor(device.device_number)}"
            found += [
                (node, f"mounted on {mount.where}")
                for mount in mount_points()
                if mount.device_number == number
            ]
            if device.device_number in swaps:
                found.append((node, "swap space"))
            found += [(node, f"held by {name}") for name in _holders(device)]
            found += [(node, f"behind {name}") for name in _loops_on(device.device_number)]
        if not found:
            found += _exclusive_use(path, self.partitions(path))
        return found

    def partitions(self, path: str) -> list[str]:
        device = self._device(path)
        if device is None:
            return []
        children = self._context.list_devices(subsystem="block", DEVTYPE="partition", parent=device)
        return [child.device_node for child in children if child.device_node]

    def clear(self, path: str) -> None:
        try:
            with self._pulse.within(FLUSH_LIMIT_S), _opened(path, os.O_RDWR) as handle:
                size = os.lseek(handle, 0, os.SEEK_END)
                for offset in _ends(size):
                    os.pwrite(handle, bytes(min(CLEARED_BYTES, size)), offset)
                os.fsync(handle)
                # What is read back must come from the disk, not from our own writing.
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
                for offset in _ends(size):
                    if any(os.pread(handle, min(CLEARED_BYTES, size), offset)):
                        raise WipeFailed(
                            disk=path, reason=f"not zero at byte {offset} after wiping"
                        )
        except OSError as failure:
            raise WipeFailed(disk=path, reason=failure.strerror or "cannot be written") from None

    def forget_partitions(self, path: str) -> None:
        # Not by BLKRRPART: the kernel refuses it for disks that it does not scan itself.
        if self.partitions(path):
            self._programs.run(Program.PARTX, "--delete", path)

    def wait_for(self, node: str, *, on: str) -> None:
        deadline = time.monotonic() + NODE_LIMIT_S
        while (problem := self._not_ready(node, on)) is not None:
            self._pulse.beat()
            if time.monotonic() > deadline:
                raise NodeMissing(node=node, reason=problem, limit_s=NODE_LIMIT_S)
            time.sleep(NODE_POLL_S)

    def flush(self, path: str) -> None:
        try:
            with self._pulse.within(FLUSH_LIMIT_S), _opened(path, os.O_RDONLY) as handle:
                os.fsync(handle)
        except OSError as failure:
            raise FileFailed(path=path, reason=failure.strerror or "cannot be flushed") from None

    def boot_code(self, path: str) -> bool:
        try:
            with _opened(path, os.O_RDONLY) as handle:
                return any(os.pread(handle, BOOT_CODE_BYTES, 0))
        except OSError as failure:
            raise FileFailed(path=path, reason=failure.strerror or "cannot be read") from None

    def _not_ready(self, node: str, disk: str) -> str | None:
        device = self._device(node)
        if device is None:
            return "the device node did not appear"
        if node not in self.partitions(disk):
            return f"is no partition of {disk}"
        try:
            with _opened(node, os.O_RDONLY | os.O_EXCL) as handle:
                size = os.lseek(handle, 0, os.SEEK_END)
        except OSError as failure:
            return f"cannot be opened: {failure.strerror}"
        # A node left over from the table before has the size of the partition before.
        if size != _size_bytes(device):
            return f"has {size} bytes, the kernel's table says {_size_bytes(device)}"
        return None

    def _device(self, path: str) -> pyudev.Device | None:
        try:
            return pyudev.Devices.from_device_file(self._context, os.path.realpath(path))
        except (pyudev.DeviceNotFoundError, OSError, ValueError):
            return None


class _opened:
    """A file descriptor for a `with`: os.open has none."""

    def __init__(self, path: str, flags: int) -> None:
        self._handle = os.open(path, flags | os.O_CLOEXEC)

    def __enter__(self) -> int:
        return self._handle

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)


def _ends(size_bytes: int) -> tuple[int, ...]:
    return (0, max(0, size_bytes - CLEARED_BYTES))


def _size_bytes(device: pyudev.Device) -> int:
    return int(device.attributes.asint("size")) * SECTOR_BYTES


def _is_memory(name: str) -> bool:
    return name.startswith(("ram", "zram"))


def _swap_numbers() -> set[int]:
    lines = Path("/proc/swaps").read_text().splitlines()[1:]
    numbers = set()
    for line in lines:
        path = line.split()[0]
        try:
            numbers.add(os.stat(path).st_rdev)  # noqa: PTH116 - the text is a path already
        except OSError:
            continue  # a swap file that was deleted since
    return numbers


def _holders(device: pyudev.Device) -> list[str]:
    """What is stacked on a device: md arrays, LVM volumes, dm tables (sysfs `holders`)."""
    directory = Path(device.sys_path) / "holders"
    return sorted(entry.name for entry in directory.iterdir()) if directory.is_dir() else []


def _loops_on(number: int) -> list[str]:
    """Loop devices that lie on a device: they open it like any program (loop(4))."""
    found = []
    for backing in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            if os.stat(backing.read_text().strip()).st_rdev == number:  # noqa: PTH116
                found.append(f"/dev/{backing.parents[1].name}")
        except OSError:
            continue  # a file that was deleted since, or a loop device
    return sorted(found)


def _exclusive_use(disk: str, partitions: list[str]) -> Iterator[tuple[str, str]]:
    """Uses that no list shows, such as a mount in another namespace: O_EXCL fails (open(2))."""
    for node in (disk, *partitions):
        try:
            with _opened(node, os.O_RDONLY | os.O_EXCL):
                pass
        except OSError as failure:
            if failure.errno == errno.EBUSY:
                yield node, "another program or mount namespace"
