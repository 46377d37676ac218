"""lz4: frames as lz4_Frame_format.md 1.6.4 has them, and the legacy ones."""

from collections.abc import Iterator

import lz4.frame

from hammer.stream.formats import lz4_legacy
from hammer.stream.formats.framed import Framed, decoded
from hammer.stream.formats.source import Source

MAGIC = bytes.fromhex("04224d18")  # 184D2204, little endian on the wire
_CHECKSUM_FLAG = 1 << 2  # FLG byte: content checksum


def has_checksum(head: bytes) -> bool:
    """Whether the frame that begins so has a checksum of its content."""
    return head.startswith(MAGIC) and bool(head[4:5] and head[4] & _CHECKSUM_FLAG)


def _frame(source: Source, url: str) -> Iterator[bytes]:
    decoder = lz4.frame.LZ4FrameDecompressor()
    return decoded(decoder, source, url=url, within="an lz4 frame", fault=RuntimeError)


LZ4 = Framed(name="an lz4 frame", frames={MAGIC: _frame, lz4_legacy.MAGIC: lz4_legacy.frame})
