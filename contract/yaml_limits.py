"""How much a text may hold, whoever wrote it."""

from dataclasses import dataclass

# A machine document of metal-api is some 20 KiB, 2000 values and a dozen levels deep.
MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 64
MAX_NODES = 50_000


@dataclass(frozen=True)
class Position:
    """A place in a text, counted from 1 as editors do; columns are characters."""

    line: int
    column: int


class Unreadable(Exception):
    """The text is not one YAML document within the limits. Quotes nothing of it."""

    def __init__(self, reason: str, position: Position | None = None) -> None:
        super().__init__(f"line {position.line}: {reason}" if position else reason)
        self.reason = reason
        self.position = position
