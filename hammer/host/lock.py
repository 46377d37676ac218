"""One installation at a time on a machine."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hammer.errors import AgentRunning, FileFailed, NotRoot

LOCK = Path("/run/hammer.lock")


@contextmanager
def only_agent(lock: Path = LOCK) -> Iterator[None]:
    """Hold the machine for this process. Raises AgentRunning, NotRoot.

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
            raise AgentRunning(process=os.read(handle, 20).decode(errors="replace")) from None
        with suppress(OSError):  # only told to the other one; the lock itself holds
            os.ftruncate(handle, 0)
            os.write(handle, str(os.getpid()).encode())
        yield
    finally:
        os.close(handle)
