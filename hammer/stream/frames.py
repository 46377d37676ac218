"""What an image is packed with, told by its first bytes: packed bytes in, the tar archive out.

A decoder takes the chunks of the whole stream and yields those of the archive, each of
CHUNK_MAX_BYTES at most, in memory that does not depend on the image. It raises
ImageTruncated or ImageCorrupt, and never ends quietly before the last frame did.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from hammer.errors import ImageNotLz4
from hammer.stream.formats import framed, gzip_member, liblz4, lz4_frame, zstd_magic
from hammer.stream.formats.source import Room, Source
from hammer.stream.header import is_header
from hammer.stream.sparse import BLOCK_BYTES

CHUNK_MAX_BYTES = liblz4.BUFFER_BYTES
"""What a decoder yields at once, at most."""

HEAD_BYTES = BLOCK_BYTES
"""How many bytes tell the format: a tar archive has no magic, but a checksum in its header."""


class Plain(Protocol):
    def __call__(
        self, packed: Iterator[bytes], *, url: str, room: Room | None = None
    ) -> Iterator[framed.Chunk]: ...


@dataclass(frozen=True, kw_only=True)
class Format:
    """One of the formats that an image may have."""

    name: str
    """With an article, for messages."""
    begins: Callable[[bytes], bool]
    """Whether these first bytes, HEAD_BYTES if there are as many, are of this format."""
    has_checksum: Callable[[bytes], bool]
    """Whether what begins so has a checksum of its content."""
    decoder: Callable[[], Plain]
    """Get the decoder, which may have to be imported."""


class Recognized(NamedTuple):
    format: Format
    has_checksum: bool
    """Whether the first frame has a checksum of its content."""
    plain: Iterator[framed.Chunk]
    """The chunks of the archive; nothing is imported any more while they are decoded."""


def _zstd() -> Plain:
    from hammer.stream.formats import zstd_frame  # 17 ms and 2 MiB, for few images

    return zstd_frame.ZSTD.plain


def _archive(packed: Iterator[bytes], *, url: str, room: Room | None = None) -> Iterator[bytes]:
    """An archive that is not packed judges itself."""
    return packed


LZ4 = Format(
    name=lz4_frame.LZ4.name,
    begins=lz4_frame.LZ4.begins,
    has_checksum=lz4_frame.has_checksum,
    decoder=lambda: lz4_frame.LZ4.plain,
)
ZSTD = Format(
    name="a zstd frame",
    begins=zstd_magic.begins,
    has_checksum=zstd_magic.has_checksum,
    decoder=_zstd,
)
GZIP = Format(
    name=gzip_member.GZIP.name,
    begins=gzip_member.GZIP.begins,
    has_checksum=lambda _head: True,
    decoder=lambda: gzip_member.GZIP.plain,
)
TAR = Format(
    name="a tar archive",
    begins=lambda head: is_header(head[:BLOCK_BYTES]),
    has_checksum=lambda _head: False,
    decoder=lambda: _archive,
)
FORMATS = (LZ4, ZSTD, GZIP, TAR)


def begins(head: bytes) -> bool:
    """Whether these first bytes begin an image, or a skippable frame in front of one."""
    return framed.begins_skippable(head) or _format_of(head) is not None


def recognized(packed: Iterator[bytes], *, url: str, room: Room | None = None) -> Recognized:
    """Read the head of the stream and get what decodes it, into `room` where it can.

    To be called before a chroot, after which nothing can be imported. Raises ImageNotLz4,
    and ImageTruncated when the stream ends in a skippable frame.
    """
    source = Source(packed)
    while framed.begins_skippable(head := source.head(HEAD_BYTES)):
        framed.skip(source, url=url)
    format = _format_of(head)
    if format is None:
        raise ImageNotLz4(url=url, begins_with=head[:8])
    plain = format.decoder()(source.rest(), url=url, room=room)
    return Recognized(format, format.has_checksum(head), plain)


def plain(packed: Iterator[bytes], *, url: str) -> Iterator[framed.Chunk]:
    """The archive in the stream, whatever it is packed with. Raises as `recognized` does."""
    yield from recognized(packed, url=url).plain


def _format_of(head: bytes) -> Format | None:
    return next((format for format in FORMATS if format.begins(head)), None)
