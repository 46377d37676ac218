"""The end of the agent: the installed system starts."""

import time
from typing import NoReturn

from hammer import boots
from hammer.control.protocol import ControlPlane, How
from hammer.host.memory import Started
from hammer.journal import Journal
from hammer.machine import Machine
from hammer.report import ignore_signals
from hammer.steps.mount import unmount_target


def ready_again(machine: Machine, journal: Journal) -> None:
    """Have a complete installation as it was before somebody looked: unmounted."""
    unmount_target(machine, journal.volumes)


def hand_over(
    machine: Machine, control: ControlPlane, journal: Journal, *, pause_s: int
) -> NoReturn:
    """Start the installed system, by kexec if it can be, else through the firmware."""
    assert machine.power is not None
    kernel = journal.the_kernel
    how: How = "kexec" if kernel.refused is None else "firmware"
    words = "kexec" if how == "kexec" else "a start through the firmware"
    machine.console.say(f"{words} in {pause_s} s, Ctrl-C stops it")
    with machine.pulse.within(pause_s):
        time.sleep(pause_s)
    control.about_to_start(kernel.kernel, how=how)
    # From here on there is a record of a start, and soon nobody who feeds the watchdog.
    ignore_signals()
    boots.started(
        machine.memory,
        Started(
            how=how,
            image=journal.image_id,
            kernel=kernel.kernel,
            time_s=int(time.time()),
        ),
    )
    if kernel.refused is not None:
        machine.console.event("firmware-boot", loader=str(kernel.loader), reason=kernel.refused)
        machine.console.flush()
        machine.power.restart()
    machine.console.event("kexec", kernel=kernel.kernel, cmdline=kernel.cmdline)
    machine.console.flush()
    machine.power.kexec()
