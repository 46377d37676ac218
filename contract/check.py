"""The verdict on a file, and how it is told: for people, for programs, for GitHub's annotations."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from contract.errors import ContractError, Finding
from contract.generations import generation_of
from contract.install_config import InstallConfig
from contract.kinds import Kind, kind_of_file, kinds_of_content
from contract.values import Value
from contract.yaml_file import NO_MAPPING, load_value, read_bounded, read_bounded_stdin
from contract.yaml_limits import Unreadable
from contract.yaml_reader import read

STDIN = "-"


@dataclass(frozen=True)
class Verdict:
    """What is to be said of one file; without findings it is good."""

    file: str
    """Printable; empty for the standard input."""
    kind: str | None
    findings: tuple[Finding, ...] = ()
    generation: str | None = None
    """First version that wrote such an install.yaml; None for other kinds, and for a mixture."""

    @property
    def shown(self) -> str:
        return self.file or "(stdin)"


def verdict(file: str, kind: Kind | None) -> Verdict:
    """Read and check a file; without a kind that is found by its name, else by its content."""
    if not file:  # which is the current directory to Path
        return _refused("''", "cannot be read (no such file)")
    shown = "" if file == STDIN else file if file.isprintable() else ascii(file)
    try:
        text = read_bounded_stdin() if file == STDIN else read_bounded(Path(file))
    except IsADirectoryError:
        return _refused(shown, "is a directory, name the files in it")
    except OSError as error:
        return _refused(shown, f"cannot be read ({error.strerror})")
    except ValueError:  # a zero byte in the name
        return _refused(shown, "cannot be read (no such file)")
    kind, generation = kind or kind_of_file(file), None
    try:
        value = read(text)
        kind = kind or _kind_of_content(value)
        generation = _generation(kind, value)
        load_value(kind.model, value, text, name=shown)
    except Unreadable as error:
        finding = Finding(error.reason, position=error.position)
        return Verdict(shown, kind.name if kind else None, (finding,))
    except ContractError as error:
        return Verdict(shown, kind.name if kind else None, error.findings, generation)
    return Verdict(shown, kind.name, generation=generation)


def _refused(shown: str, reason: str) -> Verdict:
    return Verdict(shown, None, (Finding(reason),))


def _generation(kind: Kind, value: Value) -> str | None:
    if kind.model is not InstallConfig or not isinstance(value, dict):
        return None
    known = generation_of(value)
    return known.since if known else None


def _kind_of_content(value: Value) -> Kind:
    kinds = kinds_of_content(value)
    if len(kinds) == 1:
        return kinds[0]
    if not isinstance(value, dict):
        raise Unreadable(NO_MAPPING)
    candidates = " or ".join(kind.name for kind in kinds)
    among = f", it may be {candidates}" if candidates else ""
    raise Unreadable(f"cannot tell which document this is{among}: give --kind")


# --- the formats --------------------------------------------------------------------------


def as_text(verdicts: Iterable[Verdict]) -> str:
    """`file:line:column: path: reason`, as compilers do and editors understand."""
    return "".join(line for verdict in verdicts for line in _text_lines(verdict))


def _text_lines(verdict: Verdict) -> Iterable[str]:
    if not verdict.findings:
        age = f", as of {verdict.generation}" if verdict.generation else ""
        yield f"{verdict.shown}: ok ({verdict.kind}{age})\n"
    for finding in verdict.findings:
        at = finding.position
        where = f"{verdict.shown}:{at.line}:{at.column}" if at else verdict.shown
        yield f"{where}: {_words(finding)}\n"


def as_json(verdicts: Iterable[Verdict]) -> str:
    """One object; `line` and `column` are null where nothing of the text is meant."""
    files = [
        {
            "file": verdict.shown,
            "kind": verdict.kind,
            "generation": verdict.generation,
            "problems": [
                {
                    "path": finding.path,
                    "reason": finding.reason,
                    "line": finding.position.line if finding.position else None,
                    "column": finding.position.column if finding.position else None,
                }
                for finding in verdict.findings
            ],
        }
        for verdict in verdicts
    ]
    return json.dumps({"files": files}, indent=2) + "\n"


def as_github(verdicts: Iterable[Verdict]) -> str:
    """Workflow commands of GitHub Actions, which it shows at the line; none for good files."""
    return "".join(
        _annotation(verdict, finding) for verdict in verdicts for finding in verdict.findings
    )


def _annotation(verdict: Verdict, finding: Finding) -> str:
    properties = {"file": verdict.file} if verdict.file else {}
    if finding.position:
        properties |= {"line": str(finding.position.line), "col": str(finding.position.column)}
    properties["title"] = f"contract check: {verdict.kind}" if verdict.kind else "contract check"
    told = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::error {told}::{_data(_words(finding))}\n"


def _data(text: str) -> str:
    # actions/toolkit, packages/core/src/command.ts: escapeData.
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    # The same file: escapeProperty.
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _words(finding: Finding) -> str:
    return f"{finding.path}: {finding.reason}" if finding.path else finding.reason


FORMATS: dict[str, Callable[[Iterable[Verdict]], str]] = {
    "text": as_text,
    "json": as_json,
    "github": as_github,
}
