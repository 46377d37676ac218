"""Writing to a line that may be slow, or that nobody reads, without ever waiting for it.

A thread of its own does the writing. The threads that tell take no lock, so that neither a signal
that raises between any two of their instructions nor a fork can leave one behind: a deque and a
SimpleQueue do what they do in one piece.
"""

import itertools
import os
import queue
import select
import signal
import stat
import termios
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from hammer.host.terminal import ERASE, drawn

KEPT_LINES = 4096
"""Of what matters, more than an installation has."""
DETAIL_LINES = 200
"""Of a text of 80 columns that is 17 s at 9600 baud: a person must not see what was long ago."""
PIECE_BYTES = 512
"""Written at once; the kernel's own buffer of 4096 would be 4 s at 9600 baud, and out of reach."""

# Number of the line, the line, and who is to be told when it is written.
_Entry = tuple[int, bytes, "queue.SimpleQueue[None] | None"]


class Line:
    """Lines to a descriptor: in order, and when it is too slow, without the oldest detail.

    What was left out is told in one line at its place. Errors of the descriptor are of no
    interest: telling is worth less than installing.
    """

    def __init__(self, descriptor: int, *, left_out: Callable[[int], str]) -> None:
        """`left_out` makes the line that tells how many are missing."""
        self._descriptor = descriptor
        self._left_out = left_out
        self._numbers = itertools.count()
        self._kept: deque[_Entry] = deque(maxlen=KEPT_LINES)
        self._details: deque[_Entry] = deque(maxlen=DETAIL_LINES)
        self._to_draw: deque[str] = deque(maxlen=1)
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        # Read and written by the thread alone.
        self._next_detail: _Entry | None = None
        self._expected = 0
        self._drawn = False
        self._process = os.getpid()
        threading.Thread(target=self._write_for_ever, daemon=True, name="line").start()

    def write(self, text: str) -> None:
        """Lines, each with its end, that are to be seen."""
        self._add(self._kept, text)

    def write_detail(self, text: str) -> None:
        """Lines that may be left out."""
        self._add(self._details, text)

    def draw(self, text: str) -> None:
        """Show this below all lines, until there is more of either; for a terminal with a cursor.

        Of what comes faster than the terminal takes it, only the newest is drawn.
        """
        if os.getpid() == self._process:
            self._to_draw.append(text)
            if self._wake.empty():
                self._wake.put(None)

    def flush(self, *, within_s: float) -> bool:
        """Wait until all is on the line; whether it is. Gives detail up after half of the time.

        Nothing is drawn after it: the descriptor may be closed.
        """
        self._to_draw.clear()
        written: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._kept.append((next(self._numbers), b"", written))
        self._wake.put(None)
        for give_up in (self._details.clear, lambda: None):
            try:
                written.get(timeout=within_s / 2)
            except queue.Empty:
                give_up()
            else:
                return True
        return False

    def discard(self) -> None:
        """Drop what is not on the line yet: else the end of a process waits for it (30 s).

        Only for a line that is ours alone, and for the end (drivers/tty/serial: closing_wait).
        """
        self._details.clear()
        self._kept.clear()
        with suppress(termios.error):
            termios.tcflush(self._descriptor, termios.TCOFLUSH)

    def _add(self, to: deque[_Entry], text: str) -> None:
        if os.getpid() != self._process:  # a fork has no thread
            return
        self._to_draw.clear()
        for line in text.encode("ascii", "backslashreplace").splitlines(keepends=True):
            to.append((next(self._numbers), line, None))
        # One call to wake up is enough, however long the thread does not hear it.
        if self._wake.empty():
            self._wake.put(None)

    # --- the thread ---------------------------------------------------------------------------

    def _write_for_ever(self) -> None:
        # Signals are for the main thread. SIGTTOU would stop an agent in the background,
        # tcdrain(3) asks for it.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while True:
            self._wake.get()
            while piece := self._piece():
                data, flushed = piece
                if data:
                    self._put(ERASE.encode() + data if self._drawn else data)
                    self._drawn = False
                    with suppress(termios.error):
                        termios.tcdrain(self._descriptor)
                for each in flushed:
                    each.put(None)
            with suppress(IndexError):
                self._put(drawn(self._to_draw.pop()).encode())
                self._drawn = True

    def _put(self, data: bytes) -> None:
        with suppress(OSError):
            _write_all(self._descriptor, data)

    def _piece(self) -> "tuple[bytes, list[queue.SimpleQueue[None]]] | None":
        """What is to be written next, and who waits for that; None when there is nothing."""
        data, flushed = b"", []
        while len(data) < PIECE_BYTES and (entry := self._take()):
            number, line, written = entry
            if number > self._expected:
                data += self._left_out(number - self._expected).encode()
            self._expected = number + 1
            data += line
            if written:
                flushed.append(written)
        return (data, flushed) if data or flushed else None

    def _take(self) -> _Entry | None:
        """The oldest entry of both queues.

        The order of looking matters: when a kept one is seen, all details before it
        have been added, and the other way round.
        """
        detail = self._next_detail or _popped(self._details)
        kept = _first(self._kept)
        if kept and not detail:
            detail = _popped(self._details)
        if kept and (not detail or kept[0] < detail[0]):
            self._next_detail = detail
            return _popped(self._kept) or self._take()
        self._next_detail = None
        return detail


def opened_line(path: Path, *, left_out: Callable[[int], str]) -> Line | None:
    """A line to a character device or a FIFO; None when it is something else, or not there."""
    # A terminal must not become ours, and open(2) must not wait for a carrier or a reader.
    flags = os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC
    with suppress(OSError):
        descriptor = os.open(path, flags)
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISCHR(mode) or stat.S_ISFIFO(mode):
            return Line(descriptor, left_out=left_out)
        os.close(descriptor)
    return None


# Not "if entries": another thread may clear them.


def _first(entries: deque[_Entry]) -> _Entry | None:
    try:
        return entries[0]
    except IndexError:
        return None


def _popped(entries: deque[_Entry]) -> _Entry | None:
    try:
        return entries.popleft()
    except IndexError:
        return None


def _write_all(descriptor: int, data: bytes) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    while data:
        poll.poll()
        # Between the two somebody else may have written.
        with suppress(BlockingIOError):
            data = data[os.write(descriptor, data) :]
