"""A process of our own that does one piece of work, and reports what became of it.

It is forked, since it may chroot, after which it could import nothing any more: all that it runs
has been imported before.
"""

import contextlib
import gc
import json
import os
import signal
import traceback
from collections.abc import Callable, Collection
from dataclasses import fields
from typing import NoReturn

from hammer import errors
from hammer.errors import HammerError, UnpackDied
from hammer.stream.slots import OtherEndGone

# What it may report; anything else that it says is not believed.
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

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGALRM)
"""For which the agent has handlers in Python, which must not run in another process."""

Work = Callable[[], int]
"""Returns a count. May raise HammerError; OtherEndGone when there is nobody to work for."""

Outcome = int | HammerError | None
"""What it counted, or raised; None if it was left alone, for which another one has the cause."""


class Process:
    def __init__(self, work: Work, *, keep: Collection[int]) -> None:
        """Start it. It has nothing of ours but the descriptors `keep`, and stderr.

        The caller has SIGNALS blocked, or one could come before anybody knows of the process.
        Raises UnpackDied.
        """
        self._report_fd, report_fd = os.pipe()
        try:
            self._pid = os.fork()
        except OSError as error:
            os.close(report_fd)
            os.close(self._report_fd)
            raise UnpackDied(how=f"could not be started: {error.strerror}") from None
        if self._pid == 0:
            _run(work, keep=keep, report_fd=report_fd)
        os.close(report_fd)
        self._is_over = False

    def outcome(self) -> Outcome:
        """Wait for what becomes of it. To be asked once."""
        report = bytearray()
        while part := os.read(self._report_fd, 1 << 16):
            report += part
        status = self._reap()
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            return UnpackDied(how=f"was killed by signal {number} ({signal.strsignal(number)})")
        try:
            return _read_report(bytes(report))
        except (ValueError, KeyError, TypeError):
            code = os.waitstatus_to_exitcode(status)
            return UnpackDied(how=f"left with status {code} and no report")

    def end(self) -> None:
        """Leave nothing of it behind, whatever happened."""
        if not self._is_over:
            # A session of its own: nothing but this process is in the way. A signal to us may
            # have come between its end and the word that it is over.
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(self._pid, signal.SIGKILL)
                self._reap()

    def _reap(self) -> int:
        _pid, status = os.waitpid(self._pid, 0)
        self._is_over = True
        os.close(self._report_fd)
        return status


def _run(work: Work, *, keep: Collection[int], report_fd: int) -> NoReturn:
    """The stack below belongs to the parent and must not unwind here."""
    status = 1
    try:
        _leave_parent_behind({*keep, report_fd})
        report: dict[str, object]
        try:
            report = {"count": work()}
        except HammerError as error:
            report = {"error": type(error).__name__, "fields": _as_json(error)}
        except OtherEndGone:
            report = {}
        os.write(report_fd, json.dumps(report).encode())
        status = 0
    finally:
        try:
            if status:  # a bug: said on stderr, and the parent sees the status
                # Not by sys.stderr, whose lock another thread of the parent may have had.
                os.write(2, traceback.format_exc().encode())
        finally:
            os._exit(status)


def _leave_parent_behind(keep: Collection[int]) -> None:
    # Objects of the parent must not be collected here: a forgotten socket among
    # them would close its number, which is by then one of our files.
    gc.freeze()
    os.setsid()
    below = 3
    for kept in sorted(keep):
        os.closerange(below, kept)
        below = kept + 1
    os.closerange(below, os.sysconf("SC_OPEN_MAX"))
    signal.set_wakeup_fd(-1)
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.umask(0)


def _as_json(error: HammerError) -> dict[str, object]:
    values = {field.name: getattr(error, field.name) for field in fields(error)}  # type: ignore[arg-type]
    return {
        key: value.hex() if isinstance(value, bytes) else value for key, value in values.items()
    }


def _read_report(text: bytes) -> Outcome:
    """Raises ValueError, KeyError or TypeError if this is no report."""
    report = json.loads(text)
    if not report:
        return None
    if "count" in report:
        return int(report["count"])
    values = report["fields"]
    if "begins_with" in values:
        values["begins_with"] = bytes.fromhex(values["begins_with"])
    return _REPORTED[report["error"]](**values)
