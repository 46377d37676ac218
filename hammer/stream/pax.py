"""PAX extended headers: their records, and what of them a member takes over."""

import base64
import binascii
import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

Records = dict[bytes, bytes]

_SECONDS = re.compile(rb"(-?)(\d{1,12})(?:\.(\d*))?")
_XATTR = b"SCHILY.xattr."
_XATTR_LIBARCHIVE = b"LIBARCHIVE.xattr."
_SELINUX = b"RHT.security.selinux"

# The extents of a GNU sparse file of format 0.0 are pairs of records whose keys
# repeat; they are gathered under the key that format 0.1 gave to the same list.
_SPARSE_PAIR = (b"GNU.sparse.offset", b"GNU.sparse.numbytes")
SPARSE_MAP = b"GNU.sparse.map"


def records(data: bytes) -> Records:
    """Parse the body of an `x` or `g` header. Raises ValueError with the reason.

    pax(1), "pax Extended Header": each record is "%d %s=%s\\n" with its own
    length in front, so that a value may hold any byte.
    """
    found: Records = {}
    sparse = []
    at = 0
    while at < len(data) and data[at]:  # some writers pad the last block with NUL
        blank = data.find(b" ", at, at + 20)
        digits = data[at:blank]
        if blank < 0 or not digits.isdigit():
            raise ValueError("a PAX record does not begin with its length")
        end = at + int(digits)
        equals = data.find(b"=", blank, end)
        key = data[blank + 1 : equals]
        if end > len(data) or equals < 0 or data[end - 1 : end] != b"\n" or not key:
            raise ValueError("a PAX record does not end where its length says")
        found[key] = data[equals + 1 : end - 1]
        if key in _SPARSE_PAIR:
            sparse.append(found[key])
        at = end
    if sparse:
        found[SPARSE_MAP] = b",".join(sparse)
    return found


def number(text: bytes) -> int:
    """A decimal number that is not negative. Raises ValueError."""
    if not text.isdigit() or len(text) > 20:
        raise ValueError("a PAX record holds no number where one must be")
    return int(text)


def nanoseconds(text: bytes) -> int:
    """A time in seconds with a fraction, such as mtime. Raises ValueError."""
    match = _SECONDS.fullmatch(text)
    if not match:
        raise ValueError("a PAX record holds no time where one must be")
    sign, seconds, fraction = match.groups()
    total = int(seconds) * 10**9 + int((fraction or b"").ljust(9, b"0")[:9])
    return -total if sign else total


def xattrs(found: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """The extended attributes among the records, values as they are. Raises ValueError."""
    result = {}
    for key, value in found.items():
        if key.startswith(_XATTR):
            # GNU tar writes these two bytes of a name in this way (xheader.c,
            # xattr_encode_keyword), because a key ends at the first "=".
            name = key[len(_XATTR) :].replace(b"%3D", b"=").replace(b"%25", b"%")
            result[name] = value
        elif key.startswith(_XATTR_LIBARCHIVE):
            # libarchive writes both forms of one attribute: this one wins over nothing.
            name = unquote_to_bytes(key[len(_XATTR_LIBARCHIVE) :])
            result.setdefault(name, _unbase64(value))
        elif key == _SELINUX:
            result[b"security.selinux"] = value + b"\0"  # the kernel counts the NUL
    return result


def _unbase64(value: bytes) -> bytes:
    try:  # libarchive leaves out the padding
        return base64.b64decode(value + b"=" * (-len(value) % 4), validate=True)
    except binascii.Error:
        raise ValueError("a LIBARCHIVE.xattr record is not base64") from None
