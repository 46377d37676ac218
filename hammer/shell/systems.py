"""The systems that are installed on this machine, found without writing a byte."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from contract import paths
from hammer.errors import ArgumentInvalid, DiskInUse, HammerError, SystemAmbiguous, SystemMissing
from hammer.host.disks import Disks
from hammer.host.files import inside, read
from hammer.host.filesystems import Filesystem, probe
from hammer.host.mounts import Mounts, mounted
from hammer.host.programs import Programs
from hammer.shell import fstab

FILE_LIMIT_BYTES = 64 * 1024
OS_RELEASE = PurePosixPath("/etc/os-release")

# Even a read-only mount replays the journal, unless it is told not to.
LOOK_OPTIONS = {
    "ext2": ("ro",),
    "ext3": ("ro", "noload"),
    "ext4": ("ro", "noload"),
    "xfs": ("ro", "norecovery"),
    "btrfs": ("ro", "rescue=nologreplay"),
}
"""By the formats that a root filesystem may have."""

READ_ONLY_OPTIONS = {**LOOK_OPTIONS, "auto": ("ro", "noload")}
"""By the formats of an fstab. `auto` may be an ext4; what does not take the word is not mounted."""


@dataclass(frozen=True, kw_only=True)
class System:
    """An installed system."""

    root: Filesystem
    name: str
    """As its os-release says."""
    by_metal: bool
    """Whether it has /etc/metal/install.yaml, as everything that we install."""
    entries: tuple[fstab.Entry, ...]
    """Of its fstab."""

    def __str__(self) -> str:
        by_metal = ", installed by metal-hammer" if self.by_metal else ""
        return f"{self.root.device}: {self.name}{by_metal}"


class NoSystem(Exception):
    """What a device has instead of a system, in words."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """All that is on the disks of this machine."""

    filesystems: tuple[Filesystem, ...]
    problems: tuple[str, ...]
    """What could not be read, in words."""

    def on(self, device: str) -> Filesystem | None:
        return next((each for each in self.filesystems if each.device == device), None)

    def source_of(self, spec: str, *, beside: str) -> str:
        """The device that a line of fstab means, first of all on the disk of `beside`.

        Two disks may have the same content, and then the same tags. What is not
        known here stays as it is, for mount(8) to find out.
        """
        tag, _, value = spec.partition("=")
        means = [each.device for each in self.filesystems if (tag, value) in each.tags]
        root = self.on(beside)
        same_disk = [each.device for each in self.filesystems if root and each.disk == root.disk]
        return next((each for each in means if each in same_disk), (means or [spec])[0])


def known_filesystems(programs: Programs, devices: Iterable[tuple[str, str]]) -> Known:
    """What is on these devices, each with its disk before it."""
    found: list[Filesystem] = []
    problems: list[str] = []
    for disk, device in devices:
        try:
            filesystem = probe(programs, device, disk=disk)
        except HammerError as failure:
            problems.append(f"{device}: {failure}")
            continue
        if filesystem is not None:
            found.append(filesystem)
    return Known(filesystems=tuple(found), problems=tuple(problems))


def find(disks: Disks, mounts: Mounts, known: Known) -> System:
    """The one system of this machine.

    Where there are several, one that metal-hammer has installed is preferred.
    Raises SystemMissing, SystemAmbiguous.
    """
    systems: list[System] = []
    looked_at = [*known.problems]
    for filesystem in known.filesystems:
        try:
            if uses := disks.uses(filesystem.device):
                raise NoSystem(f"in use, {uses[0][1]}")
            systems.append(look(mounts, filesystem))
        except NoSystem as reason:
            looked_at.append(f"{filesystem.device} ({filesystem.format}): {reason}")
    preferred = [system for system in systems if system.by_metal] or systems
    if not preferred:
        raise SystemMissing(looked_at=tuple(looked_at))
    if len(preferred) > 1:
        raise SystemAmbiguous(systems=tuple(map(str, systems)))
    return preferred[0]


def named(
    device: str, programs: Programs, disks: Disks, mounts: Mounts, known: Known
) -> tuple[System, str | None]:
    """The system that has its root on a device, and in words what it lacks.

    Whoever names it may be about to mend it: it need not look like a system.
    Raises ArgumentInvalid, DiskInUse, SystemMissing, ProgramFailed.
    """
    path = str(Path(device).resolve())
    if not Path(path).is_block_device():
        raise ArgumentInvalid(argument="--root", reason=f"{device} is no block device")
    if uses := disks.uses(path):
        raise DiskInUse(uses=tuple(uses))
    filesystem = known.on(path) or probe(programs, path, disk=path)
    if filesystem is None or filesystem.format not in LOOK_OPTIONS:
        is_a = f" ({filesystem.format})" if filesystem else ""
        raise SystemMissing(looked_at=(f"{path}{is_a}: no root filesystem",))
    try:
        return look(mounts, filesystem), None
    except NoSystem as reason:
        system = System(root=filesystem, name="no complete system", by_metal=False, entries=())
        return system, str(reason)


def look(mounts: Mounts, filesystem: Filesystem) -> System:
    """The system that has this root filesystem. Raises NoSystem."""
    options = LOOK_OPTIONS.get(filesystem.format)
    if options is None:
        raise NoSystem("no root filesystem")
    try:
        with (
            _private_directory() as where,
            mounted(
                mounts, filesystem.device, where, fstype=filesystem.format, options=options
            ) as root,
        ):
            return _system(root, filesystem)
    except HammerError as failure:
        raise NoSystem(str(failure)) from None


def _system(root: Path, filesystem: Filesystem) -> System:
    """Raises NoSystem, FileFailed."""
    table = read(root, paths.FSTAB, limit_bytes=FILE_LIMIT_BYTES)
    if table is None:
        raise NoSystem(f"no {paths.FSTAB}")
    # With /usr on a filesystem of its own it is a link that leads nowhere yet.
    release = inside(root, OS_RELEASE.parent) / OS_RELEASE.name
    if not os.path.lexists(release):
        raise NoSystem(f"no {OS_RELEASE}")
    text = read(root, OS_RELEASE, limit_bytes=FILE_LIMIT_BYTES) or b""
    return System(
        root=filesystem,
        name=_name(text.decode(errors="replace")),
        by_metal=inside(root, paths.INSTALL_CONFIG).is_file(),
        entries=fstab.read(table.decode(errors="replace")),
    )


def _name(os_release: str) -> str:
    for line in os_release.splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip("\"'")
    return "a system without a name"


@contextmanager
def _private_directory() -> Iterator[Path]:
    # Removed only when empty: no clean-up may ever descend into what is mounted there.
    where = Path(tempfile.mkdtemp(prefix="hammer-look-"))
    try:
        yield where
    finally:
        with suppress(OSError):
            where.rmdir()
