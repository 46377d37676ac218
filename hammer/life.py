"""The agent's life in the ramdisk: wait, provision, report, kexec.

`hammer run` lives it from the beginning, `hammer retry` and its like from where it was stopped.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from hammer import VERSION, boots, cmdline, redact, ssh
from hammer.abandon import abandon
from hammer.bundle import BUNDLE_LIMIT_S, Bundle, keep, make_bundle, sources_here, summary
from hammer.cmdline import OnFailure, Settings
from hammer.console import Console, failed_lines, text_sink
from hammer.control.protocol import ControlPlane, step_sink
from hammer.errors import ControlError, Interrupted, NotRamdisk
from hammer.hand_over import hand_over, ready_again
from hammer.host import clock, network, pstore
from hammer.host.identity import in_ramdisk, peak_memory
from hammer.host.lock import LOCK, only_agent
from hammer.journal import Journal
from hammer.machine import Machine
from hammer.outlets import Outlets
from hammer.report import (
    ConsoleHandler,
    failure_of,
    ignore_signals,
    log_to,
    raise_on_signals,
    reported,
    stdout,
)
from hammer.retry import re_establish
from hammer.sequence import provision
from hammer.step import Step
from hammer.steps.kernel import Kernel
from hammer.stream.date import date_of
from hammer.stream.http import host_of
from hammer.this_machine import control_plane, this_machine, way_of

RUN_DIRECTORY = Path("/run/hammer")
DATE_SERVERS_MAX = 3
NEXT = RUN_DIRECTORY / "next"
"""What initramfs/init does when the agent has ended: `restart SECONDS` or `stop`."""


def lived(life: Callable[[Console, Settings], object], *, wait: bool = False) -> int:
    """Live in the ramdisk with a console, a log and the settings; the exit status for init.

    There is one life at a time, or somebody who came by SSH could clean up below an agent
    that installs. Another one is waited for with `wait`, else it is a refusal that is told
    here alone: what watches the events must not take it for the end of that installation.
    """
    console, status = Console([text_sink(stdout)]), 0
    raise_on_signals()

    def tell(process: str) -> None:
        console.say(f"waiting for the end of process {process}, which is at work here")

    def alone() -> None:
        nonlocal status
        if not in_ramdisk():
            raise NotRamdisk()
        with only_agent(LOCK, on_wait=tell if wait else None):
            status = _lived(life)

    return reported(console, alone) or status


def _lived(life: Callable[[Console, Settings], object]) -> int:
    RUN_DIRECTORY.mkdir(mode=0o700, parents=True, exist_ok=True)
    outlets = Outlets(RUN_DIRECTORY, sys.stdout)
    console = outlets.console

    def with_settings() -> None:
        words = cmdline.read()
        if told := cmdline.events(words):
            outlets.add_events(Path(told))
        settings = cmdline.parse(words)
        if settings.debug:
            log_to(ConsoleHandler(console))
        life(console, settings)

    try:
        return reported(console, with_settings)
    finally:
        outlets.end()


def install_and_start(
    console: Console,
    settings: Settings,
    journal: Journal,
    *,
    begin: Step | None = Step.CHECK,
    in_shell: bool = False,
) -> NoReturn:
    """Install this machine, from step `begin` on, and start what was installed.

    None: it is installed, and is only to be started.

    When a person has stopped it, or is there to look at a failure, everything is left as it is;
    else a failure is given up. Raises what stopped it, or failed.
    """
    machine = this_machine(console, settings)
    NEXT.unlink(missing_ok=True)
    console.has_done(journal.done)
    control: ControlPlane | None = None
    try:
        control = control_plane(settings, console, machine.pulse)
        if begin is not None:
            install(machine, control, settings, journal, begin)
        else:
            ready_again(machine, journal)
        hand_over(machine, control, journal, pause_s=settings.pause_s)
    except BaseException as cause:
        ignore_signals()
        if isinstance(cause, Interrupted) and cause.by_person:
            cause.where = journal.where()
            raise
        tell_memory(console)
        journal.failed(failure_of(cause))
        # Before anything is unmounted or cleared: it shows the machine as it failed.
        with machine.pulse.within(BUNDLE_LIMIT_S):
            bundle = kept_bundle(cause)
        if not in_shell and settings.on_failure is not OnFailure.SHELL:
            give_up(machine, settings, journal, cause, bundle, control=control)
        else:
            tell_failure(machine, settings, cause, bundle, control=control)
        raise


def kept_bundle(cause: BaseException) -> Bundle:
    """The failure bundle of now, kept for `hammer report`; a note of the cause says where."""
    failure = failure_of(cause)
    pstore.leave_words("\n".join(failed_lines(failure)))
    bundle = make_bundle(sources_here(), failure)
    cause.add_note(summary(bundle, keep(bundle, RUN_DIRECTORY)))
    return bundle


def tell_failure(
    machine: Machine,
    settings: Settings,
    cause: BaseException,
    bundle: Bundle | None,
    *,
    control: ControlPlane | None,
) -> None:
    """Let the control plane know, if it is one that we can speak to.

    It is `control`, if that was told of the steps: what another one sends could overtake them.
    """
    with suppress(ControlError):
        told = control or control_plane(settings, machine.console, machine.pulse)
        told.failed(failure_of(cause), bundle=bundle)


def give_up(
    machine: Machine,
    settings: Settings,
    journal: Journal,
    cause: BaseException,
    bundle: Bundle | None = None,
    *,
    control: ControlPlane | None = None,
) -> None:
    """The end of an installation that failed; what could not be cleaned up becomes its notes."""
    step = journal.begun
    for remark in abandon(machine, journal):
        cause.add_note(remark)
    tell_failure(machine, settings, cause, bundle, control=control)
    following = boots.decided(
        machine.memory,
        failure_of(cause),
        step=step,
        backoff_s=settings.backoff_s,
        now_s=time.time(),
    )
    NEXT.write_text(f"{following}\n")


def install(
    machine: Machine, control: ControlPlane, settings: Settings, journal: Journal, begin: Step
) -> Kernel:
    """Network, document, the sequence, and the report."""
    console = machine.console
    is_first = journal.network is None
    address = journal.network or network_up(machine, settings, journal)
    if settings.ssh_key is not None:
        ssh.offer(
            console, machine.programs, settings.ssh_key, network=address, way=way_of(settings)
        )
    if is_first:
        # With the network, by which the control plane is told when this is the end.
        after_earlier_boots(machine, settings)
    control.begun(begin)
    console.tell_also(step_sink(control))
    if begin is Step.CHECK:
        journal.keep_document(control.wait_for_spec())
    spec = journal.spec()
    re_establish(machine, spec, journal, begin)
    kernel = provision(machine, spec, journal, begin=begin, breaks=settings.breaks)
    control.installed()
    tell_memory(console)
    console.tell_steps()
    console.event("installed", kernel=kernel.kernel, loaded=kernel.loaded)
    return kernel


def network_up(machine: Machine, settings: Settings, journal: Journal) -> str:
    """Interface and address, for the journal as well. Raises NetworkDown."""
    found = network.bring_up(machine.programs, settings.ip, pulse=machine.pulse)
    if found:
        machine.console.say(f"{found.interface} has {found.address}")
        with machine.pulse.within(clock.LIMIT_S):
            clock.set_right(
                clock.HostClock(),
                ntp=settings.ntp or found.ntp,
                dates=lambda: dates(settings),
                say=machine.console.say,
            )
    journal.network = f"{found.interface} {found.address}" if found else "off"
    journal.save()
    return journal.network


def dates(settings: Settings) -> Iterator[clock.Told]:
    """What time it is by the servers that the command line names."""
    named = [url for url in (settings.spec, settings.report, *settings.mirrors) if url]
    servers = [url for url in named if url.startswith(("http://", "https://"))]
    for url in servers[:DATE_SERVERS_MAX]:
        time_s = date_of(url, way=way_of(settings))
        if time_s is not None:
            yield host_of(url), time_s


def after_earlier_boots(machine: Machine, settings: Settings) -> None:
    """Tell how they ended, and wait where they ended too often. Raises SystemNeverUp."""
    wait_s = boots.begin(
        machine.memory, machine.console, backoff_s=settings.backoff_s, now_s=time.time()
    )
    with machine.pulse.within(wait_s):
        time.sleep(wait_s)


def tell_memory(console: Console) -> None:
    memory = peak_memory()
    console.event("memory", agent_mib=memory.agent_mib, child_mib=memory.child_mib)


def tell_start(console: Console, settings: Settings) -> None:
    console.event("start", version=VERSION, spec=redact.url(settings.spec))
    console.say(f"hammer {VERSION}")
    if words := pstore.words_left():
        console.say(f"the boot before ended with\n{words}")
