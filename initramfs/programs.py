"""Starting programs: those of the build machine, and those of the packages just unpacked."""

import os
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

from initramfs.errors import BuildError

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}

# What says where packages come from, and may be different on every build machine.
INHERITED = ("HOME", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE")
INHERITED_PREFIX = "PIP_"

LIBRARIES = "usr/lib/x86_64-linux-gnu"


def environment() -> dict[str, str]:
    """The environment of every program: nothing that could change what it writes."""
    ours = {
        name: value
        for name, value in os.environ.items()
        if name in INHERITED or name.startswith(INHERITED_PREFIX)
    }
    return ours | ENVIRONMENT


def run(*args: str | Path, cwd: Path | None = None) -> str:
    """Run to the end and return stdout. Raises BuildError with the last lines of stderr."""
    argv = [os.fspath(arg) for arg in args]
    try:
        done = subprocess.run(
            argv,
            cwd=cwd,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise BuildError(f"{argv[0]} is not on this machine") from None
    if done.returncode:
        # Python's compileall tells its errors on stdout.
        said = (done.stdout + done.stderr).decode(errors="replace").strip().splitlines()[-12:]
        raise BuildError(
            f"`{shlex.join(argv)[:400]}` left with status {done.returncode}:\n" + "\n".join(said)
        )
    return done.stdout.decode(errors="replace")


@dataclass(frozen=True, kw_only=True)
class Toolbox:
    """Programs of unpacked packages, run where they lie.

    Started by the loader and with the libraries of their own distribution, so
    that the compressor, depmod and the byte compiler are the recorded ones,
    whatever the build machine has. Needs neither root nor chroot.
    """

    root: Path

    def run(self, program: str, *args: str | Path, called: str | None = None) -> str:
        """Run `program`, a path such as usr/bin/lz4, under the name `called`.

        Raises BuildError.
        """
        libraries = self.root / LIBRARIES
        path = self.root / program
        loader = self.root / LIBRARIES / "ld-linux-x86-64.so.2"
        # --argv0: kmod asks by which name it was called, Python where it lies.
        name = called or path
        return run(loader, "--library-path", libraries, "--argv0", name, path, *args)
