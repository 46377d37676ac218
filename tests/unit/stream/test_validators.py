"""Validators, parts and codings, as servers tell them and as some tell them wrong."""

import pytest

from hammer.stream.validators import for_if_range, part_of, recoded

CHANGED = "Mon, 02 Nov 2026 10:00:00 GMT"
# Each is too much for another number of C.
NEVER = (
    "Mon, 02 Nov 99999999999999999999 10:00:00 GMT",
    "Mon, 02 Nov 2026 9999999999:00:00 GMT",
    "Mon, 02 Nov 2026 10:00:00 +99999999999999999999",
)


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"etag": '"abc"'}, '"abc"'),
        ({"etag": '""'}, '""'),
        ({"etag": 'W/"abc"'}, None),
        ({"etag": "abc"}, None),
        ({"etag": '"a b"'}, None),
        ({"etag": '"abc"', "last-modified": CHANGED}, '"abc"'),
        ({"last-modified": CHANGED}, None),
        ({"last-modified": CHANGED, "date": "Mon, 02 Nov 2026 10:01:00 GMT"}, CHANGED),
        ({"last-modified": CHANGED, "date": "Mon, 02 Nov 2026 10:00:59 GMT"}, None),
        ({"last-modified": "yesterday", "date": CHANGED}, None),
        ({"last-modified": CHANGED, "date": "Mon, 02 Nov 2026 10:01:00"}, None),
        *(({"last-modified": CHANGED, "date": never}, None) for never in NEVER),
        ({}, None),
    ],
)
def test_what_is_strong_enough_for_if_range(headers: dict[str, str], told: str | None) -> None:
    assert for_if_range(headers) == told


@pytest.mark.parametrize(
    ("told", "part"),
    [("bytes 5-9/10", (5, 10)), ("bytes 0-0/1", (0, 1)), ("bytes 5-9/*", (5, None))],
)
def test_a_part(told: str, part: tuple[int, int | None]) -> None:
    assert part_of({"content-range": told}) == part
    length = {"content-range": told, "content-length": "5" if part[0] else "1"}
    assert part_of(length) == part


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-range": ""},
        {"content-range": "bytes */10"},
        {"content-range": "bytes 9-5/10"},
        {"content-range": "bytes 5-10/10"},
        {"content-range": "bytes -5/10"},
        {"content-range": "items 5-9/10"},
        {"content-range": "bytes 5-9/10, bytes 1-2/10"},
        {"content-range": "bytes 5-9/10", "content-length": "6"},
        {"content-range": "bytes 5-9/10", "content-length": "many"},
        {"content-range": f"bytes 5-9/{'1' * 99}"},
    ],
)
def test_what_is_no_part(headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="part"):
        part_of(headers)


@pytest.mark.parametrize(
    ("coding", "path", "told"),
    [
        (None, "/i.tar.lz4", None),
        ("identity", "/i.tar.lz4", None),
        ("", "/i.tar.lz4", None),
        ("gzip", "/i.tar.lz4", "gzip"),
        ("GZIP", "/i.tar.zst", "gzip"),
        ("zstd", "/i.tar.lz4", "zstd"),
        ("br", "/i.tar.gz", "br"),
        # What many web servers say of a file that is stored like this.
        ("gzip", "/i.tar.gz", None),
        ("x-gzip", "/i.TGZ", None),
        ("zstd", "/i.tar.zst", None),
        ("gzip, gzip", "/i.tar.gz", "gzip, gzip"),
    ],
)
def test_a_coding_on_top(coding: str | None, path: str, told: str | None) -> None:
    headers = {} if coding is None else {"content-encoding": coding}
    assert recoded(headers, path=path) == told
