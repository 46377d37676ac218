"""zstd: frames as RFC 8878 has them. Importing this costs time and memory; few images need it."""

import sys
from collections.abc import Iterator

from hammer.errors import ImageCorrupt
from hammer.stream.formats.framed import Framed, decoded
from hammer.stream.formats.source import Source
from hammer.stream.formats.zstd_magic import MAGIC

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_NAME = "a zstd frame"

# The decoder keeps that much of what it wrote. As much as the program zstd takes without
# --long=28 and above, and all that --ultra -22 writes (zstd(1)).
_WINDOW_LOG_MAX = 27
WINDOW_MAX_BYTES = 1 << _WINDOW_LOG_MAX

# Frame_Header: magic, descriptor, at most 13 more bytes.
_HEADER_BYTES = 18


def _frame(source: Source, url: str) -> Iterator[bytes]:
    window_bytes = _window_bytes(source.head(_HEADER_BYTES))
    if window_bytes > WINDOW_MAX_BYTES:
        needs, limit = -(-window_bytes >> 20), WINDOW_MAX_BYTES >> 20
        reason = f"{_NAME}: it needs a window of {needs} MiB, and the limit is {limit} MiB"
        raise ImageCorrupt(url=url, reason=reason)
    decoder = zstd.ZstdDecompressor(
        options={zstd.DecompressionParameter.window_log_max: _WINDOW_LOG_MAX}
    )
    return decoded(decoder, source, url=url, within=_NAME, fault=zstd.ZstdError)


def _window_bytes(header: bytes) -> int:
    """What the frame asks to be kept (RFC 8878, 3.1.1.1); 0 of a header that was cut."""
    if len(header) < 6:
        return 0
    descriptor = header[4]
    if not descriptor & 0x20:
        exponent, mantissa = header[5] >> 3, header[5] & 7
        return (8 + mantissa) << (7 + exponent)
    # A single segment: all of its content, whose size comes after the number of a dictionary.
    at = 5 + (0, 1, 2, 4)[descriptor & 3]
    size = header[at : at + (1, 2, 4, 8)[descriptor >> 6]]
    return int.from_bytes(size, "little") + (256 if len(size) == 2 else 0)


ZSTD = Framed(name=_NAME, frames={MAGIC: _frame})
