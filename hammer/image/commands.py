"""The commands of `hammer image`: for authors of images, on a laptop or in CI."""

import argparse
from pathlib import Path

from hammer.console import Console, text_sink
from hammer.host.programs import HostPrograms
from hammer.image.pack import pack
from hammer.report import reported, stdout

# What add_subparsers() returns has no public name.
Subparsers = argparse._SubParsersAction


def add_to(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add `image` and its commands to those of `hammer`."""
    image = commands.add_parser("image", help="for authors of images")
    image_commands = image.add_subparsers(required=True, metavar="COMMAND")
    add_pack(image_commands)


def add_pack(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    packer = commands.add_parser(
        "pack", help="a root filesystem becomes img.tar.lz4, its .md5 and packages.txt"
    )
    packer.add_argument("tree", type=Path, metavar="TREE", help="directory, or a .tar of it")
    packer.add_argument(
        "--out", type=Path, default=Path(), metavar="DIR", help="where to write (default: here)"
    )
    packer.set_defaults(command=pack_command)


def pack_command(arguments: argparse.Namespace) -> int:
    console = Console([text_sink(stdout)])

    def life() -> None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        pack(arguments.tree, arguments.out, programs=HostPrograms(), say=console.say)

    return reported(console, life)
