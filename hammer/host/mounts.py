"""Mounting and unmounting, with names for who keeps a filesystem busy."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from hammer.errors import HostError, MountFailed, ProgramFailed, TargetInUse, UnmountBusy
from hammer.host.programs import Program, Programs

BUSY_LIMIT_S = 10.0
BUSY_POLL_S = 0.1
PROC = Path("/proc")


class Mounts(Protocol):
    def mount(self, source: str, where: Path, *, fstype: str, options: Sequence[str]) -> None:
        """Raises MountFailed. `where` exists."""

    def is_mounted(self, where: Path) -> bool:
        """Whether something is mounted on just this directory."""

    def unmount(self, where: Path) -> None:
        """Returns when the filesystem is written and free. Raises UnmountBusy, ProgramFailed."""


class HostMounts:
    """Mounts, for real, by mount(8) and umount(8)."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs

    def mount(self, source: str, where: Path, *, fstype: str, options: Sequence[str]) -> None:
        chosen = ["-o", ",".join(options)] if options else []
        try:
            self._programs.run(Program.MOUNT, "-t", fstype, *chosen, source, where)
        except ProgramFailed as failure:
            raise MountFailed(source=source, where=where, reason=_last(failure.stderr)) from None

    def is_mounted(self, where: Path) -> bool:
        return any(mount.where == where for mount in mount_points())

    def unmount(self, where: Path) -> None:
        # Never lazily: a lazy unmount returns while data is still in memory,
        # and the kernel that kexec starts knows nothing of that memory.
        device = _device_of(where)
        self._unmount_when_idle(where)
        if device is not None:
            _wait_released(device, where)

    def _unmount_when_idle(self, where: Path) -> None:
        deadline = time.monotonic() + BUSY_LIMIT_S
        while True:
            try:
                self._programs.run(Program.UMOUNT, where, timeout_s=600)
                return
            except ProgramFailed as failure:
                if "busy" not in failure.stderr:
                    raise
                if time.monotonic() > deadline:
                    raise UnmountBusy(where=str(where), culprits=holders_of(where)) from None
            time.sleep(BUSY_POLL_S)


def _last(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    # mount(8) ends with advice to read dmesg; the reason stands in the line with its own name.
    named = [line for line in lines if line.startswith("mount:")]
    return (named or lines or ["(no message)"])[-1]


def _device_of(where: Path) -> str | None:
    """The block device mounted at `where`, if it is one."""
    for mount in mount_points():
        if mount.where == where and mount.source.startswith("/dev/"):
            return mount.source
    return None


def _wait_released(device: str, where: Path) -> None:
    """Wait until no mount namespace holds the filesystem.

    umount(8) succeeds while a copy of the mount lives in another namespace,
    such as the one of an installer whose last process is just ending; the
    filesystem is written and closed only after that one. O_EXCL on a block
    device fails as long as anybody has it mounted (open(2)).
    """
    deadline = time.monotonic() + BUSY_LIMIT_S
    while True:
        try:
            os.close(os.open(device, os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC))
            return
        except OSError as failure:
            if time.monotonic() > deadline:
                culprits = (f"another mount of {device} ({failure.strerror})",)
                raise UnmountBusy(where=str(where), culprits=culprits) from None
        time.sleep(BUSY_POLL_S)


class MountPoint:
    """A line of /proc/self/mountinfo (proc(5))."""

    def __init__(self, line: str) -> None:
        fields, _, rest = line.partition(" - ")
        words = fields.split(" ")
        self.device_number = words[2]
        self.where = Path(_unescaped(words[4]))
        self.fstype, source = rest.split(" ")[:2]
        self.source = _unescaped(source)


def mount_points() -> list[MountPoint]:
    """All mounts of this namespace."""
    text = (PROC / "self/mountinfo").read_text(errors="surrogateescape")
    return [MountPoint(line) for line in text.splitlines()]


def _unescaped(text: str) -> str:
    # proc(5): space, tab, newline and backslash are written in octal.
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, char)
    return text


def holders_of(where: Path) -> tuple[str, ...]:
    """Processes that have a file, a directory or their root below `where`; and mounts there."""
    found = [
        f"a mount on {mount.where}" for mount in mount_points() if where in mount.where.parents
    ]
    for process in PROC.iterdir():
        if process.name.isdigit() and _holds(process, where):
            try:
                name = (process / "comm").read_text().strip()
            except OSError:
                continue  # it ended while we looked
            found.append(f"process {process.name} ({name})")
    return tuple(found)


def _holds(process: Path, where: Path) -> bool:
    links = [process / "cwd", process / "root", process / "exe"]
    try:
        links += (process / "fd").iterdir()
        maps = (process / "maps").read_text(errors="surrogateescape")
    except OSError:
        return False
    if f" {where}/" in maps:
        return True
    for link in links:
        try:
            at = Path(os.readlink(link))  # noqa: PTH115 - Path.readlink would do the same
        except OSError:
            continue
        if at == where or where in at.parents:
            return True
    return False


@contextmanager
def mounted(
    mounts: Mounts, source: str, where: Path, *, fstype: str, options: Sequence[str] = ()
) -> Iterator[Path]:
    """Hold a mount. A failing unmount never hides the error that made us leave."""
    where.mkdir(parents=True, exist_ok=True)
    mounts.mount(source, where, fstype=fstype, options=options)
    try:
        yield where
    except BaseException as cause:
        try:
            mounts.unmount(where)
        except HostError as failure:
            cause.add_note(str(failure))
        raise
    mounts.unmount(where)


def refuse_full(target: Path) -> None:
    """Raise TargetInUse for a directory with something in it, or for what is none."""
    try:
        target.mkdir(parents=True, exist_ok=True)
        empty = not any(target.iterdir())
    except OSError as failure:
        raise TargetInUse(path=target, reason=failure.strerror or str(failure)) from None
    if not empty:
        raise TargetInUse(path=target, reason="is not an empty directory")
