"""The digest file beside an image: which words in it are the digest of that image."""

import hashlib
import re
from pathlib import PurePosixPath

_MD5 = re.compile(r"[0-9a-fA-F]{32}")
# BSD's md5(1) and `md5sum --tag`.
_BSD = re.compile(r"MD5 ?\((?P<name>.*)\) ?= ?(?P<digest>[0-9a-fA-F]{32})")
_OF_NOTHING = hashlib.md5(b"", usedforsecurity=False).hexdigest()


def md5_of(text: bytes, *, name: str) -> str:
    """The digest of the file `name` as 32 lower-case hex digits.

    Accepts what md5sum(1) and BSD's md5(1) write, bare digests, CRLF and upper
    case; names are compared literally and without directories. Raises ValueError
    with the reason.
    """
    entries = [
        entry for line in text.decode(errors="replace").splitlines() if (entry := _entry(line))
    ]
    if not entries:
        raise ValueError("it is empty" if not text.strip() else "there is no md5 digest in it")
    found = {digest for digest, of in entries if of is None or of == name}
    if not found:
        others = ", ".join(sorted({of for _digest, of in entries if of is not None})[:3])
        raise ValueError(f"it names {others} and not {name}")
    if len(found) > 1:
        raise ValueError(f"it holds {len(found)} different digests of {name}")
    digest = found.pop()
    if digest == _OF_NOTHING:
        raise ValueError(f"{digest} is the digest of an empty file")
    return digest


def _entry(line: str) -> tuple[str, str | None] | None:
    """Digest and base name of a line, the name None if it has none; None if it is no entry."""
    line = line.strip().lstrip("\ufeff")
    if match := _BSD.fullmatch(line):
        return match["digest"].lower(), PurePosixPath(match["name"]).name
    digest, _space, rest = line.partition(" ")
    if "\t" in digest:
        digest, _tab, rest = line.partition("\t")
    # md5sum(1): a backslash in front when the name is escaped, an asterisk for binary mode.
    digest = digest.removeprefix("\\")
    if not _MD5.fullmatch(digest):
        return None
    name = rest.strip().removeprefix("*")
    return digest.lower(), PurePosixPath(name).name if name else None
