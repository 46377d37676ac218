"""Step 3: a GPT on each disk. An EFI system partition gets its type when all is done."""

import contract
from hammer.errors import ProgramFailed, ProgramTimeout
from hammer.host.programs import Program
from hammer.machine import Machine

ESP = "ef00"
LINUX = "8300"


def partition(machine: Machine, layout: contract.FilesystemLayout) -> None:
    """Make the partitions and wait for their device nodes.

    An EFI system partition is given the type of a Linux filesystem for now:
    firmware looks for boot loaders by type, and after a power cut there must be
    nothing to find. `reveal_esp` gives it its own.
    """
    for disk in layout.disks:
        if not disk.partitions:
            continue
        machine.programs.run(Program.SGDISK, *_arguments(disk), disk.device)
        # sgdisk has told the kernel, unless that does not know GPT; partx makes
        # sure in any case, and changes nothing where all is as it should be. With
        # a range it also finds those behind a gap in the numbers.
        machine.programs.run(Program.PARTX, "--update", "--nr", "1:128", disk.device)
        for each in disk.partitions:
            node = contract.partition_device(disk.device, each.number)
            machine.disks.wait_for(node, on=disk.device)
    # udev looks into new partitions; mkfs must not find one of them still open.
    settle(machine)


def reveal_esp(machine: Machine, layout: contract.FilesystemLayout) -> None:
    """The last write of an installation: from here on firmware sees something to boot.

    Nothing of the disk may be mounted. Returns when it is on the disk.
    """
    for disk in layout.disks:
        types = [
            f"--typecode={each.number}:{ESP}" for each in disk.partitions if each.gpttype == ESP
        ]
        if types:
            machine.programs.run(Program.SGDISK, *types, disk.device)
        machine.disks.flush(disk.device)
    # It looks again now, and kexec would take the disk away under its hands.
    settle(machine)


def settle(machine: Machine) -> None:
    """Wait until udev has done what it began; without udev there is nothing to wait for.

    A device elsewhere may keep it busy for long. That is no reason to fail.
    """
    try:
        machine.programs.run(Program.UDEVADM, "settle", "--timeout=30")
    except (ProgramFailed, ProgramTimeout) as failure:
        machine.console.warn(f"{failure}, ignoring")


def _arguments(disk: contract.Disk) -> list[str]:
    arguments = []
    for each in disk.partitions:
        # 0 as start: the next free aligned sector; 0 as end: all that is left (sgdisk(8)).
        end = f"+{each.size}M" if each.size else "0"
        gpttype = LINUX if each.gpttype in (ESP, None) else each.gpttype
        arguments += [
            f"--new={each.number}:0:{end}",
            f"--change-name={each.number}:{each.label or ''}",
            f"--typecode={each.number}:{gpttype}",
        ]
    return arguments
