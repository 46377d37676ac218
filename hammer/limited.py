"""Work that may never end, and a time after which nobody waits for it any more."""

import signal
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def limited(limit_s: float, work: Callable[[], T]) -> T:
    """What `work` returns. Raises what it raises, and TimeoutError when it is not done in time.

    It runs in a thread, because a read from a broken disk cannot be interrupted, nor
    can a program that waits for one be killed. Out of time, the thread is left behind:
    what it does then must be of no harm to anybody.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        # Signals are for the main thread, whose system calls they interrupt.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(limit_s)
    if errors:
        raise errors[0]
    if results:
        return results[0]
    raise TimeoutError(f"not done within {limit_s:g} s")
