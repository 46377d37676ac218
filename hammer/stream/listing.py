"""What a bucket holds, as S3's ListObjects tells it to anybody."""

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit
from xml.parsers import expat

from hammer.stream import failures, http

PAGE_BYTES = 4 << 20
MAX_PAGES = 20
"""A page holds at most 1000 keys (Amazon S3 API Reference, ListObjectsV2)."""


class NoListing(Exception):
    """The server does not list; that is no failure, most servers do not."""


class BadListing(Exception):
    """The server lists, and not as it should; the text is the reason."""


@dataclass
class _Page:
    """One answer. XML names are without their namespace, which differs among servers."""

    is_listing: bool = False
    keys: list[str] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    """Of the elements right below the root: IsTruncated, NextContinuationToken and so on."""


def keys_below(
    url: str, *, patience: http.Patience | None = None, on_retry: http.OnRetry | None = None
) -> tuple[str, ...]:
    """The URL of every object below this URL, the host being a bucket.

    Raises NoListing, BadListing, or FetchFailed when nobody answers at all.
    """
    prefix = unquote(urlsplit(url).path).strip("/") + "/"
    asked = {"list-type": "2", "prefix": prefix}
    keys: list[str] = []
    for _ in range(MAX_PAGES):
        page = _page(_with_query(url, asked), patience=patience, on_retry=on_retry)
        keys += [key for key in page.keys if key.startswith(prefix)]
        if page.values.get("IsTruncated") != "true":
            return tuple(_with_path(url, quote(f"/{key}")) for key in keys)
        asked = _next(asked, page)
    raise BadListing(f"it has more than {MAX_PAGES} pages")


def _page(url: str, *, patience: http.Patience | None, on_retry: http.OnRetry | None) -> _Page:
    try:
        text = http.fetch(url, limit_bytes=PAGE_BYTES, patience=patience, on_retry=on_retry)
    except failures.TooLarge as error:
        raise BadListing(error.reason) from None
    except failures.BadStatus:
        raise NoListing from None
    page = _parsed(text)
    if not page.is_listing:
        raise NoListing
    return page


def _next(asked: dict[str, str], page: _Page) -> dict[str, str]:
    """What to ask for next. Old servers know markers only; a marker is the last key."""
    first = {key: asked[key] for key in ("list-type", "prefix")}
    if token := page.values.get("NextContinuationToken"):
        return {**first, "continuation-token": token}
    marker = page.values.get("NextMarker") or (page.keys[-1] if page.keys else "")
    if not marker or marker == asked.get("marker"):
        raise BadListing("it says that it goes on, and not where")
    return {**first, "marker": marker}


def _parsed(text: bytes) -> _Page:
    """A page from its XML. Without document types, and so without entities that explode."""
    page = _Page()
    path: list[str] = []
    words: list[str] = []

    def begin(name: str, _attributes: object) -> None:
        path.append(name.rpartition(" ")[2])
        page.is_listing = page.is_listing or path == ["ListBucketResult"]
        words.clear()

    def end(_name: str) -> None:
        text = "".join(words)
        if path == ["ListBucketResult", "Contents", "Key"]:
            page.keys.append(text)
        elif len(path) == 2:
            page.values[path[-1]] = text
        path.pop()
        words.clear()

    def refuse_document_type(name: str, *_: object) -> None:
        # Pages for people have one, too: those are no listings.
        if name != "ListBucketResult":
            raise NoListing
        raise BadListing("it has a document type, which no listing has")

    # The space divides namespace and name.
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    parser.CharacterDataHandler = words.append
    parser.StartDoctypeDeclHandler = refuse_document_type
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        if page.is_listing:
            raise BadListing(f"line {error.lineno}: {expat.ErrorString(error.code)}") from None
        raise NoListing from None
    return page


def _with_path(url: str, path: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=path))


def _with_query(url: str, asked: dict[str, str]) -> str:
    parts = urlsplit(url)
    query = urlencode([*parse_qsl(parts.query), *asked.items()])
    return urlunsplit(parts._replace(path="/", query=query))
