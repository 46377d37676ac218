"""XXH32, the checksum of lz4's frames, by the library of its authors: xxhash.h, XXH32_update().

liblz4 has a copy of it, which compilers make half as fast (measured with Debian's: 2.5 GB/s
beside 5.3), so that it takes as long as all the rest of unpacking a frame. Where this library is
missing (it is in the ramdisk) that copy does.
"""

import ctypes
from ctypes import POINTER, byref, c_char, c_int, c_size_t, c_uint32, c_void_p
from functools import cache


@cache
def _library() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL("libxxhash.so.0")
    except OSError:
        return None
    library.XXH32_createState.argtypes = []
    library.XXH32_createState.restype = c_void_p
    library.XXH32_freeState.argtypes = [c_void_p]
    library.XXH32_reset.argtypes = [c_void_p, c_uint32]
    library.XXH32_update.argtypes = [c_void_p, POINTER(c_char), c_size_t]
    library.XXH32_update.restype = c_int
    library.XXH32_digest.argtypes = [c_void_p]
    library.XXH32_digest.restype = c_uint32
    return library


def is_there() -> bool:
    return _library() is not None


class Xxh32:
    """Of bytes that come in pieces. To be closed."""

    def __init__(self) -> None:
        library = _library()
        assert library is not None, "ask is_there() first"
        self._library = library
        self._state = library.XXH32_createState()
        if not self._state:
            raise MemoryError
        library.XXH32_reset(self._state, 0)

    def close(self) -> None:
        self._library.XXH32_freeState(self._state)

    def update(self, data: memoryview) -> None:
        """`data` can be written to, which nobody does here: ctypes takes no other."""
        self._library.XXH32_update(self._state, byref(c_char.from_buffer(data)), len(data))

    def digest(self) -> bytes:
        """As it stands in a frame (lz4_Frame_format.md, "Content checksum"): little endian."""
        number: int = self._library.XXH32_digest(self._state)
        return number.to_bytes(4, "little")
