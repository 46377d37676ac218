"""The process that writes: forked, chrooted, and told by a thread of ours what to write.

A chroot is for a whole process, so it needs one of its own; it also takes the
second core. A chrooted process cannot import, so all it runs is imported here.
"""

import contextlib
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
from hammer.stream.orders import Orders, OtherEndGone, Slots, Told
from hammer.stream.readback import Readback
from hammer.stream.reading import STALL_LIMIT_S, Reading
from hammer.stream.unpack import Tree

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
        errors.TreeDiffers,
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
    """The writing process, and the thread that tells it what to write."""

    def __init__(
        self,
        pid: int,
        slots: Slots,
        *,
        orders_fd: int,
        done_fd: int,
        report_fd: int,
        url: str,
        waiting: Callable[[float], AbstractContextManager[object]],
    ) -> None:
        self._pid = pid
        self._waiting = waiting
        self._orders_fd = orders_fd
        self._done_fd = done_fd
        self._report_fd = report_fd
        self._reaped = False
        orders = Orders(send_fd=orders_fd, done_fd=done_fd)
        self._reading = Reading(slots, orders, url=url, waiting=waiting)

    def feed(self, data: bytes) -> bool:
        """Hand packed bytes over; False if no more are taken: ask `result` why."""
        return self._reading.feed(data)

    def result(self) -> Written | HammerError:
        """End the input and wait for what became of it. Raises UnpackDied."""
        read: int | HammerError | OtherEndGone
        try:
            read = self._reading.end()
        except (HammerError, OtherEndGone) as failure:
            read = failure
        self._close(self._orders_fd)
        self._orders_fd = -1
        report = bytearray()
        with self._waiting(STALL_LIMIT_S):
            while part := os.read(self._report_fd, 1 << 16):
                report += part
            status = self._reap()
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            raise UnpackDied(how=f"was killed by signal {number} ({signal.strsignal(number)})")
        try:
            written = _read_report(bytes(report))
        except (ValueError, KeyError, TypeError):
            if isinstance(read, HammerError):
                return read
            code = os.waitstatus_to_exitcode(status)
            raise UnpackDied(how=f"left with status {code} and no report") from None
        # What was written comes before what was read: what it complains of is earlier.
        if isinstance(written, HammerError):
            return written
        assert isinstance(read, int), "the end of the archive was told"
        return Written(members=written, unpacked_bytes=read)

    def end(self) -> None:
        """Leave no process, thread or descriptor behind, whatever happened."""
        if not self._reaped:
            # A session of its own: nothing but this process is in the way.
            os.kill(self._pid, signal.SIGKILL)
            self._reap()
        # The thread finds the other end gone, wherever it is.
        with contextlib.suppress(Exception):
            self._reading.end()
        for fd in (self._orders_fd, self._done_fd, self._report_fd):
            self._close(fd)

    def _close(self, fd: int) -> None:
        if fd >= 0:
            os.close(fd)

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
    readback: bool = False,
    waiting: Callable[[float], AbstractContextManager[object]] = contextlib.nullcontext,
) -> Iterator[Child]:
    """Hold a process that writes below `root` what is in the image that `feed` is given.

    With `readback` everything is read from the disk at the end and compared with the image.
    On every way out it is gone. It has nothing of ours but three pipes and stderr.
    `waiting` is held around each wait for it, with the longest that it may take.
    """
    keep_freed_memory()
    slots = Slots()
    told, orders = os.pipe()
    done, write_done = os.pipe()
    report, write_report = os.pipe()
    pipes = (told, orders, done, write_done, report, write_report)
    # A signal between the fork and the `try` would raise where nobody knows of
    # the child yet.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _RESET)
    try:
        pid = os.fork()
    except OSError as error:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        for fd in pipes:
            os.close(fd)
        raise UnpackDied(how=f"could not be started: {error.strerror}") from None
    if pid == 0:
        ends = _Ends(told=told, done=write_done, report=write_report)
        seen = Readback(ownerless=ownerless) if readback else None
        _run(root, slots, ends, url=url, ownerless=ownerless, readback=seen)
    for fd in (told, write_done, write_report):
        os.close(fd)
    # The thread that it starts keeps these signals blocked: they are for the main one.
    child = Child(
        pid,
        slots,
        orders_fd=orders,
        done_fd=done,
        report_fd=report,
        url=url,
        waiting=waiting,
    )
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        yield child
    finally:
        child.end()


# --- inside the child -----------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Ends:
    """The descriptors of the child, all that it keeps."""

    told: int
    done: int
    report: int


def _run(
    root: Path,
    slots: Slots,
    ends: _Ends,
    *,
    url: str,
    ownerless: Collection[int],
    readback: Readback | None,
) -> None:
    """Never returns: the stack below belongs to the parent and must not unwind here."""
    status = 1
    try:
        _leave_parent_behind(ends)
        report: dict[str, object] = {}
        try:
            told = _told(root, slots, ends)
            tree = Tree(told, url=url, ownerless=ownerless, readback=readback)
            report = {"members": tree.write_all()}
            if readback is not None:
                _compare(readback)
        except HammerError as error:
            report = {"error": type(error).__name__, "fields": _as_json(error)}
        except OtherEndGone:  # it knows why
            pass
        os.write(ends.report, json.dumps(report).encode())
        status = 0
    finally:
        if status:  # a bug: said on stderr, and the parent sees the status
            # Not by sys.stderr, whose lock another thread of the parent may have had.
            os.write(2, traceback.format_exc().encode())
        os._exit(status)


def _leave_parent_behind(ends: _Ends) -> None:
    # Objects of the parent must not be collected here: a forgotten socket among
    # them would close its number, which is by then one of our files.
    gc.freeze()
    os.setsid()
    below = 3
    for kept in sorted((ends.told, ends.done, ends.report)):
        os.closerange(below, kept)
        below = kept + 1
    os.closerange(below, os.sysconf("SC_OPEN_MAX"))
    signal.set_wakeup_fd(-1)
    for number in _RESET:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.umask(0)


def _told(root: Path, slots: Slots, ends: _Ends) -> Told:
    try:
        os.chroot(root)
        os.chdir("/")
    except OSError as error:
        raise FileFailed(path=str(root), reason=error.strerror or str(error)) from None
    return Told(slots.view, told_fd=ends.told, done_fd=ends.done)


def _compare(readback: Readback) -> None:
    try:
        readback.compare()
    except OSError as error:
        path = os.fsdecode(error.filename or b"/")
        raise FileFailed(path=path, reason=error.strerror or str(error)) from None


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


def _read_report(text: bytes) -> int | HammerError:
    """How many members, or what went wrong.

    Raises ValueError, KeyError or TypeError if this is no report, as of one who was told
    no end.
    """
    report = json.loads(text)
    if "members" in report:
        return int(report["members"])
    values = report["fields"]
    if "begins_with" in values:
        values["begins_with"] = bytes.fromhex(values["begins_with"])
    return _REPORTED[report["error"]](**values)
