"""lz4 frames: packed bytes in, plain bytes out, every frame checked to its end."""

from collections.abc import Iterator

import lz4.frame

from hammer.errors import ImageCorrupt, ImageNotLz4, ImageTruncated

# lz4_Frame_format.md 1.6.1: the magic numbers, little endian on the wire.
MAGIC = bytes.fromhex("04224d18")
MAGIC_BYTES = 4
# Skippable frames carry data of other programs; sixteen numbers, 184D2A50 to 184D2A5F.
SKIPPABLE_ENDS = bytes.fromhex("2a4d18")

# What one call returns at most: a bound for memory, whatever the frame unpacks to.
PLAIN_CHUNK_BYTES = 1 << 20


def begins_frame(head: bytes) -> bool:
    """Whether these first bytes (four or more) begin an lz4 frame or a skippable one."""
    return head[:4] == MAGIC or (head[1:4] == SKIPPABLE_ENDS and head[0] & 0xF0 == 0x50)


def plain(packed: Iterator[bytes], *, url: str) -> Iterator[bytes]:
    """Decode all frames of the stream, one after the other.

    Frames may follow each other (lz4_Frame_format.md: concatenation is legal).
    Raises ImageNotLz4, ImageTruncated or ImageCorrupt; never ends quietly
    before the last frame did.
    """
    head = _filled(b"", packed)
    if not begins_frame(head):
        raise ImageNotLz4(url=url, begins_with=head[:8])
    while head:
        if len(head) < MAGIC_BYTES or not begins_frame(head):
            raise ImageCorrupt(url=url, reason="what follows the lz4 frame is not another frame")
        decoder = lz4.frame.LZ4FrameDecompressor()
        yield from _one_frame(decoder, head, packed=packed, url=url)
        head = _filled(decoder.unused_data or b"", packed)


def _one_frame(
    decoder: lz4.frame.LZ4FrameDecompressor, head: bytes, *, packed: Iterator[bytes], url: str
) -> Iterator[bytes]:
    data = head
    while True:
        try:
            chunk = decoder.decompress(data, PLAIN_CHUNK_BYTES)
        except RuntimeError as error:  # all that the binding knows; its text names lz4's code
            raise ImageCorrupt(url=url, reason=f"lz4: {error}") from None
        if chunk:
            yield chunk
        if decoder.eof:
            return
        data = next(packed, b"") if decoder.needs_input else b""
        if not data and decoder.needs_input:
            raise ImageTruncated(url=url)


def _filled(head: bytes, packed: Iterator[bytes]) -> bytes:
    """`head` with as much behind it as tells whether a frame begins."""
    while len(head) < MAGIC_BYTES and (more := next(packed, b"")):
        head += more
    return head
