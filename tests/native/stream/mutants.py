"""Archives and frames with seeded damage, much of it behind checksums that are right again."""

import random
from collections.abc import Callable

BLOCK_BYTES = 512

# Offset and length of each field of a header (tar(5)).
_FIELDS = (
    *((0, 100), (100, 8), (108, 8), (116, 8), (124, 12), (136, 12), (156, 1), (157, 100)),
    *((257, 8), (265, 32), (297, 32), (329, 8), (337, 8), (345, 155)),
    # GNU's old sparse headers: a map, "more of it follows", and the real size.
    *((386, 96), (482, 1), (483, 12)),
)
_FLAGS = b"01234567DKLMNSVXgx\0A"
_NUMBERS = (
    *(b"0", b"1", b"777", b"7777777", b"77777777777", b"-1", b"9", b" ", b"\xff", b"\x80"),
    *(b"\x80" + bytes(7), b"\xff" * 12, b"\x80" + b"\xff" * 11, b"00000001000"),
)
_NAMES = (
    *(b"a", b"d/f", b"l", b"l/x", b"..", b"../x", b"/", b"/etc/x", b".", b"", b"d/../x", b"d/"),
    *(b"a" * 100, b"x/" * 49 + b"y", b"\xff\xfe", b"h", b"etc/passwd", b"l/../../outside/secret"),
)
_RECORDS = (
    *(b"size=1", b"size=99999999999999999999", b"mtime=-1.5", b"mtime=999999999999.9", b"uid=-1"),
    *(b"uid=4294967295", b"path=..", b"path=", b"path=l/x", b"linkpath=d/f", b"path=a\0b"),
    *(b"GNU.sparse.major=1", b"GNU.sparse.map=0,1,9,9", b"GNU.sparse.map=9,9,0,1,", b"=", b""),
    *(b"GNU.sparse.size=-1", b"GNU.sparse.realsize=1", b"SCHILY.acl.access=user:x:rwx"),
    *(
        b"SCHILY.xattr.security.capability=x",
        b"SCHILY.xattr.=",
        b"SCHILY.xattr.user.a=" + b"x" * 99,
    ),
    *(b"SCHILY.acl.default=u::rwx", b"LIBARCHIVE.xattr.a=!!", b"SCHILY.devmajor=9", b"size=0x1"),
)


def mutated_tar(archive: bytes, chance: random.Random) -> bytes:
    """Some blocks otherwise; of headers mostly with the checksum that fits."""
    data = bytearray(archive)
    for _ in range(chance.randint(1, 4)):
        chance.choices(_TAR_DAMAGE, weights=(6, 3, 2, 1, 1, 1, 1))[0](data, chance)
        if not data:
            return b""
    return bytes(data)


def mutated(packed: bytes, chance: random.Random) -> bytes:
    """Some bytes otherwise, most of the damage near the beginning, where headers are."""
    data = bytearray(packed)
    for _ in range(chance.randint(1, 6)):
        chance.choice(_FRAME_DAMAGE)(data, chance)
        if not data:
            return b""
    return bytes(data)


def _headers(data: bytearray) -> list[int]:
    """Where blocks begin that look like headers."""
    found = []
    for at in range(0, len(data) - BLOCK_BYTES + 1, BLOCK_BYTES):
        if data[at : at + 1] != b"\0" and data[at + 257 : at + 262] in (b"ustar", bytes(5)):
            found.append(at)
    return found or [0]


def _with_checksum(data: bytearray, at: int) -> None:
    data[at + 148 : at + 156] = b" " * 8
    data[at + 148 : at + 156] = b"%06o\0 " % sum(data[at : at + BLOCK_BYTES])


def _field(data: bytearray, chance: random.Random) -> None:
    """Another value in a field of a header."""
    at = chance.choice(_headers(data))
    if len(data) < at + BLOCK_BYTES:
        return
    offset, size = chance.choice(_FIELDS)
    if size == 1:
        value = bytes([chance.choice(_FLAGS)])
    elif size >= 100:
        value = chance.choice(_NAMES)
    else:
        value = chance.choice((*_NUMBERS, chance.randbytes(size)))
    data[at + offset : at + offset + size] = value[:size].ljust(size, b"\0")
    if chance.random() < 0.95:
        _with_checksum(data, at)


def _bits(data: bytearray, chance: random.Random) -> None:
    at = chance.choice(_headers(data))
    for _ in range(chance.randint(1, 8)):
        where = at + chance.randrange(BLOCK_BYTES)
        if where < len(data):
            data[where] ^= 1 << chance.randrange(8)
    if chance.random() < 0.8 and len(data) >= at + BLOCK_BYTES:
        _with_checksum(data, at)


def _record(data: bytearray, chance: random.Random) -> None:
    """Something else behind a header, where the records of PAX are."""
    at = chance.choice(_headers(data)) + BLOCK_BYTES
    text = chance.choice(_RECORDS)
    length = len(text) + 2  # a blank and the line's end
    length += len(str(length + len(str(length))))
    record = chance.choice((b"%d %s\n" % (length, text), b"99999 path=x\n", chance.randbytes(20)))
    if at + BLOCK_BYTES <= len(data):
        data[at : at + len(record)] = record
        if chance.random() < 0.8:
            data[at + len(record) : at + BLOCK_BYTES] = bytes(BLOCK_BYTES - len(record))


def _cut(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(len(data)) :]


def _without_block(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data)) // BLOCK_BYTES * BLOCK_BYTES
    del data[at : at + BLOCK_BYTES * chance.randint(1, 3)]


def _block_twice(data: bytearray, chance: random.Random) -> None:
    at = chance.choice(_headers(data))
    to = chance.randrange(len(data)) // BLOCK_BYTES * BLOCK_BYTES
    data[to:to] = data[at : at + BLOCK_BYTES * chance.randint(1, 3)]


def _noise(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data))
    piece = chance.randbytes(chance.randint(1, 600))
    data[at : at + len(piece)] = piece


def _place(data: bytearray, chance: random.Random) -> int:
    near = chance.random() < 0.6
    return chance.randrange(min(len(data), 40) if near else len(data))


def _bit(data: bytearray, chance: random.Random) -> None:
    data[_place(data, chance)] ^= 1 << chance.randrange(8)


def _byte(data: bytearray, chance: random.Random) -> None:
    data[_place(data, chance)] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))


def _number(data: bytearray, chance: random.Random) -> None:
    """A length or a size that makes no sense."""
    at = _place(data, chance)
    number = chance.choice((0, 1, 1 << 20, 8 << 20, (1 << 31) - 1, (1 << 32) - 1, 1 << 62))
    size = chance.choice((2, 3, 4, 8))
    data[at : at + size] = number.to_bytes(8, "little")[:size]


def _inserted(data: bytearray, chance: random.Random) -> None:
    at = _place(data, chance)
    data[at:at] = chance.randbytes(chance.randint(1, 20))


def _removed(data: bytearray, chance: random.Random) -> None:
    at = _place(data, chance)
    del data[at : at + chance.randint(1, 20)]


def _repeated(data: bytearray, chance: random.Random) -> None:
    """The beginning once more: frames that follow each other."""
    at = chance.randrange(len(data) + 1)
    data[at:at] = data[: chance.randrange(len(data))]


Damage = Callable[[bytearray, random.Random], None]
_TAR_DAMAGE: tuple[Damage, ...] = (
    _field,
    _bits,
    _record,
    _cut,
    _without_block,
    _block_twice,
    _noise,
)
_FRAME_DAMAGE: tuple[Damage, ...] = (
    _bit,
    _byte,
    _number,
    _inserted,
    _removed,
    _repeated,
    _cut,
    _noise,
)
