"""The provisioning sequence. Read this file first; everything else hangs below it."""

from collections.abc import Collection

from hammer.errors import Interrupted
from hammer.journal import Journal
from hammer.machine import Machine
from hammer.spec import InstallSpec
from hammer.step import Break, Step
from hammer.steps.check import check
from hammer.steps.format import make_filesystems
from hammer.steps.handover import write_contract
from hammer.steps.image import unpack_image
from hammer.steps.install import read_boot_info, run_installer
from hammer.steps.installer import remove_installer
from hammer.steps.kernel import Kernel, load_kernel, order_firmware
from hammer.steps.mount import mount_target, unmount_target
from hammer.steps.partition import partition, reveal_esp
from hammer.steps.provenance import write_provenance
from hammer.steps.wipe import wipe


def provision(
    machine: Machine,
    spec: InstallSpec,
    journal: Journal,
    *,
    begin: Step = Step.CHECK,
    breaks: Collection[Break] = (),
) -> Kernel:
    """Install what `spec` says and return the kernel to start.

    What a step leaves for later ones stands in `journal`, so that another process can begin at
    any step. The first step writes nothing; WIPE is the point of no return. A failure leaves
    everything as it is: the caller reports it, and gives up (abandon.py) or lets a person look.
    The caller also starts the kernel; nothing below does.
    """
    root = machine.target
    for step in begin.and_later():
        stop_at(Break(step), breaks, journal)
        with journal.step(step), machine.console.step(step):
            match step:
                case Step.CHECK:
                    journal.offer = check(machine, spec)
                case Step.WIPE:
                    wipe(machine, spec.layout, left=journal.disks, begins=journal.writes_to)
                case Step.PARTITION:
                    partition(machine, spec.layout)
                case Step.FORMAT:
                    journal.volumes = make_filesystems(machine, spec.layout)
                case Step.MOUNT:
                    mount_target(machine, journal.volumes)
                case Step.IMAGE:
                    journal.unpacked = unpack_image(machine, journal.the_offer, root)
                case Step.CONTRACT:
                    config = write_contract(
                        machine, spec, volumes=journal.volumes, offer=journal.the_offer, root=root
                    )
                    journal.keep_password(config.password)
                case Step.INSTALL:
                    if journal.installer is None:
                        journal.installed_by(
                            run_installer(machine, spec, volumes=journal.volumes, root=root)
                        )
                    remove_installer(machine, root, journal.the_installer)
                case Step.KERNEL:
                    boot_info = read_boot_info(root)
                    journal.kernel = load_kernel(machine, spec.layout, boot_info, root)
                    order_firmware(machine, boot_info, journal.kernel)
                case Step.UNMOUNT:
                    write_provenance(
                        machine,
                        spec.layout,
                        volumes=journal.volumes,
                        offer=journal.the_offer,
                        unpacked=journal.the_unpacked,
                        seconds=journal.done,
                        root=root,
                    )
                    unmount_target(machine, journal.volumes)
                    reveal_esp(machine, spec.layout)
        stop_at(Break(step, after=True), breaks, journal)
    return journal.the_kernel


def stop_at(place: Break, breaks: Collection[Break], journal: Journal) -> None:
    """Stop at a breakpoint, unless it is the one where the last try was stopped."""
    if journal.passes(place) or place not in breaks:
        return
    journal.passed = place
    journal.save()
    raise Interrupted(by=f"hammer.break={place}", by_person=True)
