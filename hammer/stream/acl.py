"""POSIX access control lists: from the text of a PAX record to the kernel's xattr."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from struct import Struct

ACCESS = b"system.posix_acl_access"
DEFAULT = b"system.posix_acl_default"

# include/uapi/linux/posix_acl_xattr.h and posix_acl.h of Linux.
_VERSION = Struct("<I").pack(2)
_ENTRY = Struct("<HHI")
_TAGS = {"user": (0x01, 0x02), "group": (0x04, 0x08), "mask": (0x10, 0), "other": (0x20, 0)}
_NO_ID = 0xFFFF_FFFF
_NAMES_BYTES_MAX = 4 << 20
_BITS = {"r": 4, "w": 2, "x": 1, "-": 0}

IdOf = Callable[[str], int | None]


def xattr_value(text: bytes, *, uid_of: IdOf, gid_of: IdOf) -> bytes:
    """Convert acl(5) text, entries parted by commas or line ends. Raises ValueError.

    A name is looked up first, as GNU tar does; star's number behind the
    permissions (`user:joe:rw-:1001`) serves when the image does not know the name.
    """
    entries = []
    for line in text.decode().replace(",", "\n").splitlines():
        entry = line.partition("#")[0].strip()
        if entry:
            entries.append(_entry(entry, uid_of=uid_of, gid_of=gid_of))
    return _VERSION + b"".join(_ENTRY.pack(*entry) for entry in sorted(entries))


def _entry(text: str, *, uid_of: IdOf, gid_of: IdOf) -> tuple[int, int, int]:
    tag, qualifier, permissions, *more = [*text.split(":"), "", ""][:4]
    own, named = _TAGS.get(tag, (0, 0))
    if not own or not permissions or not set(permissions) <= set(_BITS):
        raise ValueError(f"access control list: cannot read `{ascii(text[:80])[1:-1]}`")
    bits = sum({_BITS[letter] for letter in permissions})
    if not qualifier:
        return own, bits, _NO_ID
    found = (uid_of if tag == "user" else gid_of)(qualifier) if named else None
    number = next((int(word) for word in (qualifier, *more) if word.isdecimal()), None)
    if found is None and number is None:
        raise ValueError(f"access control list: nobody is called {qualifier[:80]!a}")
    return named, bits, found if found is not None else number or 0


def ids(path: Path) -> IdOf:
    """Look names up in a passwd(5) or group(5) file; one that is not there has none."""
    try:
        # What the image has there may be a FIFO or a device, which would never end.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return lambda _: None
    with open(handle, "rb", closefd=True) as stream:  # noqa: PTH123 - a descriptor
        regular = stat.S_ISREG(os.fstat(handle).st_mode)
        return ids_of(stream.read(_NAMES_BYTES_MAX) if regular else b"")


def ids_of(text: bytes) -> IdOf:
    """Look names up in the text of such a file."""
    lines = text.decode(errors="surrogateescape").splitlines()
    fields = [line.split(":") for line in lines]
    known = {f[0]: int(f[2]) for f in fields if len(f) > 2 and f[2].isdecimal()}
    return known.get
