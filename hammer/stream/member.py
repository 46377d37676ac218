"""What an archive says of one file, directory, link or device."""

from collections.abc import Mapping
from enum import IntEnum, auto
from typing import NamedTuple

from hammer.stream.sparse import Sparse

NO_DEVICE = (0, 0)
NO_XATTRS: dict[bytes, bytes] = {}
_SHOWN_BYTES = 256


class Kind(IntEnum):
    """As integers, which are found in a set ten times as fast as other members of enums."""

    FILE = auto()
    DIRECTORY = auto()
    SYMLINK = auto()
    HARDLINK = auto()
    CHARACTER = auto()
    BLOCK = auto()
    FIFO = auto()


class Member(NamedTuple):
    """The fields before `kind` are what a plain file differs in from others: see orders.py."""

    name: bytes
    """Below the root, without leading, doubled or closing slash; empty for the root itself."""
    mode: int
    uid: int
    gid: int
    mtime_ns: int
    size: int
    """Bytes of data in the archive."""
    kind: Kind
    target: bytes
    """Of a symbolic link as written; of a hard link like `name`; else empty."""
    device: tuple[int, int]
    """Major and minor number; of what is no device (0, 0)."""
    xattrs: Mapping[bytes, bytes]
    acl_access: bytes
    acl_default: bytes
    sparse: Sparse | None


def printable(name: bytes) -> str:
    """A name for messages: short, and no control characters, whatever the archive holds."""
    text = name[:_SHOWN_BYTES].decode(errors="backslashreplace")
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text) or "(empty)"
    return f"{shown}..." if len(name) > _SHOWN_BYTES else shown
