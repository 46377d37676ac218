"""What a tree is, path by path, so that two trees can be compared and a difference be read."""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Entry:
    kind: str
    mode: str
    owner: str
    mtime_ns: int
    size: int
    device: tuple[int, int]
    links: int
    target: str
    xattrs: tuple[tuple[str, bytes], ...]
    content: str


def manifest(root: Path, *, without: frozenset[str] = frozenset()) -> dict[str, Entry]:
    """Every path below `root` (and `.` for itself), relative, with all that a tar can restore.

    `without` are paths to leave out, such as lost+found.
    """
    paths = [Path()]
    for directory, names, files in os.walk(root):
        below = Path(directory).relative_to(root)
        names[:] = [name for name in names if str(below / name) not in without]
        paths += [below / name for name in (*names, *files)]
    return {str(path): _entry(root / path) for path in sorted(paths)}


def differences(expected: dict[str, Entry], actual: dict[str, Entry]) -> list[str]:
    """One line for each path and field that differs; nothing if the trees are equal."""
    lines = [f"{path}: missing" for path in expected.keys() - actual.keys()]
    lines += [f"{path}: not expected" for path in actual.keys() - expected.keys()]
    for path in expected.keys() & actual.keys():
        one, other = expected[path], actual[path]
        for field in fields(Entry):
            a, b = getattr(one, field.name), getattr(other, field.name)
            if a != b:
                lines.append(f"{path}: {field.name} is {b!r}, expected is {a!r}")
    return sorted(lines)


def data_segments(root: Path) -> dict[str, tuple[tuple[int, int], ...]]:
    """Begin and end of what is no hole, of every regular file below `root`."""
    return {
        str(path.relative_to(root)): tuple(_segments(path))
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def _segments(path: Path) -> Iterator[tuple[int, int]]:
    with path.open("rb") as file:
        end = 0
        while True:
            try:
                begin = os.lseek(file.fileno(), end, os.SEEK_DATA)
            except OSError as error:
                if error.errno != errno.ENXIO:  # lseek(2): no data behind this place
                    raise
                return
            end = os.lseek(file.fileno(), begin, os.SEEK_HOLE)
            yield begin, end


def _entry(path: Path) -> Entry:
    status = path.lstat()
    regular = stat.S_ISREG(status.st_mode)
    link = stat.S_ISLNK(status.st_mode)
    names = os.listxattr(path, follow_symlinks=False)
    return Entry(
        kind=stat.filemode(status.st_mode)[0],
        mode=f"{stat.S_IMODE(status.st_mode):04o}",
        owner=f"{status.st_uid}:{status.st_gid}",
        mtime_ns=status.st_mtime_ns,
        # Of a directory it is the filesystem's own affair.
        size=status.st_size if regular or link else 0,
        device=(os.major(status.st_rdev), os.minor(status.st_rdev)),
        links=0 if stat.S_ISDIR(status.st_mode) else status.st_nlink,
        target=str(path.readlink()) if link else "",
        xattrs=tuple(
            (name, os.getxattr(path, name, follow_symlinks=False)) for name in sorted(names)
        ),
        content=_sha256(path) if regular else "",
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
