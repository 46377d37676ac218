"""A terminal of a test, and what a person sees on it."""

import os
import select
import termios
from typing import TextIO

LIMIT_S = 60.0  # never reached, but by a bug


class Screen:
    """A pseudo terminal; `stdout` is the end of a program that runs in it."""

    def __init__(self, *, columns: int = 80) -> None:
        self._columns = columns
        self._ours, theirs = os.openpty()
        self.stdout: TextIO = os.fdopen(theirs, "w")
        self.resize(columns)

    def resize(self, columns: int) -> None:
        termios.tcsetwinsize(self.stdout, (24, columns))

    def close(self) -> None:
        self.stdout.close()
        os.close(self._ours)

    def typed(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    def raw(self, *, until: str) -> str:
        """What was written, to this at least, which must come."""
        said = b""
        while until.encode() not in said:
            assert select.select([self._ours], [], [], LIMIT_S)[0], said
            said += os.read(self._ours, 4096)
        return said.decode("ascii")


def rows(said: str, *, columns: int = 80) -> list[str]:
    """The rows of a terminal that was sent this; a row that wraps is an error."""
    row, at, above = "", 0, []
    for part in said.replace("\x1b[K", "\x1b"):
        match part:
            case "\r":
                at = 0
            case "\n":
                above.append(row)
                row = ""
            case "\x1b":
                row = row[:at]
            case _:
                assert at < columns - 1, f"{row!r} wraps"
                row, at = row[:at] + part + row[at + 1 :], at + 1
    return [each.rstrip() for each in [*above, row]]
