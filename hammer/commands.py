"""The commands of `hammer`, one module each."""

import argparse
from collections.abc import Callable, Sequence

from hammer import VERSION, install_command, run_command
from hammer.image import commands as image_commands
from hammer.shell import commands as shell_commands


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    command: Callable[[argparse.Namespace], int] = arguments.command
    return command(arguments)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="hammer", description="Install a bare-metal machine.")
    top.add_argument("--version", action="version", version=f"hammer {VERSION}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    run_command.add_to(commands)
    install_command.add_to(commands)
    shell_commands.add_to(commands)
    image_commands.add_to(commands)
    return top
