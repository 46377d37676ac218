"""Images of every format are told by their first bytes, read to their end, and judged."""

import gzip
import os
import random
import struct
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import lz4.block
import lz4.frame
import pytest
from backports import zstd

from hammer.errors import HammerError, ImageCorrupt, ImageNotLz4, ImageTruncated
from hammer.stream import frames
from hammer.stream.formats import liblz4, xxh32
from hammer.stream.formats.source import Source
from tests import images

URL = "http://images/img.tar.lz4"
TEXT = random.Random(1).randbytes(300_000) + bytes(3_000_000) + b"end"
SKIPPABLE = bytes.fromhex("532a4d18") + (5).to_bytes(4, "little") + b"12345"


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def plain(data: bytes, size: int = 70_000) -> bytes:
    return b"".join(map(bytes, frames.plain(pieces(data, size), url=URL)))


class Watched(bytes):
    """Counts what is copied out of it."""

    copied = 0

    def __getitem__(self, key: Any) -> Any:
        part = super().__getitem__(key)
        Watched.copied += len(part) if isinstance(part, bytes) else 0
        return part


def test_a_look_ahead_copies_no_more_than_it_shows() -> None:
    """Of small frames there are thousands in one chunk, and before each one is a look."""
    source = Source(iter([Watched(1 << 20)]))
    source.take(8)
    before = Watched.copied
    assert source.head(4) == bytes(4)
    assert Watched.copied - before == 4


PACKERS = {name: pack for name, pack in images.PACKERS.items() if name != "tar"}
packers = pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)


@packers
@pytest.mark.parametrize("size", [1, 3, 7919, 1 << 20])
def test_the_size_of_the_pieces_does_not_matter(size: int, pack: Callable[[bytes], bytes]) -> None:
    text = TEXT[280_000:320_000]
    assert plain(pack(text), size) == text


@packers
def test_no_chunk_is_larger_than_the_limit(pack: Callable[[bytes], bytes]) -> None:
    chunks = list(frames.plain(iter([pack(bytes(50 << 20))]), url=URL))
    assert max(map(len, chunks)) <= frames.CHUNK_MAX_BYTES
    assert sum(map(len, chunks)) == 50 << 20


@packers
def test_frames_that_follow_each_other_are_all_decoded(pack: Callable[[bytes], bytes]) -> None:
    between = b"" if pack is PACKERS["gzip"] else SKIPPABLE
    one, two = pack(b"one" * 999), pack(b"two" * 999)
    assert plain(between + one + between + two + between, 11) == b"one" * 999 + b"two" * 999


@packers
def test_empty_frames_are_frames(pack: Callable[[bytes], bytes]) -> None:
    """Thousands of them take no longer than their length."""
    assert plain(pack(b"") * 20_000 + pack(TEXT), 1 << 20) == TEXT


@packers
def test_frames_of_two_formats_are_not_one_image(pack: Callable[[bytes], bytes]) -> None:
    other = images.zstd_frame(TEXT) if pack is not images.zstd_frame else images.packed(TEXT)
    with pytest.raises(ImageCorrupt, match=r"what follows a.* is not another one"):
        plain(pack(TEXT) + other)


@packers
def test_a_cut_is_seen_wherever_it_is(pack: Callable[[bytes], bytes]) -> None:
    packed = pack(TEXT[298_000:305_000])
    # From behind the magic on; the legacy frame has no end mark, and may end there.
    for end in range(5, len(packed)):
        with pytest.raises(ImageTruncated):
            plain(packed[:end])


@packers
def test_padding_is_no_frame(pack: Callable[[bytes], bytes]) -> None:
    with pytest.raises(ImageCorrupt):
        plain(pack(TEXT) + bytes(512))


# --- lz4 ------------------------------------------------------------------------------------


@pytest.fixture(params=["libraries", "without xxhash", "binding"])
def lz4_by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the libraries, which must be here, and as where they are not."""
    if request.param == "binding":
        monkeypatch.setattr(liblz4, "_library", lambda: None)
    elif request.param == "without xxhash":
        monkeypatch.setattr(xxh32, "_library", lambda: None)
    else:
        assert liblz4.is_there()
        assert xxh32.is_there()


@pytest.mark.usefixtures("lz4_by")
@pytest.mark.parametrize("place", ["cut", "content", "checksum", "behind"])
def test_a_damaged_frame_is_refused(place: str) -> None:
    packed = lz4.frame.compress(TEXT, content_checksum=True, block_checksum=False)
    assert plain(packed) == TEXT
    if place == "cut":
        with pytest.raises(ImageTruncated):
            plain(packed[:-1])
        return
    at = {"content": len(packed) // 2, "checksum": len(packed) - 1, "behind": len(packed)}[place]
    damaged = bytearray(packed + b"?")
    damaged[at] ^= 1
    with pytest.raises(ImageCorrupt):
        plain(bytes(damaged[: max(at + 1, len(packed))]))


@pytest.mark.usefixtures("lz4_by")
@pytest.mark.parametrize("size", [1, 2, 3, 5, 1 << 20])
def test_the_checksum_of_the_content_is_compared_however_it_comes(size: int) -> None:
    packed = lz4.frame.compress(b"word", content_checksum=True, block_checksum=False)
    assert plain(packed + packed, size) == b"wordword"
    for at in range(1, 5):
        damaged = bytearray(packed)
        damaged[-at] ^= 1
        with pytest.raises(ImageCorrupt):
            plain(bytes(damaged), size)
        with pytest.raises(ImageCorrupt):
            plain(packed + damaged, size)


@pytest.mark.usefixtures("lz4_by")
@pytest.mark.parametrize("content_checksum", [True, False])
def test_the_checksums_of_blocks_are_compared(content_checksum: bool) -> None:
    packed = lz4.frame.compress(
        TEXT, content_checksum=content_checksum, block_checksum=True, store_size=False
    )
    damaged = bytearray(packed)
    first_block = 7 + 4
    end = first_block + int.from_bytes(packed[7:11], "little") % (1 << 31)
    damaged[end] ^= 1  # the first byte of its checksum
    with pytest.raises(ImageCorrupt):
        plain(bytes(damaged))
    assert plain(packed) == TEXT


@pytest.mark.parametrize("block_size", [4, 5, 6, 7])
@pytest.mark.parametrize("linked", [True, False])
@pytest.mark.parametrize("room_bytes", [100_000, 1 << 20, 5 << 20])
def test_frames_are_decoded_to_where_there_is_room(
    room_bytes: int, linked: bool, block_size: int
) -> None:
    """Whatever becomes of it once its bytes were taken: linked blocks refer to those before."""
    memory = bytearray(room_bytes)
    packed = lz4.frame.compress(TEXT, block_size=block_size, block_linked=linked)
    found = frames.recognized(pieces(packed, 70_000), url=URL, room=lambda: memoryview(memory))
    text = bytearray()
    for chunk in found.plain:
        assert isinstance(chunk, memoryview)
        assert chunk.obj is memory
        text += chunk
        memory[:] = bytes(room_bytes)
    assert text == TEXT


@pytest.mark.usefixtures("lz4_by")
@pytest.mark.parametrize("block_size", [4, 5, 6, 7])
@pytest.mark.parametrize("linked", [True, False])
def test_every_block_size_is_read(block_size: int, linked: bool) -> None:
    packed = lz4.frame.compress(
        TEXT, block_size=block_size, block_linked=linked, block_checksum=True
    )
    assert plain(packed) == TEXT


@pytest.mark.parametrize("store_size", [True, False])
@pytest.mark.parametrize("content_checksum", [True, False])
def test_size_and_checksum_may_be_missing(store_size: bool, content_checksum: bool) -> None:
    packed = lz4.frame.compress(TEXT, store_size=store_size, content_checksum=content_checksum)
    assert plain(packed) == TEXT


def with_size(size: int) -> bytes:
    """A frame of TEXT with this content size, and the right checksum of its header."""
    packed = bytearray(lz4.frame.compress(TEXT, store_size=True))
    packed[6:14] = size.to_bytes(8, "little")
    return bytes(packed[:14]) + bytes([header_checksum(bytes(packed[4:14]))]) + bytes(packed[15:])


def header_checksum(descriptor: bytes) -> int:
    """The one that the decoder takes, of 256: xxHash is in no module here."""
    for value in range(256):
        try:
            lz4.frame.get_frame_info(bytes.fromhex("04224d18") + descriptor + bytes([value]))
        except RuntimeError:
            continue
        return value
    raise AssertionError(descriptor.hex())


@pytest.mark.usefixtures("lz4_by")
@pytest.mark.parametrize("size", [1, len(TEXT) - 1, len(TEXT) + 1, 1 << 62])
def test_a_wrong_content_size_is_seen(size: int) -> None:
    assert plain(with_size(len(TEXT))) == TEXT
    with pytest.raises(ImageCorrupt, match="an lz4 frame"):
        plain(with_size(size))


def test_a_legacy_frame_of_several_blocks() -> None:
    text = (
        random.Random(2).randbytes(images.LEGACY_BLOCK_BYTES)
        + bytes(images.LEGACY_BLOCK_BYTES)
        + TEXT
    )
    assert plain(images.legacy(text)) == text
    # Of two frames, the second is told from a block by its magic.
    assert plain(images.legacy(text) + images.legacy(text)) == text + text


def test_a_legacy_frame_ends_with_its_short_block() -> None:
    packed = images.legacy(TEXT)
    with pytest.raises(ImageCorrupt, match="a block before the last one is short"):
        plain(packed + packed[4:])


@pytest.mark.parametrize(
    "block", [b"", b"\xff" * 30, lz4.block.compress(bytes((8 << 20) + 1), store_size=False)]
)
def test_a_legacy_block_that_is_damaged(block: bytes) -> None:
    packed = bytes.fromhex("02214c18") + struct.pack("<I", len(block)) + block
    with pytest.raises(ImageCorrupt, match="a legacy lz4 frame"):
        plain(packed)


# --- zstd -----------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [-5, 1, 19, 22])
def test_every_level_of_zstd_is_read(level: int) -> None:
    assert plain(zstd.compress(TEXT, level)) == TEXT


def zstd_with_window(log: int) -> bytes:
    compressor = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: log})
    return compressor.compress(TEXT) + compressor.flush()


def test_a_large_window_is_read() -> None:
    assert plain(zstd_with_window(27)) == TEXT


@pytest.mark.parametrize("log", [28, 31])
def test_a_window_that_would_take_the_machines_memory_is_refused_by_name(log: int) -> None:
    needs = 1 << (log - 20)
    with pytest.raises(ImageCorrupt, match=f"a window of {needs} MiB, and the limit is 128 MiB"):
        plain(zstd_with_window(log))


def test_a_single_segment_is_a_window() -> None:
    # Frame_Header of RFC 8878: a single segment whose size takes eight bytes.
    header = bytes.fromhex("28b52ffd") + b"\xe0" + (5 << 30).to_bytes(8, "little")
    with pytest.raises(ImageCorrupt, match="a window of 5120 MiB"):
        plain(header + bytes(100))
    with pytest.raises(ImageCorrupt, match="a window of 2048 MiB"):
        plain(bytes.fromhex("28b52ffd") + b"\xa0" + (2 << 30).to_bytes(4, "little") + bytes(100))


def test_a_wrong_content_size_of_zstd_is_seen() -> None:
    packed = bytearray(zstd.compress(TEXT))
    assert zstd.get_frame_info(bytes(packed[:18])).decompressed_size == len(TEXT)
    at = packed.index(len(TEXT).to_bytes(4, "little"))
    packed[at] ^= 1
    with pytest.raises(ImageCorrupt, match="a zstd frame"):
        plain(bytes(packed))


def test_a_frame_that_needs_a_dictionary_is_refused() -> None:
    dictionary = zstd.train_dict([b"word%d" % n * 9 for n in range(999)], 4096)
    with pytest.raises(ImageCorrupt, match=r"[Dd]ictionary"):
        plain(zstd.compress(TEXT, zstd_dict=dictionary))


@pytest.mark.programs
def test_zstd_is_imported_for_zstd_alone() -> None:
    program = (
        "import sys; from hammer.stream import frames\n"
        "assert not [name for name in sys.modules if 'zstd' in name and 'magic' not in name]\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


# --- gzip -----------------------------------------------------------------------------------


def gzip_member(text: bytes, flags: int, extra: bytes) -> bytes:
    """RFC 1952, 2.3."""
    deflate = zlib.compressobj(wbits=-15)
    header = b"\x1f\x8b\x08" + bytes([flags]) + bytes(6) + extra
    if flags & 2:
        header += (zlib.crc32(header) & 0xFFFF).to_bytes(2, "little")
    body = deflate.compress(text) + deflate.flush()
    return header + body + struct.pack("<II", zlib.crc32(text), len(text))


@pytest.mark.parametrize(
    ("flags", "extra"),
    [
        (0, b""),
        (1, b""),
        (2, b""),
        (4, b"\x03\0abc"),
        (8, b"name\0"),
        (16, b"comment\0"),
        (31, b"\x03\0abcname\0comment\0"),
    ],
)
def test_every_header_of_gzip_is_read(flags: int, extra: bytes) -> None:
    assert plain(gzip_member(TEXT, flags, extra), 13) == TEXT


@pytest.mark.parametrize("at", [-8, -5, -4, -1])
def test_checksum_and_length_of_gzip_are_compared(at: int) -> None:
    with pytest.raises(ImageCorrupt, match=r"a gzip member: .*incorrect"):
        plain(images.flipped(gzip.compress(TEXT, mtime=0), at=at))


# --- tar ------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_an_archive_that_is_not_packed(format: int) -> None:
    archive = images.tar_of({"etc/hostname": b"m1\n", "noise": TEXT[-9999:]}, format=format)
    assert plain(archive) == archive
    assert plain(archive, 1) == archive


# --- what is none ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", ImageNotLz4),
        (b"\x04\x22\x4d", ImageNotLz4),
        (b"\x1f\x8b\x07\x00 not deflate", ImageNotLz4),
        (b"BZh91AY&SY bzip2", ImageNotLz4),
        (b"\xfd7zXZ\0 xz", ImageNotLz4),
        (bytes(10_240), ImageNotLz4),
        (images.tar_of({"f": b""})[:511], ImageNotLz4),
        (images.flipped(images.tar_of({"f": b""}), at=9), ImageNotLz4),
        (SKIPPABLE, ImageNotLz4),
        (SKIPPABLE + b"\x1f\x8b", ImageNotLz4),
        (SKIPPABLE[:-1], ImageTruncated),
        (SKIPPABLE[:6], ImageTruncated),
        (images.packed(TEXT) + SKIPPABLE[:-1], ImageTruncated),
        (images.packed(TEXT) + b"x", ImageCorrupt),
        (images.packed(TEXT) + images.packed(TEXT)[:-9], ImageTruncated),
        (images.packed(TEXT)[:-1], ImageTruncated),
        (images.packed(TEXT)[:-4], ImageTruncated),
        (images.packed(TEXT)[:1000], ImageTruncated),
        (images.packed(TEXT)[:6], ImageTruncated),
        (images.flipped(images.packed(TEXT), at=-2), ImageCorrupt),
        (images.flipped(images.packed(TEXT), at=5), ImageCorrupt),
        (images.flipped(images.packed(TEXT), at=2000), ImageCorrupt),
        (images.flipped(images.zstd_frame(TEXT), at=-2), ImageCorrupt),
        (images.flipped(images.zstd_frame(TEXT), at=2000), ImageCorrupt),
        (images.flipped(gzip.compress(TEXT, mtime=0), at=2000), ImageCorrupt),
    ],
)
def test_what_is_wrong_has_a_name(data: bytes, error: type[HammerError]) -> None:
    with pytest.raises(error):
        plain(data)


def test_what_is_no_frame_is_shown() -> None:
    with pytest.raises(ImageNotLz4, match="begins with 504b0304"):
        plain(b"PK\x03\x04")


@pytest.mark.parametrize(
    ("head", "format", "has_checksum"),
    [
        (images.packed(b"x"), frames.LZ4, True),
        (images.packed(b"x", content_checksum=False), frames.LZ4, False),
        (SKIPPABLE + images.packed(b"x"), frames.LZ4, True),
        (images.legacy(b"x"), frames.LZ4, False),
        (images.zstd_frame(b"x"), frames.ZSTD, True),
        (zstd.compress(b"x"), frames.ZSTD, False),
        (gzip.compress(b"x", mtime=0), frames.GZIP, True),
        (images.tar_of({"f": b""}), frames.TAR, False),
    ],
)
def test_format_and_checksum_are_told(
    head: bytes, format: frames.Format, has_checksum: bool
) -> None:
    found = frames.recognized(iter([head]), url=URL)
    assert (found.format, found.has_checksum) == (format, has_checksum)
    assert frames.begins(head)


def test_noise_is_no_image() -> None:
    for _ in range(1000):
        assert not frames.begins(b"?" + os.urandom(600))
