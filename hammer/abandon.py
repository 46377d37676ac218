"""Giving an installation up: better no system than half of one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hammer.errors import HostError
from hammer.journal import Journal
from hammer.machine import Machine
from hammer.report import ignore_signals
from hammer.steps.mount import unmount_target


def abandon(machine: Machine, journal: Journal) -> tuple[str, ...]:
    """Unmount everything, and leave nothing on the disks that could boot; remarks, in words.

    A complete installation is only unmounted. What cannot be done is a remark: there is a cause
    that brought us here, and it must not be hidden.
    """
    remarks: list[str] = []

    def tried(action: Callable[[], None], otherwise: str) -> bool:
        try:
            action()
        except HostError as failure:
            remarks.extend([f"{otherwise}{failure}", *getattr(failure, "__notes__", ())])
            return False
        return True

    unmounted = tried(lambda: unmount_target(machine, journal.volumes), "")
    if journal.complete:
        return tuple(remarks)
    if (power := machine.power) is not None and power.loaded():
        tried(power.unload_kernel, "the kernel stays loaded: ")
    # Before it: an agent that is killed while disks are cleared must not be gone on with.
    journal.falls_apart()
    if not journal.disks:
        pass
    elif machine.preserve:
        remarks.append("the disks are left as they are (hammer.preserve=1)")
    else:
        for disk in journal.disks:
            tried(lambda disk=disk: machine.disks.clear(disk), "may still look bootable: ")  # type: ignore[misc]
    journal.give_up(mounted=not unmounted)
    return tuple(remarks)


@contextmanager
def abandoned_on_failure(machine: Machine, journal: Journal) -> Iterator[None]:
    """Give up what fails inside; the remarks become notes of the cause.

    Nothing interrupts that: signals are ignored from then on.
    """
    try:
        yield
    except BaseException as cause:
        ignore_signals()
        for remark in abandon(machine, journal):
            cause.add_note(remark)
        raise
