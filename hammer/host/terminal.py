"""A terminal with a cursor, whose last line can be written anew: one of SSH, of a window.

A console is none. What it shows is recorded by others as it comes, and a serial one does not know
how wide it is.
"""

import os
import select
from typing import TextIO

COLUMNS = 80
"""Of a terminal that does not say."""

ERASE = "\r\x1b[K"
"""Takes away what was drawn."""


def drawn(text: str) -> str:
    """Writes the line of the cursor anew, and leaves the cursor at its beginning.

    Whatever comes next is then over it and not behind it, such as the ^C of the terminal itself.
    """
    return f"\r{text}\x1b[K\r"


def has_cursor(stream: TextIO) -> bool:
    """Whether a line can be drawn there; not on a console, into a file or a pipe."""
    if os.environ.get("TERM", "") in ("", "dumb"):
        return False
    try:
        return os.ttyname(stream.fileno()).startswith("/dev/pts/")
    except (OSError, ValueError):  # no terminal; closed
        return False


def columns_of(stream: TextIO) -> int:
    """How wide it is now. Raises OSError."""
    return os.get_terminal_size(stream.fileno()).columns or COLUMNS


class Terminal:
    """Whole lines, and below them one that is drawn anew. Raises OSError."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._poll = select.poll()
        self._poll.register(stream, select.POLLOUT)
        self._drawn = False

    def write(self, text: str) -> None:
        """Lines, each with its end, in the place of what is drawn."""
        self._put(f"{ERASE}{text}" if self._drawn else text)
        self._drawn = False

    def draw(self, text: str) -> None:
        """Show this, until there is more; nothing while somebody holds the terminal (Ctrl-S)."""
        if self._poll.poll(0):
            self._drawn = True  # before: a signal may raise in the middle
            self._put(drawn(text))

    def _put(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
