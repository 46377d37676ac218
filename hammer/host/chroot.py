"""Runs a program of the target in a PID and mount namespace of its own."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from hammer.errors import HostError, ProgramFailed
from hammer.host import chroot_init
from hammer.host.files import inside
from hammer.host.programs import Program, environment

LINE_BYTES_MAX = 4096
"""A longer line is cut into several: a program may print dots for ever."""

KILL_LIMIT_S = 10.0


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


class HostChroot:
    """A chroot, for real, by unshare(1)."""

    def run(
        self, root: Path, program: PurePosixPath, *, limit_s: float, say: Callable[[str], None]
    ) -> Ended:
        report_in, report_out = os.pipe()
        with os.fdopen(report_in, "rb") as report:
            try:
                child = _start(root, program, report_out)
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
            return _ended(report.read(), child, program)


def _start(root: Path, program: PurePosixPath, report: int) -> "subprocess.Popen[bytes]":
    # As the installed system resolves them: a link of the image must not lead out of it.
    places = [str(inside(root, PurePosixPath(place))) for place in chroot_init.PLACES]
    argv = [
        # What runs in the target does not outlive the agent, however that ends.
        *(Program.SETPRIV.value, "--pdeathsig", "KILL", "--"),
        Program.UNSHARE.value,
        *("--pid", "--mount", "--fork", "--kill-child=SIGKILL", "--"),
        *(sys.executable, "-I", "-S", chroot_init.__file__, str(root), str(program), str(report)),
        *places,
    ]
    return subprocess.Popen(
        argv,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=(report,),
        start_new_session=True,
    )


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


def _ended(report: bytes, child: "subprocess.Popen[bytes]", program: PurePosixPath) -> Ended:
    try:
        said = json.loads(report)
    except ValueError:
        raise _broken(child, program) from None
    return Ended(status=said["status"], left_behind=tuple(said["left_behind"]))


def _broken(child: "subprocess.Popen[bytes]", program: PurePosixPath) -> HostError:
    return ProgramFailed(
        command=f"unshare --pid --mount --fork {program}",
        status=child.returncode,
        stderr="the namespace for the installer could not be made, see the lines above",
    )
