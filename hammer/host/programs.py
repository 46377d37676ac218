"""The one place that starts programs, from one list of names."""

import contextlib
import logging
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import IO, Protocol

from hammer.errors import ProgramFailed, ProgramMissing, ProgramTimeout
from hammer.host.pulse import NoPulse, Pulse

log = logging.getLogger(__name__)


class Program(StrEnum):
    """What the agent starts while it installs.

    The ramdisk build copies exactly these, and the first step of an
    installation refuses to go on when one of them is not there.
    """

    BLKID = "blkid"
    EFIBOOTMGR = "efibootmgr"
    MKFS_EXT3 = "mkfs.ext3"
    MKFS_EXT4 = "mkfs.ext4"
    MKFS_VFAT = "mkfs.vfat"
    MKSWAP = "mkswap"
    MOUNT = "mount"
    PARTX = "partx"
    SETPRIV = "setpriv"
    SGDISK = "sgdisk"
    UDEVADM = "udevadm"
    UMOUNT = "umount"
    UNSHARE = "unshare"
    WIPEFS = "wipefs"


class RamdiskProgram(StrEnum):
    """What only the life inside the ramdisk needs."""

    UDHCPC = "udhcpc"


class ReportProgram(StrEnum):
    """What only tells of the machine; without one a failure bundle has a part less."""

    IP = "ip"
    LSBLK = "lsblk"


class LabProgram(StrEnum):
    """What `initramfs/build --ssh` adds, and what the agent does without otherwise."""

    DROPBEAR = "dropbear"
    DROPBEARKEY = "dropbearkey"


class AuthorProgram(StrEnum):
    """What only the commands for image authors need; none of it is in the ramdisk."""

    QEMU = "qemu-system-x86_64"
    TAR = "tar"
    SH = "sh"
    BASH = "bash"


AnyProgram = Program | RamdiskProgram | ReportProgram | LabProgram | AuthorProgram

# Nothing of our own environment reaches a program: it may hold tokens, and a
# locale would change the words we parse.
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


# What writes to disks must not go on without us: whoever is left then clears those disks.
ENDS_WITH_US = (Program.SETPRIV.value, "--pdeathsig", "KILL", "--")

# From the signal to the end of a program that was killed.
KILL_LIMIT_S = 10.0


def environment() -> dict[str, str]:
    """The whole environment of every program: PATH and the C locale."""
    return {"PATH": os.environ.get("PATH", DEFAULT_PATH), "LC_ALL": "C.UTF-8", "HOME": "/root"}


class Programs(Protocol):
    def run(
        self, program: AnyProgram, *args: str | Path, stdin: str = "", timeout_s: float = 60
    ) -> str:
        """Run to the end and return stdout. Raises ProgramFailed, -Timeout or -Missing.

        Secrets go through `stdin`: arguments are logged and visible in /proc.
        """

    def missing(self) -> list[str]:
        """Those of `Program` that are not on PATH, by name."""


class HostPrograms:
    """Programs, for real."""

    def __init__(self, *, pulse: Pulse | None = None) -> None:
        self._pulse = pulse or NoPulse()

    def run(
        self, program: AnyProgram, *args: str | Path, stdin: str = "", timeout_s: float = 60
    ) -> str:
        argv = [program.value, *(os.fspath(arg) for arg in args)]
        command = shlex.join(argv)
        log.debug("+ %s", command)
        with (
            self._pulse.within(timeout_s + KILL_LIMIT_S),
            _started(program, argv, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as child,
        ):
            try:
                out, err = child.communicate(stdin.encode(), timeout=timeout_s)
            except subprocess.TimeoutExpired:
                raise ProgramTimeout(command=command, limit_s=timeout_s) from None
        if child.returncode:
            raise ProgramFailed(
                command=command, status=child.returncode, stderr=err.decode(errors="replace")
            )
        return out.decode(errors="replace")

    @contextlib.contextmanager
    def output_of(self, program: AnyProgram, *args: str | Path) -> Iterator[IO[bytes]]:
        """Hold the stdout of a running program; its status is judged at the end.

        What it says on stderr goes to ours. A failure of the reader ends the
        program; only a reader that was content has the status judged.
        """
        argv = [program.value, *(os.fspath(arg) for arg in args)]
        command = shlex.join(argv)
        log.debug("+ %s", command)
        with _started(program, argv, stdin=subprocess.DEVNULL, stderr=None) as child:
            assert child.stdout is not None
            yield child.stdout
            child.wait()
        if child.returncode:
            raise ProgramFailed(command=command, status=child.returncode, stderr="")

    def missing(self) -> list[str]:
        path = environment()["PATH"]
        return [program.value for program in Program if not shutil.which(program, path=path)]


@contextlib.contextmanager
def _started(
    program: AnyProgram, argv: list[str], *, stdin: int, stderr: int | None
) -> Iterator["subprocess.Popen[bytes]"]:
    """Hold a child. On any way out that is not a normal one, its whole group is killed.

    A session of its own keeps Ctrl-C on the console for the agent alone, and
    makes the group to kill.
    """
    known = environment()
    # What would start it could not tell us.
    if shutil.which(argv[0], path=known["PATH"]) is None:
        raise ProgramMissing(programs=(argv[0],))
    try:
        child = subprocess.Popen(
            [*ENDS_WITH_US, *argv] if isinstance(program, Program) else argv,
            env=known,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise ProgramMissing(programs=(str(error.filename),)) from None
    with child:
        try:
            yield child
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            raise
