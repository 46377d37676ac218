"""The commands of the shell on the console, one module each."""

import argparse
from types import ModuleType

from hammer.report import Subparsers

COMMANDS: tuple[ModuleType, ...] = ()


def add_to(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add them to those of `hammer`."""
    for command in COMMANDS:
        command.add_to(commands)
