"""What is wrong with a document, every problem at once and never with its value.

ContractError
├── NotYaml    the text cannot be read at all
└── Broken     it can be read, and breaks a rule of its kind
"""

import re
from dataclasses import dataclass


@dataclass(eq=False, kw_only=True)
class ContractError(Exception):
    """`name` is the document's, each problem is `path: reason` or `line N: reason`.

    Values are left out on purpose: the wrong value may be the password.
    """

    name: str
    problems: tuple[str, ...]

    def __post_init__(self) -> None:
        self.problems = tuple(sorted(set(self.problems), key=_numbers_as_numbers))

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
