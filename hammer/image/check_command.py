"""`hammer image check`: whether an image will install, known before it is published."""

import argparse
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hammer import redact
from hammer.console import Console, json_sink, text_sink
from hammer.errors import ImageError
from hammer.host.programs import HostPrograms
from hammer.report import Subparsers, answer, reported, stdout
from hammer.stream.http import Patience

if TYPE_CHECKING:
    from hammer.image.check.reader import Facts
    from hammer.image.check.rules import Outcome

# A person or a pipeline waits; the agent itself is more patient.
CHECK_RETRY_S = 10


def add_to(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    checker = commands.add_parser(
        "check", help="know before publishing whether an image will install; writes nothing"
    )
    checker.add_argument("image", nargs="?", metavar="IMG", help="img.tar.lz4, path or URL")
    checker.add_argument("--layout", type=Path, metavar="FILE", help="filesystem layout to fit in")
    checker.add_argument(
        "--disk-mib", type=positive, metavar="MIB", help="size of each disk of the layout"
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
    if arguments.disk_mib and not arguments.layout:
        arguments.usage_error("--disk-mib goes with --layout")
    form = report.Format(arguments.format)
    sinks = [json_sink(stdout) if form is report.Format.JSON else text_sink(stdout)]
    if form is report.Format.GITHUB:
        sinks.append(report.github_sink(stdout))
    console = Console(sinks)
    where = redact.url(arguments.image) if "://" in arguments.image else arguments.image
    found: list[lint.Report] = []

    def life() -> None:
        try:
            found.append(
                lint.lint(
                    lint.as_url(arguments.image),
                    where=where,
                    skip=arguments.skip,
                    fits=_fits(arguments) if arguments.layout else space.findings,
                    parsers=HostPrograms(),
                    patience=Patience(retry_for_s=CHECK_RETRY_S),
                    on_retry=aside,
                )
            )
        except ImageError as error:
            if form is report.Format.TEXT:
                raise
            found.append(lint.unopened(error, where=where, skip=arguments.skip))
        answer(report.TOLD[form](found[0]))

    status = reported(console, life)
    return status or lint.exit_status(found[0], fatal_warnings=arguments.fatal_warnings)


def _fits(arguments: argparse.Namespace) -> Callable[["Facts"], Iterable["Outcome"]]:
    """Judges by the layout of the command line. Raises LayoutMissing, DocumentInvalid."""
    from hammer.image.check import layout

    return partial(
        layout.findings,
        layout=layout.read_layout(arguments.layout),
        disk_mib=arguments.disk_mib,
    )


def aside(text: str) -> None:
    """Tell it where it is in nobody's way: what is on stdout may be read by a program."""
    sys.stderr.write(f"{text}\n")
