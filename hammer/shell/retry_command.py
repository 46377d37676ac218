"""`hammer retry` and `hammer continue`: go on with an installation that was stopped or failed."""

import argparse

from hammer.cmdline import Settings
from hammer.console import Console
from hammer.journal import Journal
from hammer.life import RUN_DIRECTORY, install_and_start, lived
from hammer.report import Subparsers
from hammer.retry import beginning
from hammer.step import Step


def add_to(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add `retry` and `continue`."""
    retry = commands.add_parser("retry", help="do the failed step again, or STEP, and go on")
    retry.add_argument(
        "step", nargs="?", type=Step, choices=list(Step), metavar="STEP", help=", ".join(Step)
    )
    retry.set_defaults(command=retry_command)
    go_on = commands.add_parser("continue", help="go on where it was stopped, or start the system")
    go_on.add_argument("--wait", action="store_true", help="for the end of another agent, first")
    go_on.set_defaults(command=continue_command)


def retry_command(arguments: argparse.Namespace) -> int:
    def life(console: Console, settings: Settings) -> None:
        journal = Journal.read(RUN_DIRECTORY)
        begin = beginning(journal, arguments.step)
        if arguments.step is not None:
            journal.chooses(arguments.step)
        install_and_start(console, settings, journal, begin=begin, in_shell=True)

    return lived(life)


def continue_command(arguments: argparse.Namespace) -> int:
    def life(console: Console, settings: Settings) -> None:
        journal = Journal.read(RUN_DIRECTORY)
        begin = None if journal.complete else beginning(journal, None)
        # Who waits is initramfs/init: nobody is there to look at a failure.
        in_shell = not arguments.wait
        install_and_start(console, settings, journal, begin=begin, in_shell=in_shell)

    return lived(life, wait=arguments.wait)
