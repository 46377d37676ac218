"""The header of a member, one block of fields (tar(5) of libarchive: v7, ustar and GNU)."""

from functools import lru_cache
from zlib import adler32

from hammer.stream.sparse import BLOCK_BYTES

_POSIX_MAGIC = b"ustar\0"  # whatever the version says that follows it
_MAX_MTIME_NS = 1 << 63  # ktime_t of Linux ends there, in 2262
_MAX_ID = 0xFFFF_FFFE  # chown(2) reads the number after it as "leave it"
_OF_BLANKS = 8 * ord(" ")
_NO_NUMBER = "a field of the header holds no number"


def is_header(block: bytes) -> bool:
    """Whether the checksum is right: the sum of all bytes, its own field as eight blanks.

    Old writers summed signed characters; GNU tar accepts both.
    """
    if len(block) < BLOCK_BYTES:
        return False
    field = block[148:156]
    try:
        if has_sum(block, field):
            return True
        expected = number(field)
    except ValueError:
        return False
    rest = block[:148] + block[156:]
    total = sum(rest) + _OF_BLANKS
    return expected in (total, total - 256 * sum(byte >= 0x80 for byte in rest))


def has_sum(block: bytes, field: bytes) -> bool:
    """Whether a header has the sum that its `field` says, and nothing but ASCII.

    The low half of its Adler-32 is 1 + the sum of all bytes modulo 65521 (RFC 1950), which no sum
    of ASCII comes to, and ten times as fast as sum(): with two headers a member, that counts.
    Raises ValueError for a field without a number.
    """
    return adler32(block) & 0xFFFF == _adler_low(field) and block.isascii()


@lru_cache(maxsize=10_000)
def _adler_low(field: bytes) -> int:
    """The low half of the Adler-32 of a header with this field for its sum."""
    return number(field) - _OF_BLANKS + (adler32(field) & 0xFFFF)


def number(field: bytes) -> int:
    """A header's number: octal digits, or base 256 if its first bit is set. Raises ValueError."""
    if field[0] & 0x80:
        bits = 8 * len(field) - 1
        value = int.from_bytes(field, "big") & ((1 << bits) - 1)
        return value - (1 << bits) if field[0] & 0x40 else value
    digits = field.rstrip(b" \0")  # as all writers of today have it
    if not digits.isdigit():  # int() would take a sign and more
        digits = field.partition(b"\0")[0].strip()
        if not digits:
            return 0
        if not digits.isdigit():
            raise ValueError(_NO_NUMBER)
    try:
        return int(digits, 8)
    except ValueError:
        raise ValueError(_NO_NUMBER) from None


@lru_cache(maxsize=1000)
def access(fields: bytes) -> tuple[int, int, int]:
    """Mode, owner and group of a header, which most members have in common. Raises ValueError."""
    uid, gid = number(fields[8:16]), number(fields[16:])
    return number(fields[:8]) & 0o7777, id_in_range(uid), id_in_range(gid)


@lru_cache(maxsize=1000)
def time_ns(field: bytes) -> int:
    """Raises ValueError."""
    return time_in_range(number(field) * 10**9)


def name(block: bytes) -> bytes:
    """As it is written."""
    name = block[:100].partition(b"\0")[0]
    if block[345] and block[257:263] == _POSIX_MAGIC:
        # GNU's own magic has times where POSIX has the first half of the name.
        return block[345:500].partition(b"\0")[0] + b"/" + name
    return name


def id_in_range(number: int) -> int:
    """Raises ValueError."""
    if not 0 <= number <= _MAX_ID:
        raise ValueError("the owner of a member is out of range")
    return number


def time_in_range(time_ns: int) -> int:
    """Raises ValueError."""
    if not -_MAX_MTIME_NS < time_ns < _MAX_MTIME_NS:
        raise ValueError("the time of a member is out of range")
    return time_ns
