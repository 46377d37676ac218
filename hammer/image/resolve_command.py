"""`hammer image resolve`: what an image id means in a store."""

import argparse
from pathlib import Path

from hammer.cmdline import Settings
from hammer.console import Console, json_sink, text_sink
from hammer.errors import FileFailed
from hammer.report import Subparsers, reported, stdout
from hammer.stream.http import Patience


def add_to(commands: "Subparsers[argparse.ArgumentParser]") -> None:
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
        type=seconds,
        default=Settings().retry_s,
        metavar="S",
        help="how long a server that does not answer is tried again (default %(default)s)",
    )
    resolver.add_argument("--format", choices=("text", "json"), default="text")
    resolver.set_defaults(command=resolve_command)


# The contract takes a while to import, and the other commands are to start at once.


def image_id(text: str) -> str:
    from contract import ImageId

    try:
        ImageId.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def store(text: str) -> str:
    from pydantic import TypeAdapter, ValidationError

    from contract.document import problems_of
    from contract.fields import StoreUrl

    if "\0" in text:
        raise argparse.ArgumentTypeError("must hold no zero byte")
    if "://" not in text:
        return Path(text).absolute().as_uri()
    try:
        return TypeAdapter(StoreUrl).validate_python(text)
    except ValidationError as error:
        raise argparse.ArgumentTypeError(problems_of(error)[0][1]) from None


def seconds(text: str) -> int:
    """A time that may be none, for argparse."""
    number = int(text)
    if number < 0:
        raise ValueError
    return number


def resolve_command(arguments: argparse.Namespace) -> int:
    from hammer.image.resolve import resolve

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
