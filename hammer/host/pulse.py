"""The agent's signs of life, which the guard reads: without them the machine is reset."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol

TELL_EVERY_S = 1.0


class Pulse(Protocol):
    def beat(self) -> None:
        """The agent goes on. Cheap: call it wherever something has been done."""

    def within(self, limit_s: float) -> AbstractContextManager[object]:
        """For a `with` around a wait that ends within `limit_s`, whatever happens."""


class NoPulse:
    """Nobody is waiting for signs of life, as outside of the ramdisk."""

    def beat(self) -> None:
        pass

    def within(self, limit_s: float) -> AbstractContextManager[object]:
        return nullcontext(limit_s)


class HostPulse:
    """Signs of life in a file: until when, in seconds of CLOCK_BOOTTIME, the agent is alive.

    A thread writes the file once a second, because waits such as those for a disk
    or a server cannot be cut into pieces. It writes later and later times only while
    the agent is within the limit of what it waits for. A process that is stopped has
    no thread that writes; one that is stuck longer than its limit is not excused by it.
    """

    def __init__(
        self, alive: Path, *, grace_s: float, clock: Callable[[], float] | None = None
    ) -> None:
        """`alive` is made, or taken over from whoever had it."""
        self._clock = clock or _boot_time_s
        self._grace_s = grace_s
        self._beat_s = self._clock()
        # One for each wait: several threads may wait, and end in any order.
        self._deadlines_s: dict[object, float] = {}
        # Not truncated and not replaced: a full tmpfs has no room for a second page.
        self._handle = os.open(alive, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.tell()

    def start(self) -> None:
        """From now on the file is written; ends with the process."""
        threading.Thread(target=self._run, name="pulse", daemon=True).start()

    def beat(self) -> None:
        self._beat_s = self._clock()

    @contextlib.contextmanager
    def within(self, limit_s: float) -> Iterator[None]:
        wait = object()
        self._deadlines_s[wait] = self._clock() + limit_s
        try:
            yield
        finally:
            del self._deadlines_s[wait]
            self.beat()

    def tell(self) -> None:
        """Write until when we are alive, as far as is known now."""
        excused_s = max([self._beat_s, *tuple(self._deadlines_s.values())])
        until_s = min(self._clock(), excused_s) + self._grace_s
        # Of one length, so that no end of an older text is left over.
        with contextlib.suppress(OSError):
            os.pwrite(self._handle, f"{until_s:013.2f}\n".encode(), 0)

    def _run(self) -> None:
        # Signals are for the main thread, whose system calls they interrupt.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while True:
            self.tell()
            time.sleep(TELL_EVERY_S)


def _boot_time_s() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)
