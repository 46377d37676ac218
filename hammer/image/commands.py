"""The commands of `hammer image`: for authors of images, on a laptop or in CI."""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hammer import redact
from hammer.console import Console, json_sink, text_sink
from hammer.host.programs import HostPrograms
from hammer.image.pack import pack
from hammer.report import answer, reported, stdout
from hammer.stream.http import Patience

if TYPE_CHECKING:
    from hammer.image.check.reader import Facts
    from hammer.image.check.rules import Outcome

# A person or a pipeline waits; the agent itself is more patient.
CHECK_RETRY_S = 10
from pydantic import TypeAdapter, ValidationError

from contract import ImageId
from contract.document import problems_of
from contract.fields import StoreUrl
from hammer.cmdline import Settings
from hammer.errors import FileFailed
from hammer.image.resolve import resolve

# What add_subparsers() returns has no public name.
Subparsers = argparse._SubParsersAction


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
    add_check(image_commands)
    add_pack(image_commands)
    add_resolve(image_commands)


def add_check(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    checker = commands.add_parser(
        "check", help="know before publishing whether an image will install; writes nothing"
    )
    checker.add_argument("image", nargs="?", metavar="IMG", help="img.tar.lz4, path or URL")
    checker.add_argument("--layout", type=Path, metavar="FILE", help="filesystem layout to fit in")
    checker.add_argument(
        "--disk-size", type=positive, metavar="MIB", help="size of each disk of the layout"
    )
    checker.add_argument(
        "--skip", action="append", default=[], metavar="ID", help="leave out a rule (repeatable)"
    )
    checker.add_argument(
        "--fatal-warnings", action="store_true", help="exit status 20 for warnings, too"
    )
    checker.add_argument("--format", choices=("text", "json", "github"), default="text")
    checker.add_argument("--list-rules", action="store_true", help="print every rule, and end")
    checker.set_defaults(command=check_command, usage_error=checker.error)


def positive(text: str) -> int:
    """A number above zero, for argparse."""
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def check_command(arguments: argparse.Namespace) -> int:
    # Not for the other commands, which are to start at once.
    from hammer.image.check import lint, report, space

    if arguments.list_rules:
        answer(report.list_of_rules())
        return 0
    if arguments.image is None:
        arguments.usage_error("IMG is missing")
    if arguments.disk_size and not arguments.layout:
        arguments.usage_error("--disk-size goes with --layout")
    form = report.Format(arguments.format)
    console = Console([json_sink(stdout) if form is report.Format.JSON else text_sink(stdout)])
    found: list[lint.Report] = []

    def life() -> None:
        found.append(
            lint.lint(
                lint.as_url(arguments.image),
                where=redact.url(arguments.image) if "://" in arguments.image else arguments.image,
                skip=arguments.skip,
                fits=_fits(arguments) if arguments.layout else space.findings,
                parsers=HostPrograms(),
                patience=Patience(retry_for_s=CHECK_RETRY_S),
                on_retry=aside,
            )
        )
        answer(report.TOLD[form](found[0]))

    status = reported(console, life)
    return status or lint.exit_status(found[0], fatal_warnings=arguments.fatal_warnings)


def _fits(arguments: argparse.Namespace) -> Callable[["Facts"], Iterable["Outcome"]]:
    """Judges by the layout of the command line. Raises LayoutMissing, DocumentInvalid."""
    from hammer.image.check import layout

    return partial(
        layout.findings,
        layout=layout.read_layout(arguments.layout),
        disk_mib=arguments.disk_size,
    )


def aside(text: str) -> None:
    """Tell it where it is in nobody's way: what is on stdout may be read by a program."""
    sys.stderr.write(f"{text}\n")


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


def add_resolve(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    resolver = commands.add_parser(
        "resolve", help="the image that an id means: its URL, digest and list of packages"
    )
    resolver.add_argument("id", type=image_id, metavar="ID", help="debian-12 is the newest 12.0")
    resolver.add_argument(
        "--store",
        required=True,
        type=store,
        metavar="STORE",
        help="URL or directory of a store of images, or of an image index (.yaml, .yml, .json)",
    )
    resolver.add_argument(
        "--retry-s",
        type=int,
        default=Settings().retry_s,
        metavar="S",
        help="how long a server that does not answer is tried again (default %(default)s)",
    )
    resolver.add_argument("--format", choices=("text", "json"), default="text")
    resolver.set_defaults(command=resolve_command)


def image_id(text: str) -> str:
    try:
        ImageId.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def store(text: str) -> str:
    if "\0" in text:
        raise argparse.ArgumentTypeError("must hold no zero byte")
    if "://" not in text:
        return Path(text).absolute().as_uri()
    try:
        return TypeAdapter(StoreUrl).validate_python(text)
    except ValidationError as error:
        raise argparse.ArgumentTypeError(problems_of(error)[0][1]) from None


def resolve_command(arguments: argparse.Namespace) -> int:
    as_json = arguments.format == "json"
    console = Console([json_sink(stdout) if as_json else text_sink(stdout)])

    def life() -> None:
        resolved = resolve(
            arguments.id,
            arguments.store,
            patience=Patience(retry_for_s=arguments.retry_s),
            on_retry=console.say,
        )
        try:
            stdout(resolved.as_json() if as_json else resolved.as_text())
        except OSError as error:
            reason = error.strerror or str(error)
            raise FileFailed(path="the standard output", reason=reason) from None

    return reported(console, life)
