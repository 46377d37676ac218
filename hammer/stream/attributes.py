"""What files have besides their content: owner, mode and extended attributes."""

# Names are bytes here, as the archive has them, and there is no Path of bytes.
# ruff: noqa: PTH101, PTH114, PTH120

import errno
import os
from collections.abc import Collection, Mapping

from hammer.stream.member import printable

# setxattr(2). ext4 says the first one too when the disk is full, and has one block for all
# attributes of a file; the second one is of values beyond what Linux takes at all.
_TOO_MUCH = {errno.ENOSPC, errno.E2BIG}
_ROOM_BYTES = 1 << 20

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
    """After the owner and the content: both take security.capability away.

    Raises OSError; ValueError for more than the filesystem can hold of a file.
    """
    for name, value in xattrs.items():
        try:
            os.setxattr(at, name, value, follow_symlinks=isinstance(at, int))
        except OSError as error:
            what = f" (xattr {printable(name)})"
            if error.errno in _TOO_MUCH and _has_room(at):
                reason = f"its filesystem has no place for {len(value)} bytes more of it{what}"
                raise ValueError(reason) from None
            raise_unless_ownerless(error, at, ownerless=ownerless, what=what)


def _has_room(at: int | bytes) -> bool:
    """Whether the filesystem has room for other files, so that it is this one that is too large."""
    if not isinstance(at, int) and os.path.islink(at):
        at = os.path.dirname(at) or b"."
    status = os.statvfs(at)
    return status.f_bfree * status.f_frsize > _ROOM_BYTES and (
        not status.f_files or status.f_ffree > 0
    )


def raise_unless_ownerless(
    error: OSError, at: int | bytes, *, ownerless: Collection[int], what: str = ""
) -> None:
    """A filesystem such as vfat cannot hold owners and modes; the ESP lives without them."""
    status = os.fstat(at) if isinstance(at, int) else os.lstat(at)
    if error.errno not in NOT_POSSIBLE or status.st_dev not in ownerless:
        raise OSError(error.errno, f"{os.strerror(error.errno or 0)}{what}") from None
