"""`hammer run`: the whole life in the ramdisk."""

import argparse

from hammer.cmdline import Settings
from hammer.console import Console
from hammer.errors import JournalMissing
from hammer.journal import Journal
from hammer.life import RUN_DIRECTORY, install_and_start, lived, tell_start
from hammer.report import Subparsers
from hammer.step import Step


def add_to(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add `run`."""
    run = commands.add_parser("run", help="the whole life in the ramdisk, ending with kexec")
    run.set_defaults(command=run_command)


def run_command(_: argparse.Namespace) -> int:
    """Comes back only when it was stopped or something failed; initramfs/init takes over then."""

    def life(console: Console, settings: Settings) -> None:
        tell_start(console, settings)
        try:
            # Somebody has typed it: what another agent left mounted, and on disks, is known there.
            journal, in_shell = Journal.read(RUN_DIRECTORY), True
            journal.chooses(Step.CHECK)
        except JournalMissing:
            journal, in_shell = Journal.new(RUN_DIRECTORY), False
        install_and_start(console, settings, journal, in_shell=in_shell)

    return lived(life)
