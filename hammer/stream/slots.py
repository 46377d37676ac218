"""Memory that two processes share, in slots that are used in turns.

One process fills a slot and tells what is in it; the other one says when it is done with it, and
then it is free for the first one again.
"""

import contextlib
import mmap
import os

_DONE = b"."


class OtherEndGone(Exception):
    """The other process has ended, or has closed its end."""


class Slots:
    """The memory. Made before the fork, it is the same in both processes (mmap(2), MAP_SHARED)."""

    def __init__(self, *, count: int, size_bytes: int) -> None:
        self.count = count
        self.size_bytes = size_bytes
        self.memory = mmap.mmap(-1, count * size_bytes)
        self.view = memoryview(self.memory)

    def forget(self) -> None:
        """Give the memory back, which errors with their frames may hold on to."""
        self.memory.madvise(mmap.MADV_REMOVE)

    def begin(self, number: int) -> int:
        """Where a slot begins; they have numbers from 0, and take turns."""
        return number % self.count * self.size_bytes


class Turns:
    """Which slot is filled next, for the process that fills them."""

    def __init__(self, slots: Slots, *, done_fd: int) -> None:
        """The other process writes to the pipe `done_fd` by `done`."""
        self._slots = slots
        self._done_fd = done_fd
        self._taken = 0
        self._done = 0

    def take(self) -> int:
        """Where the next slot begins, once it is free. Raises OtherEndGone."""
        while self._taken - self._done >= self._slots.count:
            done = os.read(self._done_fd, self._slots.count)
            if not done:
                raise OtherEndGone
            self._done += len(done)
        self._taken += 1
        return self._slots.begin(self._taken - 1)


def done(done_fd: int) -> None:
    """Give a slot back; in their order. Who has ended after the last one needs none back."""
    with contextlib.suppress(BrokenPipeError):
        os.write(done_fd, _DONE)
