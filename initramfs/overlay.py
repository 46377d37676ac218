"""Adding files to a ramdisk that is already built.

`python initramfs/overlay.py BASE OUT /PATH=FILE...` adds FILE as /PATH, mode 0600.
"""

import argparse
import io
import shutil
import stat
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from initramfs import cpio

# The kernel takes archives one after the other, at multiples of 4; whole
# sectors keep boot loaders out of the question.
ALIGNMENT_BYTES = 512


def overlay(base: Path, out: Path, files: Mapping[str, tuple[bytes, int]]) -> None:
    """Write to `out` the ramdisk `base` with `files` added: path -> content and permissions.

    The files come *before* the base: the kernel silently ignores what follows an
    lz4 archive of the legacy format. The later record wins, so a path that the
    base has keeps the content of the base; an overlay adds and never replaces.
    """
    archive = io.BytesIO()
    cpio.write(archive, _entries(files), mtime_s=0)
    padding_bytes = -archive.tell() % ALIGNMENT_BYTES
    with out.open("wb") as file, base.open("rb") as rest:
        file.write(archive.getvalue() + b"\0" * padding_bytes)
        shutil.copyfileobj(rest, file, 1 << 20)


def _entries(files: Mapping[str, tuple[bytes, int]]) -> Iterator[cpio.Entry]:
    made: set[PurePosixPath] = set()
    for name in sorted(files):
        path = PurePosixPath(name.lstrip("/"))
        # Folders first, or the kernel drops the file.
        for folder in reversed(path.parents[:-1]):
            if folder not in made:
                made.add(folder)
                yield cpio.Entry(name=str(folder), mode=stat.S_IFDIR | 0o755)
        content, permissions = files[name]
        yield cpio.Entry(name=str(path), mode=stat.S_IFREG | permissions, content=content)


def main() -> int:
    parser = argparse.ArgumentParser(description="Add files to a ramdisk.")
    parser.add_argument("base", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("files", nargs="+", metavar="/PATH=FILE")
    args = parser.parse_args()
    pairs = [pair.partition("=") for pair in args.files]
    overlay(
        args.base, args.out, {path: (Path(file).read_bytes(), 0o600) for path, _, file in pairs}
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
