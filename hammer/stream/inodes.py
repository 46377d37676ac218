"""What a file is known by, whatever its names are and whatever links lead to it."""

import os

Inode = tuple[int, int]
"""Device and number."""


def of(status: os.stat_result) -> Inode:
    return status.st_dev, status.st_ino


def named(name: bytes) -> Inode | None:
    """Of what is known by this name now, a link itself; None: nothing is."""
    try:
        return of(os.lstat(name or b"."))
    except OSError:
        return None
