"""One installation at a time on a machine."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hammer.errors import AgentRunning, FileFailed, NotRoot

LOCK = Path("/run/hammer.lock")
LOCKS = Path("/proc/locks")


@contextmanager
def only_agent(
    lock: Path = LOCK, *, on_wait: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Hold the machine for this process. Raises AgentRunning, NotRoot.

    With `on_wait` the end of another agent is waited for, after a call with its process id.
    The lock goes with the process, however it ends (flock(2)).
    """
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except PermissionError:
        raise NotRoot(uid=os.geteuid()) from None
    except OSError as failure:
        raise FileFailed(path=str(lock), reason=failure.strerror or "cannot be made") from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            process = os.pread(handle, 20, 0).decode(errors="replace")
            if on_wait is None:
                raise AgentRunning(process=process) from None
            on_wait(process)
            fcntl.flock(handle, fcntl.LOCK_EX)
        with suppress(OSError):  # only told to the other one; the lock itself holds
            os.ftruncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


def running_agent(lock: Path = LOCK, *, locks: Path = LOCKS) -> int | None:
    """The process that holds the machine, if there is one.

    Only looks: a lock that is tried would be in the way of an agent that just begins.
    """
    try:
        found = lock.stat()
        lines = locks.read_text().splitlines()
    except OSError:
        return None
    major, minor = os.major(found.st_dev), os.minor(found.st_dev)
    file = f"{major:02x}:{minor:02x}:{found.st_ino}"
    for line in lines:
        # proc_locks(5): ORDINAL: TYPE MODE ACCESS PID MAJOR:MINOR:INODE START END, and
        # a line with -> after the ordinal for each that waits.
        fields = line.split()
        if fields[1] == "FLOCK" and fields[5] == file:
            return int(fields[4])
    return None
