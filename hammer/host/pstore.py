"""A few words that outlive a restart, in memory that the kernel keeps for that: pstore.

There is a place where the kernel has CONFIG_PSTORE_PMSG and a backend (ramoops with memory
that the firmware leaves alone); Debian's kernel has none. Documentation/admin-guide/ramoops.rst.
"""

import os
from contextlib import suppress
from pathlib import Path

PMSG = Path("/dev/pmsg0")
PSTORE = Path("/sys/fs/pstore")
MARK = "hammer, last words:"
"""Begins what is ours: the same place may hold words of others, and older ones of our own."""
READ_BYTES = 64 * 1024
WORDS_BYTES_MAX = 2048


def leave_words(text: str, pmsg: Path = PMSG) -> bool:
    """Leave a text for the next boot, cut to WORDS_BYTES_MAX; False where there is no place."""
    words = f"{MARK}\n{text}".encode()[:WORDS_BYTES_MAX]
    try:
        # Never made: a plain file at this place would be gone with the ramdisk.
        handle = os.open(pmsg, os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.write(handle, words + b"\n") > 0
    except OSError:
        return False
    finally:
        os.close(handle)


def words_left(pstore: Path = PSTORE) -> str:
    """What the boot before left, and only once: it is removed. Empty when there is nothing."""
    for path in sorted(pstore.glob("pmsg-*")):
        with suppress(OSError):
            text = path.read_bytes()[-READ_BYTES:].decode(errors="replace")
            _, mark, words = text.rpartition(f"{MARK}\n")
            if mark:
                path.unlink()
                return words.rstrip("\0\n")
    return ""


def records(pstore: Path = PSTORE) -> str:
    """All that is kept there, such as the last messages of a kernel that crashed. OSError."""
    return "".join(
        f"--- {path.name}\n{path.read_bytes()[-READ_BYTES:].decode(errors='replace')}\n"
        for path in sorted(pstore.iterdir())
    )
