"""The provisioning sequence. Read this file first; everything else hangs below it."""

from contextlib import ExitStack

from hammer.machine import Machine
from hammer.spec import InstallSpec
from hammer.step import Step
from hammer.steps.check import check
from hammer.steps.format import make_filesystems
from hammer.steps.handover import write_contract
from hammer.steps.image import unpack_image
from hammer.steps.install import run_installer
from hammer.steps.kernel import Kernel, loaded_kernel, order_firmware
from hammer.steps.mount import mounted_target
from hammer.steps.partition import partition, reveal_esp
from hammer.steps.wipe import unbootable_on_failure, wipe


def provision(machine: Machine, spec: InstallSpec) -> Kernel:
    """Install what `spec` says and return the kernel to start.

    A failure of the first step leaves the disks as they were. From `wipe` on it
    leaves no bootable system at all: better none than half of one. The caller
    reports the failure and starts the kernel; nothing below does.
    """
    step = machine.console.step
    with step(Step.CHECK):
        offer = check(machine, spec)
    # The point of no return.
    with unbootable_on_failure(machine, spec.layout), ExitStack() as held:
        with step(Step.WIPE):
            wipe(machine, spec.layout)
        with step(Step.PARTITION):
            partition(machine, spec.layout)
        with step(Step.FORMAT):
            volumes = make_filesystems(machine, spec.layout)
        with step(Step.MOUNT):
            mounts = held.enter_context(ExitStack())
            root = mounts.enter_context(mounted_target(machine, volumes))
        with step(Step.IMAGE):
            unpack_image(machine, offer, root)
        with step(Step.CONTRACT):
            write_contract(machine, spec, volumes=volumes, offer=offer, root=root)
        with step(Step.INSTALL):
            boot_info = run_installer(machine, spec, volumes=volumes, root=root)
        with step(Step.KERNEL):
            kernel = held.enter_context(loaded_kernel(machine, boot_info, root))
            order_firmware(machine, boot_info)
        with step(Step.UNMOUNT):
            mounts.close()
            reveal_esp(machine, spec.layout)
    return kernel
