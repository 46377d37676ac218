"""Runs a program of the target in a PID and mount namespace of its own.

The PID namespace is for those who keep the target busy: with its first process
all of them end, so that the target can be unmounted. Inside, `ps` shows what
was started there and nothing else.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from hammer.errors import HostError, ProgramFailed
from hammer.host import chroot_init, programs
from hammer.host.files import inside
from hammer.host.programs import ENDS_WITH_US, KILL_LIMIT_S, Program
from hammer.host.pulse import NoPulse, Pulse

LINE_BYTES_MAX = 4096
"""A longer line is cut into several: a program may print dots for ever."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a program in the chroot came to its end."""

    status: int | None
    """Exit status, or minus the signal that killed it; None when it was out of time."""
    left_behind: tuple[str, ...]
    """Processes that it left running; they were killed."""


class Chroot(Protocol):
    def run(
        self, root: Path, program: PurePosixPath, *, limit_s: float, say: Callable[[str], None]
    ) -> Ended:
        """Run a program of the target to its end and tell each line it prints.

        It sees proc, sys, dev, EFI variables where there are any, and an empty
        /tmp, and has no stdin. Nothing it starts or mounts outlives the call.
        """

    def enter(self, root: Path, argv: Sequence[str], *, environment: Mapping[str, str]) -> Ended:
        """Run a program of the target for the person at our terminal, to its end.

        It sees what `run` shows, has our stdin, stdout and stderr, and Ctrl-C and
        Ctrl-Z while it runs. It is looked for on PATH of `environment`; status 127:
        it is not there, 126: it cannot be run. Nothing it starts or mounts outlives
        the call.
        """


class HostChroot:
    """A chroot, for real, by unshare(1)."""

    def __init__(self, *, pulse: Pulse | None = None) -> None:
        self._pulse = pulse or NoPulse()

    def run(
        self, root: Path, program: PurePosixPath, *, limit_s: float, say: Callable[[str], None]
    ) -> Ended:
        report_in, report_out = os.pipe()
        with (
            os.fdopen(report_in, "rb") as report,
            self._pulse.within(limit_s + KILL_LIMIT_S),
        ):
            try:
                child = subprocess.Popen(
                    _argv(root, [str(program)], chroot_init.ENVIRONMENT, report_out),
                    env=programs.environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    pass_fds=(report_out,),
                    start_new_session=True,
                )
            finally:
                os.close(report_out)
            with child:
                try:
                    in_time = _read_lines(child, time.monotonic() + limit_s, say)
                except BaseException:
                    _kill(child)
                    raise
                if not in_time:
                    _kill(child)
                    return Ended(status=None, left_behind=())
                child.wait()
            return _ended(report.read(), child, str(program))

    def enter(self, root: Path, argv: Sequence[str], *, environment: Mapping[str, str]) -> Ended:
        report_in, report_out = os.pipe()
        with os.fdopen(report_in, "rb") as report, _terminal_lent() as terminal:
            try:
                # In our session, or the terminal would not be theirs.
                child = subprocess.Popen(
                    _argv(root, argv, environment, report_out, terminal=terminal),
                    env=programs.environment(),
                    pass_fds=(report_out,),
                )
            finally:
                os.close(report_out)
            with child:
                try:
                    child.wait()
                finally:
                    child.kill()  # and by --kill-child all of them
            # The first process of the namespace has it open to its end.
            return _ended(report.read(), child, argv[0])


def _argv(
    root: Path,
    argv: Sequence[str],
    environment: Mapping[str, str],
    report: int,
    *,
    terminal: bool = False,
) -> list[str]:
    order = {
        "root": str(root),
        "argv": list(argv),
        "environment": dict(environment),
        "report": report,
        # As the installed system resolves them: a link of the image must not lead out of it.
        "places": [str(inside(root, PurePosixPath(place))) for place in chroot_init.PLACES],
        "terminal": terminal,
    }
    return [
        # What runs in the target does not outlive us, however we end.
        *ENDS_WITH_US,
        Program.UNSHARE.value,
        *("--pid", "--mount", "--fork", "--kill-child=SIGKILL", "--"),
        *(sys.executable, "-I", "-S", chroot_init.__file__, json.dumps(order)),
    ]


@contextlib.contextmanager
def _terminal_lent() -> Iterator[bool]:
    """Whether stdin is a terminal that we may give away. Afterwards it is ours again.

    Meanwhile Ctrl-C does nothing to us: it is meant for the program in the target,
    also where that is no process group of its own.
    """
    # Handled and not ignored, because a program cannot undo what it finds ignored.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        if not _in_foreground():
            yield False
            return
        settings = termios.tcgetattr(0)
        try:
            yield True
        finally:
            # Giving it to itself is not the right of a group in the background:
            # without the mask we would be stopped for it.
            signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTTOU,))
            with contextlib.suppress(OSError):  # the line may be gone
                os.tcsetpgrp(0, os.getpgrp())
            # A shell that was killed leaves the terminal without echo.
            with contextlib.suppress(termios.error):
                termios.tcsetattr(0, termios.TCSANOW, settings)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTTOU,))
    finally:
        signal.signal(signal.SIGINT, before)


def _in_foreground() -> bool:
    """Whether stdin is our controlling terminal, and what is typed there comes to us."""
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False


def _read_lines(
    child: "subprocess.Popen[bytes]", deadline: float, say: Callable[[str], None]
) -> bool:
    """Tell lines until the end of the output; False when the time is over before."""
    assert child.stdout is not None
    handle = child.stdout.fileno()
    rest = b""
    while time.monotonic() < deadline:  # also while there is always something to read
        ready, _, _ = select.select([handle], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            break
        data = os.read(handle, LINE_BYTES_MAX)
        *lines, rest = (rest + data).split(b"\n")
        if len(rest) >= LINE_BYTES_MAX:
            lines, rest = [*lines, rest], b""
        for line in lines:
            say(line.decode(errors="replace").rstrip("\r"))
        if not data:
            if rest:
                say(rest.decode(errors="replace"))
            return True
    return False


def _kill(child: "subprocess.Popen[bytes]") -> None:
    # unshare goes first, its --kill-child takes the namespace's first process along,
    # and the kernel all others; the pipe closes when the last of them is gone.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    _read_lines(child, time.monotonic() + KILL_LIMIT_S, lambda _: None)
    child.wait()


def _ended(report: bytes, child: "subprocess.Popen[bytes]", program: str) -> Ended:
    try:
        said = json.loads(report)
    except ValueError:
        raise _broken(child, program) from None
    return Ended(status=said["status"], left_behind=tuple(said["left_behind"]))


def _broken(child: "subprocess.Popen[bytes]", program: str) -> HostError:
    return ProgramFailed(
        command=f"unshare --pid --mount --fork {program}",
        status=child.returncode,
        stderr="the namespace for it could not be made, see the lines above",
    )
