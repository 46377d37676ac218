"""An SSH server in the ramdisk: dropbear, for root with a key, and for nothing else."""

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from hammer.errors import FileFailed, ProgramFailed
from hammer.host.programs import LabProgram, Programs, environment

SSH_DIRECTORY = Path("/root/.ssh")
HOST_KEY = Path("/run/hammer/ssh_host_key")
PID_FILE = Path("/run/hammer/ssh.pid")
PROC = Path("/proc")
FINGERPRINT = re.compile(r"^Fingerprint: (\S+)$", re.MULTILINE)

KEEPALIVE_S = 20
"""Three that are not answered end a connection, and with it the shell that nobody sees."""


def has_server() -> bool:
    """Whether this ramdisk was built with one."""
    path = environment()["PATH"]
    return all(shutil.which(program, path=path) for program in LabProgram)


def is_running(*, pid_file: Path = PID_FILE) -> bool:
    """Whether `start` has been here since the boot, and its server lives."""
    try:
        name = (PROC / pid_file.read_text().strip() / "comm").read_text()
    except OSError:
        return False
    return name.strip() == LabProgram.DROPBEAR


def start(
    programs: Programs,
    keys: Sequence[str],
    *,
    directory: Path = SSH_DIRECTORY,
    host_key: Path = HOST_KEY,
    pid_file: Path = PID_FILE,
) -> str:
    """Let those with one of `keys` in, on port 22; the fingerprint of the new host key.

    The server leaves our session and has nothing open of ours; it ends with this kernel.
    Raises FileFailed, ProgramFailed.
    """
    _authorize(keys, directory)
    host_key.unlink(missing_ok=True)
    said = programs.run(LabProgram.DROPBEARKEY, "-t", "ed25519", "-f", host_key)
    fingerprint = FINGERPRINT.search(said)
    if fingerprint is None:
        raise ProgramFailed(command=LabProgram.DROPBEARKEY, status=0, stderr="no fingerprint")
    programs.run(
        LabProgram.DROPBEAR,
        *("-r", host_key, "-P", pid_file, "-p", "22"),
        "-s",  # no password lets anyone in
        *("-j", "-k"),  # no forwarding of ports: the machine is no way into its network
        *("-K", str(KEEPALIVE_S)),
    )
    return fingerprint[1]


def _authorize(keys: Sequence[str], directory: Path) -> None:
    # dropbear refuses files that others than their owner could write.
    path = directory / "authorized_keys"
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        path.unlink(missing_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w") as stream:
            stream.writelines(f"{key}\n" for key in keys)
    except OSError as failure:
        raise FileFailed(path=str(path), reason=failure.strerror or "cannot be written") from None
