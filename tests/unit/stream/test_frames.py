"""lz4 frames are read to their end, all of them, and judged."""

import os
from collections.abc import Iterator

import lz4.frame
import pytest

from hammer.errors import HammerError, ImageCorrupt, ImageNotLz4, ImageTruncated
from hammer.stream import frames
from tests import images

URL = "http://images/img.tar.lz4"
TEXT = os.urandom(300_000) + bytes(3_000_000) + b"end"
SKIPPABLE = bytes.fromhex("532a4d18") + (5).to_bytes(4, "little") + b"12345"


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def plain(data: bytes, size: int = 70_000) -> bytes:
    return b"".join(frames.plain(pieces(data, size), url=URL))


@pytest.mark.parametrize("size", [1, 3, 7919, 1 << 20])
def test_the_size_of_the_pieces_does_not_matter(size: int) -> None:
    text = TEXT[-20_000:]
    assert plain(images.packed(text), size) == text


@pytest.mark.parametrize("block_size", [4, 5, 6, 7])
@pytest.mark.parametrize("linked", [True, False])
def test_every_block_size_is_read(block_size: int, linked: bool) -> None:
    packed = lz4.frame.compress(
        TEXT, block_size=block_size, block_linked=linked, block_checksum=True
    )
    assert plain(packed) == TEXT


def test_no_chunk_is_larger_than_the_limit() -> None:
    packed = images.packed(bytes(50 << 20))  # 255 times smaller
    chunks = frames.plain(iter([packed]), url=URL)
    assert max(map(len, chunks)) <= frames.PLAIN_CHUNK_BYTES


def test_frames_that_follow_each_other_are_all_decoded() -> None:
    one, two = images.packed(b"one" * 999), images.packed(b"two" * 999)
    assert plain(one + SKIPPABLE + two + SKIPPABLE, 11) == b"one" * 999 + b"two" * 999


def test_a_skippable_frame_may_come_first() -> None:
    assert plain(SKIPPABLE + images.packed(b"text")) == b"text"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", ImageNotLz4),
        (b"\x04\x22\x4d", ImageNotLz4),
        (b"\x1f\x8b\x08\x00 gzip", ImageNotLz4),
        (bytes.fromhex("02214c18") + b"the legacy frame", ImageNotLz4),
        (images.packed(TEXT) + b"\0" * 512, ImageCorrupt),
        (images.packed(TEXT) + b"x", ImageCorrupt),
        (images.packed(TEXT) + images.packed(TEXT)[:-9], ImageTruncated),
        (images.packed(TEXT)[:-1], ImageTruncated),
        (images.packed(TEXT)[:-4], ImageTruncated),
        (images.packed(TEXT)[:1000], ImageTruncated),
        (images.packed(TEXT)[:6], ImageTruncated),
        (images.flipped(images.packed(TEXT), at=-2), ImageCorrupt),
        (images.flipped(images.packed(TEXT), at=5), ImageCorrupt),
        (images.flipped(images.packed(TEXT), at=2000), ImageCorrupt),
    ],
)
def test_what_is_wrong_has_a_name(data: bytes, error: type[HammerError]) -> None:
    with pytest.raises(error):
        plain(data)


def test_what_is_no_frame_is_shown() -> None:
    with pytest.raises(ImageNotLz4, match="begins with 1f8b0800"):
        plain(b"\x1f\x8b\x08\x00")
