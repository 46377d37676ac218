"""What formats of compressed frames have in common: one frame after the other, to its end."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from hammer.errors import ImageCorrupt, ImageTruncated
from hammer.stream.formats.source import Room, Source

MAGIC_BYTES = 4

# What one call of a decoder returns at most: a bound for memory, whatever the frame unpacks to.
PLAIN_CHUNK_BYTES = 1 << 20

# A decoder gets little at first: what is behind the end of its frame is copied back, and of
# short frames there may be thousands in one chunk.
_FIRST_BYTES = 512
_MOST_BYTES = 1 << 20

# Frames with data of other programs, which lz4 and zstd have in common (lz4_Frame_format.md and
# RFC 8878, 3.1.2): sixteen numbers, 184D2A50 to 184D2A5F, and the length in four bytes.
_SKIPPABLE_ENDS = bytes.fromhex("2a4d18")


class Decoder(Protocol):
    """A decoder of one frame, as the modules of the standard library have them (bz2, zstd)."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes | None: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


Chunk = bytes | memoryview
"""Some of what was packed; a view is valid until the next one is asked for."""

Frame = Callable[[Source, str], Iterator[Chunk]]
"""Decode the frame that begins here, for messages about this URL; what follows it stays."""


@dataclass(frozen=True, kw_only=True)
class Framed:
    """A format whose frames may follow each other."""

    name: str
    """With an article, for messages."""
    frames: Mapping[bytes, Frame]
    """By the magic with which a frame begins."""

    def begins(self, head: bytes) -> bool:
        """Whether these first bytes begin a frame."""
        return any(head.startswith(magic) for magic in self.frames)

    def plain(
        self, packed: Iterator[bytes], *, url: str, room: Room | None = None
    ) -> Iterator[Chunk]:
        """Decode all frames of the stream, and pass over the skippable ones.

        A chunk may have been put where `room` said, and be a view of that.

        Raises ImageTruncated or ImageCorrupt; never ends quietly before a frame did.
        """
        source = Source(packed, room=room)
        while head := source.head(MAGIC_BYTES):
            if begins_skippable(head):
                skip(source, url=url)
                continue
            frame = next((f for magic, f in self.frames.items() if head.startswith(magic)), None)
            if frame is None:
                reason = f"what follows {self.name} is not another one"
                raise ImageCorrupt(url=url, reason=reason)
            yield from frame(source, url)


def begins_skippable(head: bytes) -> bool:
    """Whether these first bytes begin a skippable frame."""
    return head[1:4] == _SKIPPABLE_ENDS and head[0] & 0xF0 == 0x50


def skip(source: Source, *, url: str) -> None:
    """Pass over the skippable frame that begins here. Raises ImageTruncated."""
    header = source.exactly(8)
    size_bytes = int.from_bytes(header[4:], "little")
    if len(header) < 8 or source.skip(size_bytes) < size_bytes:
        raise ImageTruncated(url=url, within="a skippable frame")


def pieces(source: Source) -> Iterator[bytes]:
    """What is packed, for the decoder of one frame: little at first."""
    limit_bytes = _FIRST_BYTES
    while data := source.take(limit_bytes):
        yield data
        limit_bytes = min(2 * limit_bytes, _MOST_BYTES)


def decoded(
    decoder: Decoder, source: Source, *, url: str, within: str, fault: type[Exception]
) -> Iterator[bytes]:
    """The frame that begins here, by a decoder that raises `fault` when it is damaged."""
    packed = pieces(source)
    while not decoder.eof:
        data = b""
        if decoder.needs_input:
            data = next(packed, b"")
            if not data:
                raise ImageTruncated(url=url, within=within)
        try:
            chunk = decoder.decompress(data, PLAIN_CHUNK_BYTES)
        except fault as error:  # a text is all that the bindings give
            raise ImageCorrupt(url=url, reason=f"{within}: {error}") from None
        if chunk:
            yield chunk
    source.give_back(decoder.unused_data or b"")
