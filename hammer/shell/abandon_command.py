"""`hammer abandon`: give an installation up."""

import argparse

from hammer.bundle import BUNDLE_LIMIT_S
from hammer.cmdline import Settings
from hammer.console import Console
from hammer.errors import AgentKilled, Interrupted, JournalMissing
from hammer.journal import Journal
from hammer.life import RUN_DIRECTORY, give_up, kept_bundle, lived
from hammer.report import Subparsers, ignore_signals
from hammer.this_machine import this_machine


def add_to(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add `abandon`."""
    abandon = commands.add_parser("abandon", help="give up: unmount, leave nothing that boots")
    # For initramfs/init: how the agent left, when it could not do this itself.
    abandon.add_argument("--agent-left-with", type=int, metavar="STATUS", help=argparse.SUPPRESS)
    abandon.set_defaults(command=abandon_command)


def abandon_command(arguments: argparse.Namespace) -> int:
    """Nothing to give up is no failure: init asks without knowing."""
    status: int | None = arguments.agent_left_with

    def life(console: Console, settings: Settings) -> None:
        try:
            journal = Journal.read(RUN_DIRECTORY)
        except JournalMissing:
            return
        if journal.abandoned:
            return
        # Half of a clean-up would be half of a system; init goes on whatever becomes of us.
        ignore_signals()
        complete = journal.complete
        killed = status is not None and status not in (0, Interrupted.exit_status)
        if killed and journal.failure is None and not complete:
            cause: BaseException = AgentKilled(status=status or 0)
        else:
            cause = Interrupted(by="`hammer abandon`", by_person=True)
        # Nobody else can say what the machine was like when its agent went away.
        machine = this_machine(console, settings)
        with machine.pulse.within(BUNDLE_LIMIT_S):
            bundle = kept_bundle(cause) if isinstance(cause, AgentKilled) else None
        give_up(machine, settings, journal, cause, bundle)
        for note in getattr(cause, "__notes__", ()):
            console.warn(note)
        told = "the installed system stays" if complete else "given up, nothing of it can boot"
        console.say(told)
        if isinstance(cause, AgentKilled):
            raise cause

    # Whom init asks for: it restarts afterwards, whatever the answer is.
    return lived(life, wait=status is not None)
