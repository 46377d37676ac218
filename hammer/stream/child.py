"""The process that unpacks: forked, chrooted, fed through one pipe and heard through another.

A chroot is for a whole process, so it needs one of its own; it also takes the
second core. A chrooted process cannot import, so all it runs is imported here.
"""

import contextlib
import fcntl
import gc
import json
import os
import signal
import traceback
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from pathlib import Path

from hammer import errors
from hammer.errors import FileFailed, HammerError, UnpackDied
from hammer.stream import frames
from hammer.stream.ahead import ahead
from hammer.stream.flow import Flow
from hammer.stream.unpack import Tree

PIPE_BYTES = 1 << 20  # /proc/sys/fs/pipe-max-size by default, pipe(7)
_READ_BYTES = 256 << 10
_CHUNKS_AHEAD = 4

STALL_LIMIT_S = 600.0
"""How long the child may write without taking more; a disk that takes longer hangs."""

# What the child may report; anything else that it says is not believed.
_REPORTED: dict[str, type[HammerError]] = {
    leaf.__name__: leaf
    for leaf in (
        errors.ImageTruncated,
        errors.ImageNotLz4,
        errors.ImageCorrupt,
        errors.ImageNotTar,
        errors.TarCorrupt,
        errors.TarMemberOutside,
        errors.TarMemberUnsupported,
        errors.TargetFull,
        errors.FileFailed,
    )
}

# Python's own handlers of the agent must not run in the child.
_RESET = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGALRM)


@dataclass(frozen=True, kw_only=True)
class Written:
    """What the child wrote."""

    members: int
    unpacked_bytes: int


class Child:
    """The unpacking process, as its parent holds it."""

    def __init__(
        self,
        pid: int,
        *,
        feed_fd: int,
        report_fd: int,
        waiting: Callable[[float], AbstractContextManager[object]],
    ) -> None:
        self._pid = pid
        self._waiting = waiting
        self._feed_fd = feed_fd
        self._report_fd = report_fd
        self._reaped = False

    def feed(self, data: bytes) -> bool:
        """Hand packed bytes over; False if the child takes no more: ask `result` why."""
        view = memoryview(data)
        try:
            with self._waiting(STALL_LIMIT_S):
                while view:
                    view = view[os.write(self._feed_fd, view) :]
        except BrokenPipeError:
            return False
        return True

    def result(self) -> Written | HammerError:
        """End the input and wait for what became of it. Raises UnpackDied."""
        self._close_feed()
        report = bytearray()
        with self._waiting(STALL_LIMIT_S):
            while part := os.read(self._report_fd, 1 << 16):
                report += part
            status = self._reap()
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            raise UnpackDied(how=f"was killed by signal {number} ({signal.strsignal(number)})")
        try:
            return _read_report(bytes(report))
        except (ValueError, KeyError, TypeError):
            code = os.waitstatus_to_exitcode(status)
            raise UnpackDied(how=f"left with status {code} and no report") from None

    def end(self) -> None:
        """Leave no process and no descriptor behind, whatever happened."""
        if not self._reaped:
            # A session of its own: nothing but this process is in the way.
            os.kill(self._pid, signal.SIGKILL)
            self._reap()
        self._close_feed()
        os.close(self._report_fd)

    def _close_feed(self) -> None:
        if self._feed_fd >= 0:
            os.close(self._feed_fd)
            self._feed_fd = -1

    def _reap(self) -> int:
        _pid, status = os.waitpid(self._pid, 0)
        self._reaped = True
        return status


@contextlib.contextmanager
def unpacking(
    root: Path,
    *,
    url: str,
    ownerless: Collection[int],
    waiting: Callable[[float], AbstractContextManager[object]] = contextlib.nullcontext,
) -> Iterator[Child]:
    """Hold a process that unpacks below `root` what it is fed.

    On every way out it is gone. It has nothing of ours but the two pipes and stderr.
    `waiting` is held around each wait for it, with the longest that it may take.
    """
    in_read, in_write = os.pipe()
    out_read, out_write = os.pipe()
    with contextlib.suppress(OSError):  # a smaller pipe is only slower
        fcntl.fcntl(in_write, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    # A signal between the fork and the `try` would raise where nobody knows of
    # the child yet.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _RESET)
    try:
        pid = os.fork()
    except OSError as error:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        for fd in (in_read, in_write, out_read, out_write):
            os.close(fd)
        raise UnpackDied(how=f"could not be started: {error.strerror}") from None
    if pid == 0:
        _run(root, in_read, out_write, url=url, ownerless=ownerless)
    child = Child(pid, feed_fd=in_write, report_fd=out_read, waiting=waiting)
    try:
        os.close(in_read)
        os.close(out_write)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        yield child
    finally:
        child.end()


# --- inside the child -----------------------------------------------------------------------


def _run(
    root: Path, packed_fd: int, report_fd: int, *, url: str, ownerless: Collection[int]
) -> None:
    """Never returns: the stack below belongs to the parent and must not unwind here."""
    status = 1
    try:
        _leave_parent_behind(packed_fd, report_fd)
        try:
            written = _unpack(root, packed_fd, url=url, ownerless=ownerless)
            report: dict[str, object] = {"written": vars(written)}
        except HammerError as error:
            report = {"error": type(error).__name__, "fields": _as_json(error)}
        os.write(report_fd, json.dumps(report).encode())
        status = 0
    finally:
        if status:  # a bug: said on stderr, and the parent sees the status
            traceback.print_exc()
        os._exit(status)


def _leave_parent_behind(packed_fd: int, report_fd: int) -> None:
    # Objects of the parent must not be collected here: a forgotten socket among
    # them would close its number, which is by then one of our files.
    gc.freeze()
    os.setsid()
    low, high = sorted((packed_fd, report_fd))
    os.closerange(3, low)
    os.closerange(low + 1, high)
    os.closerange(high + 1, os.sysconf("SC_OPEN_MAX"))
    signal.set_wakeup_fd(-1)
    for number in _RESET:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.umask(0)


def _unpack(root: Path, packed_fd: int, *, url: str, ownerless: Collection[int]) -> Written:
    try:
        os.chroot(root)
        os.chdir("/")
    except OSError as error:
        raise FileFailed(path=str(root), reason=error.strerror or str(error)) from None
    keep_freed_memory()
    packed = iter(lambda: os.read(packed_fd, _READ_BYTES), b"")
    flow = Flow(ahead(frames.plain(packed, url=url), depth=_CHUNKS_AHEAD))
    members = Tree(flow, url=url, ownerless=ownerless).write_all()
    # tar ends before its padding does, and the frame's checksum comes last.
    flow.drain()
    return Written(members=members, unpacked_bytes=flow.position)


def keep_freed_memory() -> None:
    """Let the chunks be made of memory that is there already.

    mallopt(3), M_MMAP_THRESHOLD: when a mapped block is freed, glibc maps only
    larger ones from then on, and gives back to the kernel only what is twice as
    large. Otherwise every chunk is mapped, faulted in and unmapped (measured:
    68 000 page faults and 0.3 s of CPU for 919 MB, now 7 000). Untouched, the
    block itself costs nothing.
    """
    block = bytes(24 << 20)
    del block


# --- the report -----------------------------------------------------------------------------


def _as_json(error: HammerError) -> dict[str, object]:
    values = {field.name: getattr(error, field.name) for field in fields(error)}  # type: ignore[arg-type]
    return {
        key: value.hex() if isinstance(value, bytes) else value for key, value in values.items()
    }


def _read_report(text: bytes) -> Written | HammerError:
    """Raises ValueError, KeyError or TypeError if this is no report."""
    report = json.loads(text)
    if "written" in report:
        return Written(**report["written"])
    values = report["fields"]
    if "begins_with" in values:
        values["begins_with"] = bytes.fromhex(values["begins_with"])
    return _REPORTED[report["error"]](**values)
