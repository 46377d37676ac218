"""Which filesystems the disks of this machine have; looking writes nothing."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hammer.errors import ProgramFailed
from hammer.host.disks import Disks
from hammer.host.programs import Program, Programs

NO_DISKS = ("loop", "sr", "fd")
"""Files, CDs and diskettes: block devices, and nothing that a system is installed on."""

NOTHING_FOUND = (2, 8)
"""blkid(8): nothing at all, or several things at once."""


@dataclass(frozen=True, kw_only=True)
class Filesystem:
    """What blkid(8) finds on a device."""

    device: str
    disk: str
    """The whole disk that it lies on."""
    format: str
    """Its TYPE, also of what is no filesystem, such as swap."""
    tags: tuple[tuple[str, str], ...] = ()
    """What fstab(5) may name it by: UUID, LABEL, PARTUUID, PARTLABEL."""


def candidates(disks: Disks) -> Iterator[tuple[str, str]]:
    """Disk and device of everything that may hold a filesystem of an installed system.

    The one list that everybody looks at: what is assembled of several disks is listed
    as soon as the kernel shows it as a disk.
    """
    for disk in disks.names():
        if not Path(disk).name.startswith(NO_DISKS):
            yield disk, disk
            yield from ((disk, partition) for partition in disks.partitions(disk))


def probe(programs: Programs, device: str, *, disk: str) -> Filesystem | None:
    """What is on a device, or None. Raises ProgramFailed for a device that cannot be read."""
    try:
        # -p reads the device itself and no cache of before.
        text = programs.run(Program.BLKID, "-p", "-o", "export", device)
    except ProgramFailed as failure:
        if failure.status in NOTHING_FOUND:
            return None
        raise
    found = dict(map(_pair, text.splitlines()))
    if "TYPE" not in found:
        return None
    return Filesystem(
        device=device,
        disk=disk,
        format=found["TYPE"],
        tags=tuple((tag, found[name]) for tag, name in _TAGS.items() if found.get(name)),
    )


def _pair(line: str) -> tuple[str, str]:
    """KEY=value, with a backslash before what a shell would take for its own."""
    key, _, value = line.partition("=")
    try:
        return key, "".join(shlex.split(value))
    except ValueError:
        return key, ""  # no label that anybody could have written


# As fstab(5) writes them, and as `blkid -p` names them.
_TAGS = {
    "UUID": "UUID",
    "LABEL": "LABEL",
    "PARTUUID": "PART_ENTRY_UUID",
    "PARTLABEL": "PART_ENTRY_NAME",
}
