"""`hammer image pack`: a root filesystem becomes what the agent installs."""

import argparse
from pathlib import Path

from hammer.console import Console, text_sink
from hammer.errors import ArgumentInvalid
from hammer.host.programs import HostPrograms
from hammer.image.pack import pack
from hammer.report import Subparsers, raise_on_signals, reported, stdout


def add_to(commands: "Subparsers[argparse.ArgumentParser]") -> None:
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
    raise_on_signals()  # or half an image stays behind

    def life() -> None:
        try:
            arguments.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = f"{arguments.out}: {error.strerror}"
            raise ArgumentInvalid(argument="--out", reason=reason) from None
        pack(arguments.tree, arguments.out, programs=HostPrograms(), say=console.say)

    return reported(console, life)
