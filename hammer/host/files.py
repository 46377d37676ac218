"""Files of the target: found inside it, and written whole or not at all."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from hammer.errors import FileFailed, TargetFull

SYMLINKS_MAX = 40  # as the kernel has it (MAXSYMLINKS, path_resolution(7))
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


@contextlib.contextmanager
def failing(path: PurePosixPath) -> Iterator[None]:
    """Map what the kernel says of a path of the target: TargetFull, FileFailed."""
    try:
        yield
    except OSError as failure:
        if failure.errno in NO_SPACE:
            raise TargetFull(path=str(path)) from None
        raise FileFailed(path=str(path), reason=failure.strerror or str(failure)) from None


def inside(root: Path, path: PurePosixPath) -> Path:
    """Where `path` of the target lies for us, its symbolic links followed inside the target.

    An image may have absolute links (/boot/vmlinuz -> /vmlinuz-6.1); followed
    from outside they would lead into the ramdisk. This is what a chroot does
    with the path, and nobody else joins paths of documents to the target.
    What does not exist is joined as it is. Raises FileFailed, for a loop as well.
    """
    if not path.is_absolute():
        raise FileFailed(path=str(path), reason="is not an absolute path")
    todo = list(path.parts[1:])
    done: list[str] = []
    links = 0
    while todo:
        part = todo.pop(0)
        if part == "..":
            done = done[:-1]  # `..` of the root is the root
            continue
        here = root.joinpath(*done, part)
        with failing(path):
            target = PurePosixPath(here.readlink()) if here.is_symlink() else None
        if target is None:
            done.append(part)
            continue
        links += 1
        if links > SYMLINKS_MAX:
            raise FileFailed(path=str(path), reason="too many symbolic links in the target")
        if target.is_absolute():
            done, todo = [], [*target.parts[1:], *todo]
        else:
            todo = [*target.parts, *todo]
    return root.joinpath(*done)


def write(root: Path, path: PurePosixPath, data: bytes, *, mode: int) -> None:
    """Write a file of the target, owned by root. Missing directories are made, 0755.

    The file appears under its name with all its bytes and its final mode, so
    that a secret is at no moment readable by others. Raises TargetFull, FileFailed.
    """
    where = inside(root, path)
    aside = where.with_name(f".{where.name}.hammer")
    with failing(path):
        where.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            aside.unlink()
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as stream:
            os.fchmod(stream.fileno(), mode)
            stream.write(data)
        aside.replace(where)


def remove(root: Path, path: PurePosixPath) -> None:
    """Remove a file of the target, or the link that stands for it. Raises FileFailed."""
    with failing(path):
        (inside(root, path.parent) / path.name).unlink(missing_ok=True)


def read(root: Path, path: PurePosixPath, *, limit_bytes: int) -> bytes | None:
    """A regular file of the target, or None where there is none. Raises FileFailed."""
    where = inside(root, path)
    with failing(path):
        if not where.is_file():
            return None
        with where.open("rb") as stream:
            data = stream.read(limit_bytes + 1)
    if len(data) > limit_bytes:
        raise FileFailed(path=str(path), reason=f"is larger than {limit_bytes} bytes")
    return data
