"""What a server says of the bytes it sends: which part, of how many, and of which version.

Section and paragraph numbers are those of RFC 9110.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

_STRONG = re.compile(r'"[\x21\x23-\x7e\x80-\xff]*"')
_RANGE = re.compile(r"bytes ([0-9]{1,19})-([0-9]{1,19})/([0-9]{1,19}|\*)")
_SURE_AFTER = timedelta(seconds=60)

# What a web server says of a file that is stored compressed, by the end of its name: that is no
# coding that somebody put on top.
_STORED = {
    "gzip": (".gz", ".tgz"),
    "x-gzip": (".gz", ".tgz"),
    "zstd": (".zst",),
}


def for_if_range(headers: Mapping[str, str]) -> str | None:
    """A strong validator for If-Range (13.1.5); None if there is none.

    Strong is an ETag without W/ (8.8.3), or a time of change that lay a minute back when it was
    told (8.8.2.2): what changes twice in a second has one Last-Modified and two contents.
    """
    etag = headers.get("etag", "")
    if _STRONG.fullmatch(etag):
        return etag
    changed = headers.get("last-modified", "")
    try:
        age = time_of(headers.get("date", "")) - time_of(changed)
    except ValueError:
        return None
    return changed if age >= _SURE_AFTER else None


def time_of(text: str) -> datetime:
    """A time as headers have it (5.6.7). Raises ValueError for what is none."""
    try:
        time = parsedate_to_datetime(text)
    except OverflowError:
        raise ValueError("no such time can be") from None
    if time.tzinfo is None:
        raise ValueError("it does not say of which zone the time is")
    return time


def part_of(headers: Mapping[str, str]) -> tuple[int, int | None]:
    """First byte and total of an answer 206 (14.4). Raises ValueError for what it cannot be.

    The total is None if the server does not tell it. It must lead to the end: that is what
    is asked for.
    """
    found = _RANGE.fullmatch(headers.get("content-range", "").strip())
    if not found:
        raise ValueError("it does not say which part it sends")
    first, last = int(found[1]), int(found[2])
    total = None if found[3] == "*" else int(found[3])
    length = headers.get("content-length")
    if last < first or (total is not None and last >= total):
        raise ValueError("it says that it sends a part that cannot be")
    if length is not None and length.strip() != str(last - first + 1):
        raise ValueError("the length of the part is not what it says")
    return first, total


def recoded(headers: Mapping[str, str], *, path: str) -> str | None:
    """The coding that somebody put on the bytes, although we asked for none (8.4)."""
    coding = headers.get("content-encoding", "").strip().lower()
    if coding in ("", "identity") or path.lower().endswith(_STORED.get(coding, ())):
        return None
    return coding
