"""The command `contract`: check, schema, example. For authors of images and layouts."""

import argparse
import errno
import os
import sys
from collections.abc import Sequence

from contract.check import FORMATS, verdict
from contract.kinds import KINDS, Kind, example, kind_named, schema

DONE, USAGE, BROKEN = 0, 2, 10
# What a shell reports of a program that SIGINT ended.
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 all good, 2 wrong usage, 10 a document has problems."""
    arguments = _parser().parse_args(argv)
    try:
        if sys.stdout is None:  # the descriptor is closed
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        # A file name may hold anything; a report must not stop at it.
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="backslashreplace")
        status = _run(arguments)
        sys.stdout.flush()
    except OSError as error:
        return _not_written(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    return status


def _not_written(error: OSError) -> int:
    """Of reading, nothing arrives here. A reader (head, grep -q) that has enough is no news."""
    if sys.stdout is not None:
        # Python flushes once more at exit, which must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not isinstance(error, BrokenPipeError) and sys.stderr is not None:
        sys.stderr.write(f"contract: cannot write ({error.strerror})\n")
    return BROKEN


def _parser() -> argparse.ArgumentParser:
    names = [kind.name for kind in KINDS]
    parser = argparse.ArgumentParser(prog="contract", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="name every problem of the documents")
    check.add_argument("files", nargs="+", metavar="FILE", help="a document, - for stdin")
    check.add_argument("--kind", choices=names, help="else found by file name or content")
    check.add_argument("--format", choices=[*FORMATS], default="text")
    for command, text in (
        ("schema", "print the JSON Schema of a kind of document"),
        ("example", "print a complete document with a comment at every key"),
    ):
        commands.add_parser(command, help=text).add_argument("kind", choices=names)
    return parser


def _run(arguments: argparse.Namespace) -> int:
    if arguments.command == "check":
        kind = kind_named(arguments.kind) if arguments.kind else None
        return _check(arguments.files, kind=kind, format=arguments.format)
    made = schema if arguments.command == "schema" else example
    sys.stdout.write(made(kind_named(arguments.kind)))
    return DONE


def _check(files: Sequence[str], *, kind: Kind | None, format: str) -> int:
    verdicts = [verdict(file, kind) for file in files]
    sys.stdout.write(FORMATS[format](verdicts))
    return BROKEN if any(verdict.findings for verdict in verdicts) else DONE


if __name__ == "__main__":
    sys.exit(main())
