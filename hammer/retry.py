"""Going on with an installation that was stopped or failed: where it is safe, and what it needs."""

from hammer.errors import RetryUnsafe
from hammer.journal import Journal
from hammer.machine import Machine
from hammer.spec import InstallSpec
from hammer.step import Step
from hammer.steps.check import ask_for_image
from hammer.steps.mount import mount_target, unmount_target

BEGINS_WITH = {
    # sgdisk adds partitions to a table; it must find none.
    Step.PARTITION: Step.WIPE,
    # An image is as specified only on filesystems that hold nothing else.
    Step.MOUNT: Step.FORMAT,
    Step.IMAGE: Step.FORMAT,
    # A kernel that is loaded may be the one of a try before.
    Step.UNMOUNT: Step.KERNEL,
}


def beginning(journal: Journal, wanted: Step | None) -> Step:
    """The step to begin with; `wanted` None: where the installation stands.

    Raises RetryUnsafe for a step that cannot be done now, NothingToRetry after the last one.
    """
    step = wanted or journal.next_step
    missing = [each for each in Step if each.number < step.number and each not in journal.done]
    if missing:
        raise RetryUnsafe(step=step, reason=f"step {missing[0]} has not come to its end")
    # Killed between its end and its removal, the removal is left of step install.
    has_run = Step.INSTALL in journal.done or (step is Step.CONTRACT and journal.installer)
    if step in (Step.CONTRACT, Step.INSTALL) and has_run:
        raise RetryUnsafe(
            step=step,
            reason=f"the installer has run, and is gone; begin with step {Step.IMAGE}",
        )
    begin = BEGINS_WITH.get(step, step)
    # A boot loader, or the type of its partition, would start half of what comes now.
    return Step.WIPE if begin is Step.FORMAT and journal.may_boot else begin


def re_establish(machine: Machine, spec: InstallSpec, journal: Journal, begin: Step) -> None:
    """Make the machine what it is when `begin` begins. Raises what the steps raise."""
    journal.goes_back_to(begin)
    if begin.number > Step.FORMAT.number:
        mount_target(machine, journal.volumes)
        return
    unmount_target(machine, journal.volumes)
    if machine.power is not None and machine.power.loaded():
        machine.power.unload_kernel()
    if begin is not Step.CHECK:
        # The image may have been published again since, perhaps because it had failed here.
        journal.offer = ask_for_image(machine, spec.allocation.image)
