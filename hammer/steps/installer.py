"""Which installer runs: the image's own, else the one that was brought along."""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from contract import paths
from hammer.errors import FileFailed, InstallerMissing
from hammer.host.carried import CARRIED_INSTALLER
from hammer.host.files import failing, inside, remove, write
from hammer.machine import Machine

ONLY_ROOT_RUNS_IT = 0o700


@dataclass(frozen=True, kw_only=True)
class Installer:
    """A program in the target that installs it."""

    path: PurePosixPath
    """Where it is in the target."""
    name: str
    """Where it came from, for people."""


@contextmanager
def chosen_installer(machine: Machine, root: Path) -> Iterator[Installer]:
    """Hold the installer that is to run, and say which it is. Raises InstallerMissing.

    The image's own stays, a failure may want a look at it. What we brought is gone on
    every way out.
    """
    own = find_installer(root)
    if own is not None:
        machine.console.say(f"the installer is {own} of the image")
        yield Installer(path=own, name=str(own))
    elif machine.installer is not None:
        machine.console.say(f"the image has no installer, taking {machine.installer}")
        path = bring(machine.installer, root)
        try:
            yield Installer(path=path, name=str(machine.installer))
        finally:
            remove_installer(machine, root, path)
    else:
        raise missing()


def find_installer(root: Path) -> PurePosixPath | None:
    """The installer of the image, if it has one. Raises InstallerMissing if it cannot be run."""
    for path in paths.INSTALLERS:
        where = inside(root, path)
        if where.is_file():
            if not os.access(where, os.X_OK):
                raise missing(not_executable=str(path))
            return path
    return None


def missing(*, not_executable: str | None = None) -> InstallerMissing:
    return InstallerMissing(
        in_image=tuple(map(str, paths.INSTALLERS)),
        carried=str(CARRIED_INSTALLER),
        not_executable=not_executable,
    )


def bring(installer: Path, root: Path) -> PurePosixPath:
    """Copy our installer to where the image has nothing. Raises FileFailed, TargetFull."""
    with failing(PurePosixPath(installer)):
        program = installer.read_bytes()
    names = (f"/.hammer-installer{number or ''}" for number in itertools.count())
    path = PurePosixPath(next(name for name in names if _free(Path(f"{root}{name}"), program)))
    write(root, path, program, mode=ONLY_ROOT_RUNS_IT)
    return path


def _free(where: Path, program: bytes) -> bool:
    """Whether nothing is there, or what somebody brought who was killed before its end."""
    if not os.path.lexists(where):
        return True
    return where.is_file() and not where.is_symlink() and where.read_bytes() == program


def remove_installer(machine: Machine, root: Path, path: PurePosixPath) -> None:
    """Remove it after a good end: an installed system has no use for it, and it erases things.

    It may be gone already. That it stays is no reason to fail.
    """
    try:
        remove(root, path)
    except FileFailed as failure:
        machine.console.warn(f"{failure}, ignoring")
