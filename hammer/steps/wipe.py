"""Step 2: the disks of the layout are cleared, and stay so when a later step fails."""

from collections.abc import Iterator
from contextlib import contextmanager

import contract
from hammer.errors import HostError
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


@contextmanager
def unbootable_on_failure(machine: Machine, layout: contract.FilesystemLayout) -> Iterator[None]:
    """Leave no bootable half: on any failure inside, the partition tables are cleared.

    What cannot be cleared becomes a note of the failure that brought us here.
    """
    try:
        yield
    except BaseException as cause:
        if machine.preserve:
            cause.add_note("the disks are left as they are (hammer.preserve=1)")
            raise
        for disk in layout.disks:
            try:
                machine.disks.clear(disk.device)
            except HostError as failure:
                cause.add_note(f"may still look bootable: {failure}")
        raise
