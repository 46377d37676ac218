"""Frames of lz4 by the library itself, into memory of ours: lz4frame.h, LZ4F_decompress().

The Python binding makes an object of every piece, and unpacks blocks that are larger than the
piece twice, half as fast. Where there is no such library (it is in the ramdisk, systemd needs
it) the binding does.
"""

import ctypes
from ctypes import POINTER, byref, c_char, c_char_p, c_size_t, c_uint, c_void_p
from functools import cache

from hammer.stream.formats.source import Room

# Of all versions since 1.8; the format, not the release.
_LZ4F_VERSION = 100
BUFFER_BYTES = 4 << 20
"""As the largest block: what fits is unpacked right to its place."""


@cache
def _library() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL("liblz4.so.1")
    except OSError:
        return None
    library.LZ4F_createDecompressionContext.argtypes = [POINTER(c_void_p), c_uint]
    library.LZ4F_createDecompressionContext.restype = c_size_t
    library.LZ4F_freeDecompressionContext.argtypes = [c_void_p]
    size = POINTER(c_size_t)
    library.LZ4F_decompress.argtypes = [c_void_p, c_void_p, size, c_void_p, size, c_void_p]
    library.LZ4F_decompress.restype = c_size_t
    library.LZ4F_isError.argtypes = [c_size_t]
    library.LZ4F_getErrorName.argtypes = [c_size_t]
    library.LZ4F_getErrorName.restype = c_char_p
    return library


def is_there() -> bool:
    return _library() is not None


class _Options(ctypes.Structure):
    """LZ4F_decompressOptions_t of 1.9.4; before that the second one was reserved, and ignored."""

    _fields_ = [(name, c_uint) for name in ("stable_dst", "skip_checksums", "zero", "zero_too")]


class FrameDecoder:
    """Of one frame. To be closed."""

    def __init__(self, room: Room | None = None, *, skip_checksums: bool = False) -> None:
        """Plain bytes go where `room` says, else into a buffer of its own.

        With `skip_checksums` those of the blocks and of the content are read and not compared.
        """
        library = _library()
        assert library is not None, "ask is_there() first"
        self._library = library
        self._context = c_void_p()
        own = bytearray() if room else bytearray(BUFFER_BYTES)
        self._room = room or (lambda: memoryview(own))
        self._options = _Options(skip_checksums=skip_checksums)
        self._check(library.LZ4F_createDecompressionContext(byref(self._context), _LZ4F_VERSION))
        self.eof = False
        """Whether the frame has come to its end, with the checksums that are compared right."""

    def close(self) -> None:
        self._library.LZ4F_freeDecompressionContext(self._context)

    def decode(self, data: bytes, at: int) -> tuple[memoryview, int]:
        """Some of the plain bytes, and up to where of `data` they go. Raises ValueError.

        The view is valid until the next call.
        """
        room = self._room()
        produced, consumed = c_size_t(len(room)), c_size_t(len(data) - at)
        source = ctypes.cast(c_char_p(data), c_void_p).value or 0
        target = ctypes.addressof(c_char.from_buffer(room))
        left = self._library.LZ4F_decompress(
            self._context,
            target,
            byref(produced),
            source + at,
            byref(consumed),
            byref(self._options),
        )
        self._check(left)
        self.eof = left == 0
        return room[: produced.value], at + consumed.value

    def _check(self, code: int) -> None:
        if self._library.LZ4F_isError(code):
            raise ValueError(self._library.LZ4F_getErrorName(code).decode())
