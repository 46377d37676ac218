"""What may be shown of a value that can carry a secret."""

import json
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

HIDDEN = "***"
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s\"'<>]+")
_SHORTEST = 4
"""A secret of fewer characters is in every text, and hiding it would hide the text."""


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
    enough to mean something: a program that prints it may put words before each.
    """
    for secret in _spellings(secrets):
        told = told.replace(secret, HIDDEN)
    return _URL.sub(lambda found: url(found[0]), told)


def _spellings(secrets: Iterable[str]) -> list[str]:
    """How a secret may be written in a log, the longest first."""
    found = set()
    for secret in secrets:
        lines = [line.strip() for line in secret.splitlines() if len(line.strip()) >= 2 * _SHORTEST]
        for each in (secret, secret.strip(), *lines):
            if len(each) >= _SHORTEST:
                ascii_only = each.encode("ascii", "backslashreplace").decode("ascii")
                found |= {each, json.dumps(each)[1:-1], ascii_only}
    return sorted(found, key=lambda each: (-len(each), each))
