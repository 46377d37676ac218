"""The commands of the shell on the console, one module each."""

import argparse
from types import ModuleType

from hammer.report import Subparsers
from hammer.shell import (
    abandon_command,
    boot_command,
    chroot_command,
    logs_command,
    report_command,
    retry_command,
    status_command,
)

COMMANDS: tuple[ModuleType, ...] = (
    status_command,
    chroot_command,
    retry_command,
    boot_command,
    logs_command,
    report_command,
    abandon_command,
)


def add_to(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add them to those of `hammer`."""
    for command in COMMANDS:
        command.add_to(commands)
