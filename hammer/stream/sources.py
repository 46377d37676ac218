"""Where an image is, besides at its URL."""

from collections.abc import Sequence
from urllib.parse import urlsplit, urlunsplit


def places_of(url: str, mirrors: Sequence[str]) -> tuple[str, ...]:
    """The URL of the image, and then that of each mirror, in their order and each once.

    A mirror without a path, or whose path ends in `/`, is a base: it has the image under the path
    of the image's own URL, as a cache has. Any other mirror is the whole URL of the image. What a
    base gets is the path alone: a query is often a signature, which is for one server.
    """
    return tuple(dict.fromkeys([url, *(_at(mirror, url) for mirror in mirrors)]))


def _at(mirror: str, url: str) -> str:
    base = urlsplit(mirror)
    if base.path and not base.path.endswith("/"):
        return mirror
    path = base.path.rstrip("/") + "/" + urlsplit(url).path.lstrip("/")
    return urlunsplit(base._replace(path=path))
