"""The legacy frame of lz4 (lz4_Frame_format.md, "Legacy frame"): blocks, and no end mark.

It ends with the stream or where another frame begins. A cut between two blocks is
therefore seen by the tar archive inside and by the digest, and not here.
"""

from collections.abc import Iterator

import lz4.block

from hammer.errors import ImageCorrupt, ImageTruncated
from hammer.stream.formats.framed import PLAIN_CHUNK_BYTES
from hammer.stream.formats.source import Source

MAGIC = bytes.fromhex("02214c18")
_NAME = "a legacy lz4 frame"

# All blocks but the last one unpack to this.
_BLOCK_BYTES = 8 << 20
# LZ4_compressBound() of lz4.h: what cannot be packed grows by so much.
_PACKED_MAX_BYTES = _BLOCK_BYTES + _BLOCK_BYTES // 255 + 16


def frame(source: Source, url: str) -> Iterator[bytes]:
    source.skip(len(MAGIC))
    full = True
    while field := source.head(4):
        packed_bytes = int.from_bytes(field, "little")
        if len(field) < 4:
            raise ImageTruncated(url=url, within=_NAME)
        if packed_bytes > _PACKED_MAX_BYTES:
            return  # the magic of another frame, all of which are larger numbers
        if not full:
            raise ImageCorrupt(url=url, reason=f"{_NAME}: a block before the last one is short")
        source.skip(4)
        packed = source.exactly(packed_bytes)
        if len(packed) < packed_bytes:
            raise ImageTruncated(url=url, within=_NAME)
        try:
            block = lz4.block.decompress(packed, uncompressed_size=_BLOCK_BYTES)
        except lz4.block.LZ4BlockError as error:
            raise ImageCorrupt(url=url, reason=f"{_NAME}: {error}") from None
        full = len(block) == _BLOCK_BYTES
        for at in range(0, len(block), PLAIN_CHUNK_BYTES):
            yield block[at : at + PLAIN_CHUNK_BYTES]
