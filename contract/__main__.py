"""The command `contract`: check, schema, example. For authors of images and layouts."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from contract.errors import ContractError
from contract.generations import generation_of
from contract.install_config import InstallConfig
from contract.kinds import KINDS, Kind, example, kind_named, kind_of_content, kind_of_file, schema
from contract.yaml_file import load, read_bounded, read_bounded_stdin
from contract.yaml_limits import Unreadable
from contract.yaml_reader import read

DONE, USAGE, BROKEN = 0, 2, 10
# What a shell reports of a program that SIGINT ended.
INTERRUPTED = 130


@dataclass(frozen=True)
class Verdict:
    """What is to be said of one file; without problems it is good."""

    file: str
    kind: str | None
    problems: tuple[str, ...]
    generation: str | None = None
    """First version that wrote such an install.yaml; None for other kinds, and for a mixture."""


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 all good, 2 wrong usage, 10 a document has problems."""
    arguments = _parser().parse_args(argv)
    # A file name may hold anything; a report must not stop at it.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        status = _run(arguments)
        sys.stdout.flush()
    except OSError as error:
        # Of reading, nothing arrives here. A reader (head, grep -q) that has enough is
        # no news. Python flushes once more at exit, which must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            sys.stderr.write(f"contract: cannot write ({error.strerror})\n")
        return BROKEN
    except KeyboardInterrupt:
        return INTERRUPTED
    return status


def _parser() -> argparse.ArgumentParser:
    names = [kind.name for kind in KINDS]
    parser = argparse.ArgumentParser(prog="contract", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="name every problem of the documents")
    check.add_argument("files", nargs="+", metavar="FILE", help="a document, - for stdin")
    check.add_argument("--kind", choices=names, help="else found by file name or content")
    check.add_argument("--format", choices=["text", "json"], default="text")
    for command, text in (
        ("schema", "print the JSON Schema of a kind of document"),
        ("example", "print a complete document with a comment at every key"),
    ):
        commands.add_parser(command, help=text).add_argument("kind", choices=names)
    return parser


def _run(arguments: argparse.Namespace) -> int:
    if arguments.command == "check":
        kind = kind_named(arguments.kind) if arguments.kind else None
        return _check(arguments.files, kind=kind, as_json=arguments.format == "json")
    made = schema if arguments.command == "schema" else example
    sys.stdout.write(made(kind_named(arguments.kind)))
    return DONE


def _check(files: Sequence[str], *, kind: Kind | None, as_json: bool) -> int:
    verdicts = []
    for file in files:
        verdict = _verdict(file, kind)
        verdicts.append(verdict)
        if not as_json:
            sys.stdout.write(_as_text(verdict))
    if as_json:
        sys.stdout.write(_as_json(verdicts))
    return BROKEN if any(verdict.problems for verdict in verdicts) else DONE


def _verdict(file: str, kind: Kind | None) -> Verdict:
    shown = "(stdin)" if file == "-" else file if file.isprintable() else ascii(file)
    try:
        text = read_bounded_stdin() if file == "-" else read_bounded(Path(file))
    except OSError as error:
        return Verdict(shown, None, (f"cannot be read ({error.strerror})",))
    except ValueError:  # a zero byte in the name
        return Verdict(shown, None, ("cannot be read (no such file)",))
    kind = kind or kind_of_file(file)
    generation = None
    try:
        values = read(text)
        kind = kind or kind_of_content(values)
        if kind is None:
            return Verdict(shown, None, ("cannot tell which document this is, give --kind",))
        if kind.model is InstallConfig:
            known = generation_of(values)
            generation = known.since if known else None
        load(kind.model, text, name=shown)
    except Unreadable as error:
        return Verdict(shown, kind.name if kind else None, (str(error),))
    except ContractError as error:
        return Verdict(shown, kind.name if kind else None, error.problems, generation)
    return Verdict(shown, kind.name, (), generation)


def _as_text(verdict: Verdict) -> str:
    if not verdict.problems:
        age = f", as of {verdict.generation}" if verdict.generation else ""
        return f"{verdict.file}: ok ({verdict.kind}{age})\n"
    return "".join(f"{verdict.file}: {problem}\n" for problem in verdict.problems)


def _as_json(verdicts: list[Verdict]) -> str:
    files = [
        {
            "file": verdict.file,
            "kind": verdict.kind,
            "generation": verdict.generation,
            "problems": [*map(_parts, verdict.problems)],
        }
        for verdict in verdicts
    ]
    return json.dumps({"files": files}, indent=2) + "\n"


def _parts(problem: str) -> dict[str, str]:
    # No path holds a colon: keys that do are not shown.
    path, colon, reason = problem.partition(": ")
    return {"path": path, "reason": reason} if colon else {"path": "", "reason": problem}


if __name__ == "__main__":
    sys.exit(main())
