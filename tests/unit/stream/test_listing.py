"""Listings of buckets, from servers that list, that do not, and that list nonsense."""

from collections.abc import Sequence
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import pytest

from hammer.stream import listing
from hammer.stream.failures import FetchFailed
from hammer.stream.http import Patience
from hammer.stream.listing import BadListing, NoListing, keys_below
from tests.servers import (
    Answer,
    Cut,
    Drip,
    Redirect,
    Reset,
    Silent,
    Stall,
    Status,
    Then,
    nobody,
    serve,
)

# Long where an answer comes: the machine may be busy with guests. Short where none comes.
LONG = Patience(connect_s=20, stall_s=20, retry_for_s=20, first_pause_s=0.05, longest_pause_s=0.1)
SHORT = Patience(connect_s=20, stall_s=0.4, retry_for_s=0.2, first_pause_s=0.05)
IMPATIENT = Patience(connect_s=20, stall_s=20, retry_for_s=0.2, first_pause_s=0.05)
S3 = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


def page(keys: Sequence[str], *more: str, namespace: str = S3) -> bytes:
    """A page as ListObjects gives it; `more` are elements below its root."""
    contents = "".join(
        f"<Contents><Key>{escape(key)}</Key><Size>1</Size><Owner><ID>x</ID></Owner></Contents>"
        for key in keys
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult{namespace}>'
        f"<Name>images</Name><Prefix>os/</Prefix>{''.join(more)}{contents}</ListBucketResult>"
    ).encode()


GOES_ON = "<IsTruncated>true</IsTruncated>"
ENDS = "<IsTruncated>false</IsTruncated>"


def listed(answer: Answer | Then, *, patience: Patience = LONG) -> tuple[list[str], list[str]]:
    """Paths of what is listed, and the queries of the requests."""
    with serve({"/": answer, "/elsewhere": page(["os/stable/x"])}) as server:
        urls = keys_below(server.url("/os/stable"), patience=patience)
        assert all(url.startswith(server.address) for url in urls)
        queries = [request.query for request in server.requests]
        return [url.removeprefix(server.address) for url in urls], queries


@pytest.mark.parametrize("namespace", [S3, "", ' xmlns="http://doc.s3.amazonaws.com/2006-03-01"'])
def test_one_page(namespace: str) -> None:
    keys = ["os/stable/debian/12/img.tar.lz4", "os/stable/a b&<\u00fc>", "os/stable2/x", "other"]
    answer = page(keys, ENDS, namespace=namespace)
    urls, queries = listed(answer)
    assert urls == ["/os/stable/debian/12/img.tar.lz4", "/os/stable/a%20b%26%3C%C3%BC%3E"]
    assert [parse_qs(query) for query in queries] == [
        {"list-type": ["2"], "prefix": ["os/stable/"]}
    ]


def test_pages_are_asked_for_with_tokens_or_with_markers() -> None:
    first = page(
        ["os/stable/a"], GOES_ON, "<NextContinuationToken>t=1&amp;</NextContinuationToken>"
    )
    second = page(["os/stable/b"], GOES_ON, "<NextMarker>os/stable/bb</NextMarker>")
    third = page(["os/stable/c"], GOES_ON)
    urls, queries = listed(Then(first, second, third, page(["os/stable/d"], ENDS)))
    assert urls == [f"/os/stable/{name}" for name in "abcd"]
    asked = [parse_qs(query) for query in queries]
    assert [each.get("continuation-token") for each in asked] == [None, ["t=1&"], None, None]
    assert [each.get("marker") for each in asked] == [None, None, ["os/stable/bb"], ["os/stable/c"]]
    assert all(each["prefix"] == ["os/stable/"] for each in asked)


def test_a_slow_page_and_one_that_is_elsewhere() -> None:
    assert listed(Drip(page(["os/stable/x"]), piece=60, pause_s=0.01))[0] == ["/os/stable/x"]
    assert listed(Redirect("/elsewhere"))[0] == ["/os/stable/x"]
    assert listed(Then(Status(503), page(["os/stable/x"])))[0] == ["/os/stable/x"]
    assert listed(page([]))[0] == []


@pytest.mark.parametrize(
    "answer",
    [
        Status(404), Status(403), Status(401), Status(500),
        b"", b"<html><body>Index of /<hr></body></html>",
        b"<!DOCTYPE html>\n<html><body>Index of /<hr></body></html>",
        b"<!DOCTYPE x [<!ENTITY a 'a'>]><ListBucketResult>&a;</ListBucketResult>",
        b"\x00\xff garbage",
        b'{"keys": []}', b"<ListAllMyBucketsResult/>", b"<Error><Code>AccessDenied</Code></Error>",
        b"<x><ListBucketResult><Contents><Key>os/stable/a</Key></Contents></ListBucketResult></x>",
    ],
)  # fmt: skip
def test_a_server_that_does_not_list(answer: Answer) -> None:
    with pytest.raises(NoListing):
        listed(answer, patience=IMPATIENT)


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE ListBucketResult [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%b">' % (c, b"&%c;" % (c - 1) * 10) for c in range(98, 110))
    + b"]><ListBucketResult><Contents><Key>&m;</Key></Contents></ListBucketResult>"
)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (BOMB, "document type"),
        (
            b'<!DOCTYPE ListBucketResult [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
            b"<ListBucketResult><Name>&f;</Name></ListBucketResult>",
            "document type",
        ),
        (page(["a"])[:-9], "line 2: unclosed token"),
        (page(["a"]).replace(b"</Key>", b"</key>"), "mismatched tag"),
        (page(["a"]) + b"<more/>", "junk after document element"),
        (page([], GOES_ON), "goes on, and not where"),
        (page(["os/stable/a"], GOES_ON, "<NextMarker>m</NextMarker>"), "goes on, and not where"),
    ],
)
def test_a_listing_that_is_nonsense(answer: bytes, reason: str) -> None:
    with pytest.raises(BadListing, match=reason):
        listed(answer)


def test_a_listing_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    token = "<NextContinuationToken>t</NextContinuationToken>"
    with (
        serve({"/": page(["os/stable/a"], GOES_ON, token)}) as server,
        pytest.raises(BadListing, match="more than 20 pages"),
    ):
        keys_below(server.url("/os/stable"), patience=LONG)
    assert len(server.requests) == listing.MAX_PAGES
    monkeypatch.setattr(listing, "PAGE_BYTES", 1000)
    with pytest.raises(BadListing, match="larger than 1000 bytes"):
        listed(page(["os/stable/a"] * 100))


@pytest.mark.parametrize(
    "answer",
    [Silent(), Cut(page(["a"]), 50), Reset(page(["a"]), 50), Stall(page(["a"]), 50)],
)
def test_a_server_that_is_away_while_it_lists(answer: Answer) -> None:
    with pytest.raises(FetchFailed):
        listed(answer, patience=SHORT)


def test_nobody_is_there() -> None:
    with nobody() as address, pytest.raises(FetchFailed, match="refused"):
        keys_below(f"{address}/os", patience=SHORT)


def test_a_signature_stays_in_the_query() -> None:
    with serve({"/": page(["os/a"])}) as server:
        (url,) = keys_below(server.url("/os?signature=x%26y"), patience=LONG)
    assert url == server.url("/os/a?signature=x%26y")
    assert parse_qs(server.requests[0].query)["signature"] == ["x&y"]
