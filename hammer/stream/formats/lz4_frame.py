"""lz4: frames as lz4_Frame_format.md 1.6.4 has them, and the legacy ones."""

from collections.abc import Iterator
from contextlib import ExitStack, closing

import lz4.frame

from hammer.errors import ImageCorrupt, ImageTruncated
from hammer.stream.formats import liblz4, lz4_legacy, xxh32
from hammer.stream.formats.framed import Chunk, Framed, decoded, pieces
from hammer.stream.formats.source import Source

MAGIC = bytes.fromhex("04224d18")  # 184D2204, little endian on the wire
_NAME = "an lz4 frame"
# The FLG byte, which follows the magic: lz4_Frame_format.md, "Frame Descriptor".
_CONTENT_CHECKSUM = 1 << 2
_BLOCK_CHECKSUMS = 1 << 4
_CHECKSUM_BYTES = 4


def has_checksum(head: bytes) -> bool:
    """Whether the frame that begins so has a checksum of its content."""
    return head.startswith(MAGIC) and bool(head[4:5] and head[4] & _CONTENT_CHECKSUM)


def _frame(source: Source, url: str) -> Iterator[Chunk]:
    return _by_library(source, url) if liblz4.is_there() else by_binding(source, url)


def _by_library(source: Source, url: str) -> Iterator[memoryview]:
    with ExitStack() as held:
        checksum = _own_checksum(source.head(len(MAGIC) + 1))
        if checksum:
            held.enter_context(closing(checksum))
        decoder = liblz4.FrameDecoder(source.room, skip_checksums=checksum is not None)
        held.enter_context(closing(decoder))
        last = b""  # of what was read of the frame
        for data in pieces(source):
            at = 0
            while at < len(data) and not decoder.eof:
                try:
                    chunk, at = decoder.decode(data, at)
                except ValueError as error:
                    raise ImageCorrupt(url=url, reason=f"{_NAME}: {error}") from None
                if chunk:
                    if checksum:
                        checksum.update(chunk)
                    yield chunk
            last = (last + data[max(at - _CHECKSUM_BYTES, 0) : at])[-_CHECKSUM_BYTES:]
            if decoder.eof:
                if checksum and checksum.digest() != last:
                    raise ImageCorrupt(url=url, reason=f"{_NAME}: its content checksum is wrong")
                source.give_back(data[at:])
                return
    raise ImageTruncated(url=url, within=_NAME)


def _own_checksum(head: bytes) -> xxh32.Xxh32 | None:
    """For the content of the frame that begins so, if that is all that has to be compared here."""
    if not has_checksum(head) or head[4] & _BLOCK_CHECKSUMS or not xxh32.is_there():
        return None
    return xxh32.Xxh32()


def by_binding(source: Source, url: str) -> Iterator[bytes]:
    """The same where the library is missing."""
    decoder = lz4.frame.LZ4FrameDecompressor()
    return decoded(decoder, source, url=url, within=_NAME, fault=RuntimeError)


LZ4 = Framed(name=_NAME, frames={MAGIC: _frame, lz4_legacy.MAGIC: lz4_legacy.frame})
