"""Step 2: the disks of the layout are cleared."""

import contract
from hammer.host.programs import Program
from hammer.machine import Machine


def wipe(machine: Machine, layout: contract.FilesystemLayout) -> None:
    """Remove every signature and partition table from the disks that the layout names.

    Signatures inside the old partitions go first: a new partition at the same
    place would show them again, to udev before we can make a filesystem.
    """
    for disk in layout.disks:
        old = machine.disks.partitions(disk.device)
        for device in (*old, disk.device):
            machine.programs.run(Program.WIPEFS, "--all", "--quiet", device)
        machine.disks.clear(disk.device)
        machine.disks.forget_partitions(disk.device)
        machine.console.say(f"{disk.device} is empty")
