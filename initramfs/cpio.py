"""Archives of the kernel's initramfs format: cpio "newc".

Source: Linux Documentation/driver-api/early-userspace/buffer-format.rst
"""

import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MAGIC = b"070701"
TRAILER = "TRAILER!!!"


@dataclass(frozen=True, kw_only=True)
class Entry:
    name: str
    """Without a leading slash."""
    mode: int
    """Type and permissions, as in st_mode."""
    content: bytes = b""
    """The bytes of a file, the target of a symbolic link."""
    device: tuple[int, int] = (0, 0)
    """Major and minor of a device node."""


def entries_of(tree: Path) -> Iterator[Entry]:
    """Everything below `tree`, with modes that do not depend on who built it, or how.

    A file is 0755 if its owner may execute it, else 0644; secrets go into an
    overlay. Device nodes are not looked for: they are given as entries.
    """
    for path in sorted(tree.rglob("*"), key=lambda path: path.relative_to(tree).parts):
        name = str(path.relative_to(tree))
        if path.is_symlink():
            target = str(path.readlink()).encode()
            yield Entry(name=name, mode=stat.S_IFLNK | 0o777, content=target)
        elif path.is_dir():
            yield Entry(name=name, mode=stat.S_IFDIR | 0o755)
        else:
            permissions = 0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644
            yield Entry(name=name, mode=stat.S_IFREG | permissions, content=path.read_bytes())


def write(out: BinaryIO, entries: Iterable[Entry], *, mtime_s: int) -> None:
    """Write a whole archive, in the order given; everything belongs to root."""
    for inode, entry in enumerate(entries, start=1):
        out.write(_record(entry, inode=inode, mtime_s=mtime_s))
    out.write(_record(Entry(name=TRAILER, mode=0), inode=0, mtime_s=0))


def _record(entry: Entry, *, inode: int, mtime_s: int) -> bytes:
    name = entry.name.encode() + b"\0"
    # One for a file: from two on the kernel takes a second record of the same inode
    # for a hard link (init/initramfs.c, maybe_link).
    links = 2 if stat.S_ISDIR(entry.mode) else 1
    major, minor = entry.device
    numbers = (
        inode,
        entry.mode,
        0,  # uid
        0,  # gid
        links,
        mtime_s,
        len(entry.content),
        0,  # major and
        0,  # minor of the filesystem that the file came from
        major,
        minor,
        len(name),
        0,  # checksum, of the format "crc" only
    )
    header = MAGIC + b"".join(b"%08x" % number for number in numbers)
    return _padded(header + name) + _padded(entry.content)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
