"""A file that keeps the newest of what is written to it, for logs that lie in memory."""

import os
from contextlib import suppress
from pathlib import Path


class Ring:
    """Lines to the end of `path`; when it is full it becomes `path`.1, and a new one begins.

    Readable for its owner only. Never raises: a full memory must not end an installation.
    """

    def __init__(self, path: Path, *, limit_bytes: int) -> None:
        """Both files together hold at most `limit_bytes`, and at least the newest half of them."""
        self._path = path
        self._limit_bytes = limit_bytes // 2
        self._descriptor = -1
        self._size_bytes = 0
        with suppress(OSError):
            self._descriptor = self._opened()
            self._size_bytes = os.fstat(self._descriptor).st_size

    def write(self, text: str) -> None:
        data = text.encode("utf-8", "backslashreplace")
        if self._size_bytes and self._size_bytes + len(data) > self._limit_bytes:
            self._turn()
        self._size_bytes += len(data)
        with suppress(OSError):
            os.write(self._descriptor, data)

    def flush(self) -> None:
        """There is nothing to flush; streams of `logging` have this."""

    def _opened(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(self._path, flags, 0o600)

    def _turn(self) -> None:
        with suppress(OSError):
            self._path.replace(older(self._path))
        with suppress(OSError):
            new = self._opened()
            self._size_bytes = os.fstat(new).st_size
            if self._descriptor < 0:
                self._descriptor = new
                return
            # Under the number of the old one, which is never free: another thread may be about
            # to write to it, and must not find a disk there.
            os.dup2(new, self._descriptor, inheritable=False)
            os.close(new)


def older(path: Path) -> Path:
    """Where the lines are that came before those of `path`."""
    return path.with_name(path.name + ".1")
