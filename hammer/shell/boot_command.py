"""`hammer boot`: start the installed system now."""

import argparse

from hammer.cmdline import Settings
from hammer.console import Console
from hammer.errors import NotInstalled
from hammer.journal import Journal
from hammer.life import RUN_DIRECTORY, install_and_start, lived
from hammer.report import Subparsers


def add_to(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add `boot`."""
    boot = commands.add_parser("boot", help="start the installed system by kexec, now")
    boot.set_defaults(command=boot_command)


def boot_command(_: argparse.Namespace) -> int:
    def life(console: Console, settings: Settings) -> None:
        journal = Journal.read(RUN_DIRECTORY)
        if not journal.complete:
            raise NotInstalled(where=journal.where())
        install_and_start(console, settings, journal, begin=None, in_shell=True)

    return lived(life)
