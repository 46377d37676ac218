"""A file onto a device that somebody plugged in: its filesystem mounted, written, unmounted."""

import os
import stat
import tempfile
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from hammer.errors import ArgumentInvalid, FileFailed, ProgramFailed
from hammer.host.disks import Disks
from hammer.host.mounts import Mounts, mounted
from hammer.host.programs import Program, Programs

BLOCK = Path("/sys/class/block")
FILESYSTEMS = ("vfat", "ext4", "ext3", "ext2")
PROBE_LIMIT_S = 10.0


def check_stick(
    device: str, *, programs: Programs, disks: Disks, keep_off: Collection[str], block: Path = BLOCK
) -> str:
    """The type of its filesystem, if a file may be put there. Raises ArgumentInvalid if not.

    `keep_off` are disks that are not ours to write to, with all that lies on them.
    """

    def refuse(reason: str) -> ArgumentInvalid:
        return ArgumentInvalid(argument=device, reason=reason)

    try:
        is_block = stat.S_ISBLK(Path(device).stat().st_mode)
    except OSError as failure:
        raise refuse(failure.strerror or "cannot be looked at") from None
    if not is_block:
        raise refuse("is no block device")
    at = os.path.realpath(device)
    below = _below(block, Path(at).name)
    forbidden = below & {Path(os.path.realpath(each)).name for each in keep_off}
    if forbidden:
        raise refuse(f"the layout of the machine document names /dev/{min(forbidden)}")
    if (block / Path(at).name / "ro").read_text().strip() == "1":
        raise refuse("is read-only")
    if uses := disks.uses(at):
        raise refuse("; ".join(f"{node} is {use}" for node, use in uses))
    fstype = _fstype(programs, at)
    if fstype not in FILESYSTEMS:
        found = f"has {fstype}" if fstype else "has no filesystem"
        instead = f", and there is {', '.join(parts)}" if (parts := disks.partitions(at)) else ""
        raise refuse(f"{found}; one of {', '.join(FILESYSTEMS)} is needed{instead}")
    return fstype


def write_to_stick(
    device: str, fstype: str, name: str, data: bytes, *, mounts: Mounts, mount_below: Path
) -> None:
    """Put a new file there; it is on the device when this returns.

    Raises MountFailed, FileFailed, UnmountBusy; no half of a file stays there.
    """
    where = Path(tempfile.mkdtemp(prefix="report-", dir=mount_below))
    try:
        options = ("nosuid", "nodev", "noexec")
        with mounted(mounts, device, where, fstype=fstype, options=options):
            _write(where, name, data)
    finally:
        with suppress(OSError):  # still mounted, and said so
            where.rmdir()


def _write(where: Path, name: str, data: bytes) -> None:
    path = where / name
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            path.unlink()
            raise
    except OSError as failure:
        raise FileFailed(path=name, reason=failure.strerror or "cannot be written") from None


def _below(block: Path, name: str) -> set[str]:
    """A device and all that it lies on, by name: its disk, members of its array or volume."""
    found = {name}
    at = block / name
    if (at / "partition").exists():
        found.add(at.resolve().parent.name)
    with suppress(OSError):
        for member in (at / "slaves").iterdir():
            found |= _below(block, member.name)
    return found


def _fstype(programs: Programs, device: str) -> str:
    try:
        return programs.run(
            Program.BLKID, "-p", "-o", "value", "-s", "TYPE", device, timeout_s=PROBE_LIMIT_S
        ).strip()
    except ProgramFailed:  # it finds nothing, or several
        return ""
