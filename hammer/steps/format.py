"""Step 4: filesystems on the partitions, and the UUIDs they got."""

from dataclasses import dataclass
from pathlib import PurePosixPath

import contract
from hammer.errors import FileFailed
from hammer.host.programs import Program
from hammer.machine import Machine

MKFS_LIMIT_S = 1800  # ext4 on a large rotating disk with all inode tables


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A filesystem that was made."""

    device: str
    format: str
    label: str
    uuid: str
    """Of the filesystem; an XXXX-XXXX serial for vfat."""
    path: PurePosixPath | None
    """Where the installed system mounts it."""
    mountoptions: tuple[str, ...]


def make_filesystems(machine: Machine, layout: contract.FilesystemLayout) -> tuple[Volume, ...]:
    """Make every filesystem of the layout that lies on a device, in the layout's order.

    `none` is left alone, tmpfs has no device.
    """
    return tuple(
        _make(machine, wanted)
        for wanted in layout.filesystems
        if wanted.format not in ("none", "tmpfs")
    )


def _make(machine: Machine, wanted: contract.Filesystem) -> Volume:
    label = wanted.label or ""
    program, *options = _COMMANDS[wanted.format]
    machine.programs.run(Program.WIPEFS, "--all", "--quiet", wanted.device)
    machine.programs.run(
        Program(program),
        *wanted.create_arguments,
        *options,
        *(label_option(wanted.format), label) if label else (),
        wanted.device,
        timeout_s=MKFS_LIMIT_S,
    )
    uuid = machine.programs.run(Program.BLKID, "-p", "-s", "UUID", "-o", "value", wanted.device)
    if not uuid.strip():
        raise FileFailed(path=wanted.device, reason="has no UUID after it was formatted")
    return Volume(
        device=wanted.device,
        format=wanted.format,
        label=label,
        uuid=uuid.strip(),
        path=PurePosixPath(wanted.path) if wanted.path else None,
        mountoptions=tuple(wanted.mountoptions),
    )


_COMMANDS = {
    "ext3": (Program.MKFS_EXT3, "-F"),
    "ext4": (Program.MKFS_EXT4, "-F"),
    "vfat": (Program.MKFS_VFAT,),
    "swap": (Program.MKSWAP, "-f"),
}


def label_option(format_name: str) -> str:
    return "-n" if format_name == "vfat" else "-L"
