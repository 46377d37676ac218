"""Step 9, when kexec is refused: the boot loader that the installer has put on the disks."""

import platform
from pathlib import Path, PurePosixPath

import contract
from hammer.errors import FileFailed, ProgramFailed, ProgramTimeout
from hammer.host.files import inside
from hammer.host.firmware import Loader
from hammer.host.programs import Program
from hammer.machine import Machine
from hammer.steps.partition import ESP

# How boot loaders name themselves for an architecture (UEFI specification, 3.5.1.1).
SUFFIX = {"x86_64": "x64", "aarch64": "aa64"}
PREFERRED = ("shim", "grub", "systemd-boot")
"""The shim first: it is the one that Secure Boot knows, and starts the others."""


def boot_loader(
    machine: Machine, layout: contract.FilesystemLayout, bootloader_id: str, root: Path
) -> Loader | None:
    """What firmware can start of the system below `root`, as far as its installer names one.

    A name in boot-info.yaml is not enough: installers write it on machines without UEFI, too.
    """
    if not bootloader_id:
        return None
    if machine.identity.efi:
        return _on_esp(machine, layout, bootloader_id, root)
    try:
        disks = [disk.device for disk in layout.disks if machine.disks.boot_code(disk.device)]
    except FileFailed:
        return None
    return Loader(disk=disks[0]) if disks else None


def _on_esp(
    machine: Machine, layout: contract.FilesystemLayout, bootloader_id: str, root: Path
) -> Loader | None:
    places = {filesystem.device: filesystem.path for filesystem in layout.filesystems}
    for disk in layout.disks:
        for each in disk.partitions:
            node = contract.partition_device(disk.device, each.number)
            place = places.get(node)
            if each.gpttype != ESP or not place:
                continue
            if (file := _file(root, PurePosixPath(place), bootloader_id)) is not None:
                return Loader(
                    disk=disk.device,
                    partition=each.number,
                    partition_uuid=_partition_uuid(machine, node),
                    file="\\" + str(file).replace("/", "\\"),
                )
    return None


def _file(root: Path, esp: PurePosixPath, bootloader_id: str) -> PurePosixPath | None:
    """The boot loader by its path on the EFI system partition."""
    suffix = SUFFIX.get(platform.machine(), "")
    names = [f"EFI/{bootloader_id}/{name}{suffix}.efi" for name in PREFERRED]
    # Where firmware looks that has no entry for this disk.
    for name in (*names, f"EFI/BOOT/BOOT{suffix.upper()}.EFI"):
        try:
            if inside(root, esp / name).is_file():
                return PurePosixPath(name)
        except (FileFailed, OSError):
            continue
    return None


def _partition_uuid(machine: Machine, node: str) -> str:
    try:
        arguments = ("-p", "-s", "PART_ENTRY_UUID", "-o", "value", node)
        return machine.programs.run(Program.BLKID, *arguments).strip()
    except (ProgramFailed, ProgramTimeout):
        return ""
