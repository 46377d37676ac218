"""Work in a process of its own, with little memory and time."""

import gc
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable, Iterable
from mmap import mmap
from typing import TypeVar

T = TypeVar("T")

CPU_S = 10
"""Of each process; counted in work, not in time, so that other work on the machine is no fault."""
MEMORY_BYTES = 256 << 20
"""On top of what this process has: a zstd window of 128 MiB is legal."""
_HANGS_S = 600  # of time: nothing here waits for anything


def each(cases: Iterable[T], work: Callable[[T], None]) -> None:
    """Do `work` on all cases, in one process that is limited and so are its children.

    Whatever goes wrong is an AssertionError that names the case.
    """
    gc.collect()  # what tests before this one left would be room
    pages = resource.getpagesize()
    with mmap(-1, 16 << 10) as report:
        pid = os.fork()
        if pid == 0:
            _run(cases, work, report, limit_bytes=_used_pages() * pages + MEMORY_BYTES)
        _pid, status = os.waitpid(pid, 0)
        said = report[:].rstrip(b"\0").decode(errors="replace")
    if os.WIFSIGNALED(status):
        raise AssertionError(f"{said}: {signal.strsignal(os.WTERMSIG(status))}")
    assert os.waitstatus_to_exitcode(status) == 0, said


def _run(cases: Iterable[T], work: Callable[[T], None], report: mmap, *, limit_bytes: int) -> None:
    """Never returns: the stack below is pytest's."""
    status = 1
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(_HANGS_S)
        resource.setrlimit(resource.RLIMIT_AS, (limit_bytes, limit_bytes))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        gc.freeze()  # what pytest has is not looked through for every case
        for case in cases:
            _say(report, f"case {case}")
            work(case)
            gc.collect()  # errors hold on to frames, and those to memory
        status = 0
    except BaseException:  # noqa: BLE001 - all of it belongs to the case
        _say(report, f"{report[:].rstrip(bytes(1)).decode()}\n{traceback.format_exc()}")
    finally:
        sys.stderr.flush()
        os._exit(status)


def _say(report: mmap, text: str) -> None:
    report[:] = text.encode()[: len(report)].ljust(len(report), b"\0")


def _used_pages() -> int:
    with open("/proc/self/statm", "rb") as file:  # noqa: PTH123
        return int(file.read().split()[0])
