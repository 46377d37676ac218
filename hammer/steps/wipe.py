"""Step 2: the disks of the layout are cleared."""

from collections.abc import Callable, Collection

import contract
from hammer.errors import HostError
from hammer.host.programs import Program
from hammer.machine import Machine


def wipe(
    machine: Machine,
    layout: contract.FilesystemLayout,
    *,
    left: Collection[str],
    begins: Callable[[str], None],
) -> None:
    """Remove every signature and partition table from the disks that the layout names.

    `begins` is called with each disk right before it is written to: who is stopped has
    lost no other one. `left` are disks of earlier tries; half of a system is on those that
    the layout no longer names, and nothing there may look bootable beside ours.

    Signatures inside the old partitions go first: a new partition at the same
    place would show them again, to udev before we can make a filesystem.
    """
    named = [disk.device for disk in layout.disks]
    for device in left:
        if device not in named:
            forsake(machine, device)
    for disk in layout.disks:
        begins(disk.device)
        old = machine.disks.partitions(disk.device)
        for device in (*old, disk.device):
            machine.programs.run(Program.WIPEFS, "--all", "--quiet", device)
        machine.disks.clear(disk.device)
        machine.disks.forget_partitions(disk.device)
        machine.console.say(f"{disk.device} is empty")


def forsake(machine: Machine, device: str) -> None:
    """Clear a disk of an earlier try. It may have been what was wrong with that one."""
    if uses := machine.disks.uses(device):
        machine.console.warn(f"{device}, of an earlier try, stays: in use, {uses[0][1]}")
        return
    try:
        machine.disks.clear(device)
    except HostError as failure:
        machine.console.warn(f"{failure}, ignoring")
    else:
        machine.console.say(f"{device}, of an earlier try, is empty")
