"""lz4: frames as lz4_Frame_format.md 1.6.4 has them, and the legacy ones."""

from collections.abc import Iterator
from contextlib import closing

import lz4.frame

from hammer.errors import ImageCorrupt, ImageTruncated
from hammer.stream.formats import liblz4, lz4_legacy
from hammer.stream.formats.framed import Chunk, Framed, decoded, pieces
from hammer.stream.formats.source import Source

MAGIC = bytes.fromhex("04224d18")  # 184D2204, little endian on the wire
_NAME = "an lz4 frame"
_CHECKSUM_FLAG = 1 << 2  # FLG byte: content checksum


def has_checksum(head: bytes) -> bool:
    """Whether the frame that begins so has a checksum of its content."""
    return head.startswith(MAGIC) and bool(head[4:5] and head[4] & _CHECKSUM_FLAG)


def _frame(source: Source, url: str) -> Iterator[Chunk]:
    return _by_library(source, url) if liblz4.is_there() else by_binding(source, url)


def _by_library(source: Source, url: str) -> Iterator[memoryview]:
    with closing(liblz4.FrameDecoder(source.room)) as decoder:
        for data in pieces(source):
            at = 0
            while at < len(data) and not decoder.eof:
                try:
                    chunk, at = decoder.decode(data, at)
                except ValueError as error:
                    raise ImageCorrupt(url=url, reason=f"{_NAME}: {error}") from None
                if chunk:
                    yield chunk
            if decoder.eof:
                source.give_back(data[at:])
                return
    raise ImageTruncated(url=url, within=_NAME)


def by_binding(source: Source, url: str) -> Iterator[bytes]:
    """The same where the library is missing."""
    decoder = lz4.frame.LZ4FrameDecompressor()
    return decoded(decoder, source, url=url, within=_NAME, fault=RuntimeError)


LZ4 = Framed(name=_NAME, frames={MAGIC: _frame, lz4_legacy.MAGIC: lz4_legacy.frame})
