"""gzip: members as RFC 1952 has them, which may follow each other."""

import zlib
from collections.abc import Iterator

from hammer.stream.formats.framed import Framed, decoded
from hammer.stream.formats.source import Source

# ID1, ID2 and CM: deflate is the only method that there is.
MAGIC = bytes.fromhex("1f8b08")
_NAME = "a gzip member"
_WITH_HEADER = 16  # added to wbits: header, CRC-32 and length are zlib's affair


class _Decoder:
    """zlib's decoder, with the manners of the others."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(zlib.MAX_WBITS | _WITH_HEADER)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        plain = self._zlib.decompress(data or self._zlib.unconsumed_tail, max_length)
        # zlib may hold back plain bytes when there was no room, also without any
        # packed ones left; with empty input it hands them out.
        self.needs_input = len(plain) < max_length and not self._zlib.unconsumed_tail
        return plain


def _member(source: Source, url: str) -> Iterator[bytes]:
    return decoded(_Decoder(), source, url=url, within=_NAME, fault=zlib.error)


GZIP = Framed(name=_NAME, frames={MAGIC: _member})
