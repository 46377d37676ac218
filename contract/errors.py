"""What is wrong with a document, every problem at once and never with its value.

ContractError
├── NotYaml    the text cannot be read at all
└── Broken     it can be read, and breaks a rule of its kind
"""

import re
from dataclasses import dataclass

from contract.yaml_limits import Position


@dataclass(frozen=True)
class Finding:
    """One problem, and where it is. The value is left out: the wrong one may be the password."""

    reason: str
    path: str = ""
    """`disks[0].device`; empty if the text as a whole cannot be read."""
    position: Position | None = None
    """Of the key, or of the nearest object around it; None if nothing of the text is meant."""

    def __str__(self) -> str:
        """`path: reason`, or `line N: reason`, or the reason."""
        if self.path:
            return f"{self.path}: {self.reason}"
        return f"line {self.position.line}: {self.reason}" if self.position else self.reason


@dataclass(eq=False, kw_only=True)
class ContractError(Exception):
    """`name` is the document's; the findings are sorted by path, each once."""

    name: str
    findings: tuple[Finding, ...]

    def __post_init__(self) -> None:
        once = {str(finding): finding for finding in self.findings}
        self.findings = tuple(once[text] for text in sorted(once, key=_numbers_as_numbers))

    @property
    def problems(self) -> tuple[str, ...]:
        """The findings in words, each on one line."""
        return tuple(map(str, self.findings))

    def __str__(self) -> str:
        return "\n".join(f"{self.name}: {problem}" for problem in self.problems)


class NotYaml(ContractError):
    """The text is no YAML mapping, or one that goes beyond the limits of the reader."""


class Broken(ContractError):
    """The document breaks rules; all of them are listed."""


def _numbers_as_numbers(problem: str) -> list[tuple[int, str]]:
    """Sort `disks[2]` before `disks[10]`."""
    return [
        (int(part), "") if part.isdecimal() else (-1, part)
        for part in re.split(r"([0-9]{1,9})", problem)
    ]
