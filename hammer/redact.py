"""What may be shown of a value that can carry a secret."""

import json
import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

HIDDEN = "***"
# A scheme is looked for in few characters, or a long word would take for ever.
# In JSON the quote after a URL has a backslash, which is none of it.
_URL = re.compile(r"""[A-Za-z][A-Za-z0-9+.-]{0,31}://(?:[^\s"'<>\\]|\\(?!"))+""")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_SHORTEST = 4
"""A secret of fewer characters is in every text, and hiding it would hide the text."""
_RUN = 32
"""So much of a secret in a row is hidden as well: programs and logs cut long lines."""
_ANCHOR = _RUN // 2


def url(text: str) -> str:
    """The URL without user, password, query and fragment.

    Signed links carry their key in the query; basic authentication carries the
    password before the host. Both end up on consoles and in tickets otherwise.
    """
    scheme, separator, rest = text.partition("://")
    # A password may hold what ends a host: all before the last @ goes.
    text = scheme + separator + rest.rpartition("@")[2]
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:  # not a URL at all: what is left of it could be anything
        return "(not a URL)"
    if ":" in host:
        host = f"[{host}]"
    query = "?..." if parts.query else ""
    if not parts.scheme:
        return f"{parts.path}{query}"
    return f"{parts.scheme}://{host}{port}{parts.path}{query}"


def hidden_of(text: str) -> list[str]:
    """What `url` leaves out of a URL: user and password, its query."""
    rest, _, fragment = text.partition("://")[2].partition("#")
    rest, _, query = rest.partition("?")
    user = rest.rpartition("@")[0]
    return [each for each in (user, user.partition(":")[2], query, fragment) if each]


def text(told: str, secrets: Iterable[str] = ()) -> str:
    """A text that others wrote: URLs as above, and every place of a known secret hidden.

    A secret of several lines is hidden line by line as well, as far as these are long
    enough to mean something: a program that prints it may put words before each. Of a
    long one every long enough part is hidden.
    """
    spellings = _spellings(secrets)
    for secret in spellings:
        told = told.replace(secret, HIDDEN)
    return _URL.sub(lambda found: url(found[0]), _without_runs(told, spellings))


def _spellings(secrets: Iterable[str]) -> list[str]:
    """How a secret may be written in a log, the longest first."""
    found = set()
    for secret in secrets:
        # Also between tabs, which a log has as spaces.
        lines = [line.strip() for line in _CONTROL.split(secret)]
        lines = [line for line in lines if len(line) >= 2 * _SHORTEST]
        for each in (secret, secret.strip(), *lines):
            if len(each) >= _SHORTEST:
                ascii_only = each.encode("ascii", "backslashreplace").decode("ascii")
                found |= {each, json.dumps(each)[1:-1], ascii_only}
    return sorted(found, key=lambda each: (-len(each), each))


def _without_runs(told: str, spellings: Sequence[str]) -> str:
    """Hide what has _RUN characters in a row with a secret."""
    # Whatever is that long has one of these whole.
    anchors = {
        secret[at : at + _ANCHOR]: (secret, at)
        for secret in reversed(spellings)
        if len(secret) >= _RUN
        for at in range(0, len(secret) - _ANCHOR + 1, _ANCHOR)
    }
    if not anchors:
        return told
    parts, end, at = [], 0, 0
    while at <= len(told) - _ANCHOR:
        if (found := anchors.get(told[at : at + _ANCHOR])) is None:
            at += 1
            continue
        begins, ends = _run(told, at, *found, not_before=end)
        if ends - begins < _RUN:
            at += 1
            continue
        parts += [told[end:begins], HIDDEN]
        end = at = ends
    return "".join([*parts, told[end:]])


def _run(told: str, at: int, secret: str, secret_at: int, *, not_before: int) -> tuple[int, int]:
    """From where to where `told` is the same as `secret`, around a place of both."""
    begins, ends = at, at + _ANCHOR
    back = min(begins - not_before, secret_at)
    while back and told[begins - 1] == secret[secret_at - 1 - (at - begins)]:
        begins, back = begins - 1, back - 1
    ahead = min(len(told) - at, len(secret) - secret_at)
    while ends - at < ahead and told[ends] == secret[secret_at + ends - at]:
        ends += 1
    # In JSON a quote at either end may be that of the whole text, and a backslash makes
    # one character with what follows.
    while ends > begins and told[ends - 1] in '"\\':
        ends -= 1
    while begins < ends and told[begins] == '"':
        begins += 1
    return begins, ends
