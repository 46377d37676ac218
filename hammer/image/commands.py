"""The commands of `hammer image`: for authors of images, on a laptop or in CI."""

import argparse
from collections.abc import Callable, Sequence

from hammer.image import check_command, pack_command, resolve_command, try_command
from hammer.report import Subparsers


def main(argv: Sequence[str]) -> int:
    """`hammer image ...` alone, without importing what installs machines."""
    top = argparse.ArgumentParser(prog="hammer")
    add_to(top.add_subparsers(required=True, metavar="COMMAND"))
    arguments = top.parse_args(argv)
    command: Callable[[argparse.Namespace], int] = arguments.command
    return command(arguments)


def add_to(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add `image` and its commands to those of `hammer`."""
    image = commands.add_parser("image", help="for authors of images")
    image_commands = image.add_subparsers(required=True, metavar="COMMAND")
    for command in (check_command, pack_command, resolve_command, try_command):
        command.add_to(image_commands)
