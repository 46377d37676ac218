"""Names resolve in the target while somebody works there; its own file is back afterwards."""

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from hammer.errors import HammerError
from hammer.host.files import failing, inside, write

RESOLV_CONF = PurePosixPath("/etc/resolv.conf")
OURS = Path("/etc/resolv.conf")
"""That of the system we run in."""

# Beside the file itself while ours is in its place. Both are in the target and not in
# our memory, because whoever finds them may be the next boot.
IMAGE = f".{RESOLV_CONF.name}.image"
"""The target's own, put aside; a link stays a link."""
LENT = f".{RESOLV_CONF.name}.ramdisk"
"""A copy of ours as it was put there, to know whether somebody has changed it since."""


@contextmanager
def working_resolv_conf(root: Path) -> Iterator[None]:
    """Put our resolv.conf into the target; on every way out the target's own is back.

    Images link it to /run, where nothing is before their system runs. What somebody
    writes there meanwhile stays, and so does its absence when somebody removes it.
    Not a bind mount: installers replace the file, which a mount on it would forbid.
    A failure to put it back never hides the error that made us leave.
    Raises TargetFull, FileFailed.
    """
    put_back(root)
    if not _lend(root):
        yield
        return
    try:
        yield
    except BaseException as cause:
        try:
            _take_back(root)
        except HammerError as failure:
            cause.add_note(str(failure))
        raise
    _take_back(root)


def put_back(root: Path) -> None:
    """Put back what somebody left who was killed before he could. Raises FileFailed."""
    place, aside, lent = _places(root)
    if os.path.lexists(aside) and not os.path.lexists(place):
        # Killed between the two renames, or with the file removed: then nobody has
        # finished, and the one of the image is the better start for the next.
        with failing(RESOLV_CONF):
            aside.rename(place)
    if os.path.lexists(aside) or os.path.lexists(lent):
        _take_back(root)


def _lend(root: Path) -> bool:
    """Whether ours is there now, and was not before."""
    ours = OURS.read_bytes() if OURS.is_file() else b""
    place, aside, _ = _places(root)
    if not ours or not place.parent.is_dir() or _content(place) == ours:
        return False
    write(root, RESOLV_CONF.with_name(LENT), ours, mode=0o644)
    with failing(RESOLV_CONF):
        # lexists: a dangling link is something to put back, too.
        if os.path.lexists(place):
            place.rename(aside)
    write(root, RESOLV_CONF, ours, mode=0o644)
    return True


def _take_back(root: Path) -> None:
    place, aside, lent = _places(root)
    with failing(RESOLV_CONF):
        lent_there = lent.is_file()
        if lent_there and _content(place) != lent.read_bytes():
            aside.unlink(missing_ok=True)  # somebody's own, or removed by somebody
        elif os.path.lexists(aside):
            aside.rename(place)
        elif lent_there:
            place.unlink()
        # The last of all: without it nobody can tell what is whose.
        lent.unlink(missing_ok=True)


def _places(root: Path) -> tuple[Path, Path, Path]:
    directory = inside(root, RESOLV_CONF.parent)
    return directory / RESOLV_CONF.name, directory / IMAGE, directory / LENT


def _content(place: Path) -> bytes | None:
    """Of a file that is no link: ours is none."""
    with contextlib.suppress(FileNotFoundError), failing(RESOLV_CONF):
        if place.is_file() and not place.is_symlink():
            return place.read_bytes()
    return None
