"""Step 5: the filesystems of the layout, mounted below the target."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from hammer.errors import HostError
from hammer.host.files import inside
from hammer.host.resolv_conf import put_back
from hammer.machine import Machine
from hammer.steps.format import Volume

FSTAB_ONLY = frozenset(
    {
        "defaults",
        *("unbindable", "runbindable", "private", "rprivate"),
        *("slave", "rslave", "shared", "rshared"),
        *("auto", "noauto", "comment"),
        *("loop", "offset", "sizelimit"),
    }
)
"""Options that mean something in fstab(5) and nothing for a mount made now.

The list of metal-hammer's cmd/storage/filesystem.go, so that every layout that
mounts there mounts here.
"""


def mount_target(machine: Machine, volumes: Sequence[Volume]) -> Path:
    """Mount the target tree, what of it is not mounted yet; where it is.

    A failure leaves mounted what is: `unmount_target` takes it away.
    """
    machine.target.mkdir(parents=True, exist_ok=True)
    for volume, where in places(machine, volumes):
        if not machine.mounts.is_mounted(where):
            where.mkdir(parents=True, exist_ok=True)
            options = now_options(volume.mountoptions)
            machine.mounts.mount(volume.device, where, fstype=volume.format, options=options)
    return machine.target


def unmount_target(machine: Machine, volumes: Sequence[Volume]) -> None:
    """Unmount what is mounted of the target tree, the deepest first.

    All of it is tried; the first that fails is raised, the others are its notes.
    """
    failed: list[HostError] = []
    if machine.mounts.is_mounted(machine.target):
        try:
            put_back(machine.target)  # for who worked there, and was killed
        except HostError as failure:
            failed.append(failure)
    # A path behind a link of the image can no longer be followed once its parent is gone.
    for _, where in reversed(list(places(machine, volumes))):
        if machine.mounts.is_mounted(where):
            try:
                machine.mounts.unmount(where)
            except HostError as failure:
                failed.append(failure)
    if failed:
        cause, *others = failed
        for other in others:
            cause.add_note(str(other))
        raise cause


def places(machine: Machine, volumes: Sequence[Volume]) -> Iterator[tuple[Volume, Path]]:
    """What belongs to the target tree and where it lies for us, parents before children.

    Made while it is asked for: the way to a child may be a link that its parent brings.
    """
    for volume in mount_order(volumes):
        assert volume.path is not None
        yield volume, inside(machine.target, volume.path)


def mount_order(volumes: Sequence[Volume]) -> list[Volume]:
    """What is mounted during the installation, parents before children."""
    mountable = [volume for volume in volumes if volume.path and volume.format != "swap"]
    return sorted(mountable, key=lambda volume: len(volume.path.parts) if volume.path else 0)


def now_options(options: Sequence[str]) -> list[str]:
    """The mount options that count now."""
    return [
        option
        for option in options
        if option.partition("=")[0] not in FSTAB_ONLY and not option.startswith("x-")
    ]
