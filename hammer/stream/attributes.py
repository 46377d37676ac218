"""What files have besides their content: owner, mode and extended attributes."""

# Names are bytes here, as the archive has them, and there is no Path of bytes.
# ruff: noqa: PTH101

import errno
import os
from collections.abc import Collection, Mapping

from hammer.stream.tar import printable

NOT_POSSIBLE = {errno.EPERM, errno.EOPNOTSUPP}
"""What a filesystem says that has no place for something."""


def set_owner(at: int | bytes, owner: tuple[int, int], *, ownerless: Collection[int]) -> None:
    """Of a file by its descriptor, or of a name, also one of a symbolic link. Raises OSError."""
    try:
        os.chown(at, *owner, follow_symlinks=isinstance(at, int))
    except OSError as error:
        raise_unless_ownerless(error, at, ownerless=ownerless)


def set_mode(at: int | bytes, mode: int, *, ownerless: Collection[int]) -> None:
    """After the owner, which takes the setuid bit away (chown(2)). Raises OSError."""
    try:
        os.chmod(at, mode)
    except OSError as error:
        raise_unless_ownerless(error, at, ownerless=ownerless)


def set_xattrs(
    at: int | bytes, xattrs: Mapping[bytes, bytes], *, ownerless: Collection[int]
) -> None:
    """After the owner and the content: both take security.capability away. Raises OSError."""
    for name, value in xattrs.items():
        try:
            os.setxattr(at, name, value, follow_symlinks=isinstance(at, int))
        except OSError as error:
            what = f" (xattr {printable(name)})"
            raise_unless_ownerless(error, at, ownerless=ownerless, what=what)


def raise_unless_ownerless(
    error: OSError, at: int | bytes, *, ownerless: Collection[int], what: str = ""
) -> None:
    """A filesystem such as vfat cannot hold owners and modes; the ESP lives without them."""
    status = os.fstat(at) if isinstance(at, int) else os.lstat(at)
    if error.errno not in NOT_POSSIBLE or status.st_dev not in ownerless:
        raise OSError(error.errno, f"{os.strerror(error.errno or 0)}{what}") from None
