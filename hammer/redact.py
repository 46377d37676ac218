"""What may be shown of a value that can carry a secret."""

import re
from urllib.parse import urlsplit

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s\"'<>]+")


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


def text(told: str) -> str:
    """A text that may quote URLs, each of them as above."""
    return _URL.sub(lambda found: url(found[0]), told)
