"""Step 5: the filesystems of the layout, mounted below the target."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from hammer.host.files import inside
from hammer.host.mounts import mounted
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


@contextmanager
def mounted_target(machine: Machine, volumes: Sequence[Volume]) -> Iterator[Path]:
    """Hold the target tree. Unmounted on every way out, the deepest first."""
    with ExitStack() as held:
        for volume in mount_order(volumes):
            assert volume.path is not None
            held.enter_context(
                mounted(
                    machine.mounts,
                    volume.device,
                    inside(machine.target, volume.path),
                    fstype=volume.format,
                    options=now_options(volume.mountoptions),
                )
            )
        yield machine.target


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
