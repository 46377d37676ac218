"""The installed system for the person at the console: found, mounted, and left as it was."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from contract import paths
from hammer.console import Console
from hammer.errors import HammerError, TargetInUse, TargetReadOnly
from hammer.host.disks import Disks
from hammer.host.files import failing, inside, read
from hammer.host.filesystems import candidates
from hammer.host.mounts import MountPoint, Mounts, mount_points, mounted, refuse_full
from hammer.host.programs import Programs
from hammer.host.resolv_conf import working_resolv_conf
from hammer.shell import fstab, systems
from hammer.shell.fstab import Entry
from hammer.steps.format import Volume
from hammer.steps.mount import now_options


@dataclass(frozen=True, kw_only=True)
class Seams:
    """What of this machine is used to find and mount a system."""

    console: Console
    programs: Programs
    disks: Disks
    mounts: Mounts


@contextmanager
def held_target(
    seams: Seams,
    target: Path,
    *,
    volumes: Sequence[Volume],
    device: str | None = None,
    read_only: bool = False,
) -> Iterator[Path]:
    """Hold the installed system at `target`, complete and with names that resolve.

    What is mounted there already stays mounted afterwards, and what is missing of it
    is mounted meanwhile. Otherwise the `volumes` of an installation are mounted, or
    the system on `device`, or the one that is found. With `read_only` nothing is
    written: what is mounted here is mounted so, and names do not resolve.

    Raises TargetInUse, TargetReadOnly, SystemMissing, SystemAmbiguous, MountFailed
    for its root, UnmountBusy when somebody stays in it.
    """
    known = systems.known_filesystems(seams.programs, candidates(seams.disks))
    with ExitStack() as held:
        if there := _mounted_at(target):
            if device is not None and not _same(there.source, device):
                raise TargetInUse(path=target, reason=f"{there.source} is mounted there")
            entries = _of_volumes(volumes) or _of_mounted(target)
            root = there.source
        else:
            refuse_full(target)
            if volumes and device is None:
                entries = _of_volumes(volumes)
            else:
                entries = _of_system(_system(seams, device, known))
            root = entries[0].spec
        mount_missing(
            seams,
            target,
            [(entry, known.source_of(entry.spec, beside=root)) for entry in entries],
            held,
            read_only=read_only,
        )
        if not read_only and os.statvfs(target).f_flag & os.ST_RDONLY:
            raise TargetReadOnly(path=target)
        held.enter_context(nullcontext() if read_only else working_resolv_conf(target))
        yield target


def mount_missing(
    seams: Seams,
    target: Path,
    entries: Iterable[tuple[Entry, str]],
    held: ExitStack,
    *,
    read_only: bool,
) -> None:
    """Mount what is not mounted yet, each from its device, parents before children.

    Only a root that cannot be mounted is a failure.
    """
    for entry, source in entries:
        where = inside(target, entry.path)
        if _mounted_at(where):
            continue
        options = now_options(entry.options)
        if read_only:
            options += systems.READ_ONLY_OPTIONS.get(entry.format, ("ro",))
        try:
            with failing(entry.path):  # the directory may be missing, and the disk full
                held.enter_context(
                    mounted(
                        seams.mounts,
                        source,
                        where,
                        fstype=entry.format,
                        options=options,
                    )
                )
        except HammerError as failure:
            if entry.path == fstab.ROOT:
                raise
            seams.console.warn(f"{entry.path} is missing: {failure}")


def _system(seams: Seams, device: str | None, known: systems.Known) -> systems.System:
    if device is None:
        system = systems.find(seams.disks, seams.mounts, known)
    else:
        system, lacks = systems.named(device, seams.programs, seams.disks, seams.mounts, known)
        if lacks:
            seams.console.warn(f"{device} has no complete system: {lacks}")
            return system
    seams.console.say(str(system))
    return system


def _of_volumes(volumes: Sequence[Volume]) -> tuple[Entry, ...]:
    return fstab.parents_first(
        Entry(
            spec=volume.device,
            path=volume.path,
            format=volume.format,
            options=volume.mountoptions,
        )
        for volume in volumes
        if volume.path is not None and volume.format != "swap"
    )


def _of_mounted(target: Path) -> tuple[Entry, ...]:
    table = read(target, paths.FSTAB, limit_bytes=systems.FILE_LIMIT_BYTES) or b""
    return fstab.read(table.decode(errors="replace"))


def _of_system(system: systems.System) -> tuple[Entry, ...]:
    """Its root is where we found it, whatever its fstab says."""
    others = [entry for entry in system.entries if entry.path != fstab.ROOT]
    options = next((e.options for e in system.entries if e.path == fstab.ROOT), ())
    root = Entry(
        spec=system.root.device, path=fstab.ROOT, format=system.root.format, options=options
    )
    return (root, *others)


def _mounted_at(where: Path) -> MountPoint | None:
    return next((mount for mount in reversed(mount_points()) if mount.where == where), None)


def _same(one: str, other: str) -> bool:
    return Path(one).resolve() == Path(other).resolve()
