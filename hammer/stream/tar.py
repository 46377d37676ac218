"""tar archives: headers in, members out (v7, ustar, GNU and PAX, as tar(5) of libarchive has them).

Nothing is written here. What a header may say is checked so far that whoever
writes the members gets no number out of range and no name that leads outside.
"""

import zlib
from collections.abc import Iterator, Mapping
from enum import IntEnum, auto
from functools import lru_cache
from typing import NamedTuple

from hammer.errors import ImageNotTar, TarCorrupt, TarMemberOutside, TarMemberUnsupported
from hammer.stream import pax, sparse
from hammer.stream.flow import Flow
from hammer.stream.sparse import BLOCK_BYTES, Sparse

_ZEROS = bytes(BLOCK_BYTES)
_POSIX_MAGIC = b"ustar\x0000"
# Names, PAX records and xattr values together; the kernel takes no xattr above
# 64 KiB (XATTR_SIZE_MAX in limits.h) and no path above 4 KiB.
_MAX_EXTENSION_BYTES = 4 << 20
_MAX_GLOBAL_BYTES = 64 << 10  # what every member has: git and GNU tar write some words
_MAX_SIZE_BYTES = 1 << 62
_MAX_MTIME_NS = 1 << 63  # ktime_t of Linux ends there, in 2262
_MAX_ID = 0xFFFF_FFFE  # chown(2) reads the number after it as "leave it"
_SHOWN_BYTES = 256
_NO_XATTRS: dict[bytes, bytes] = {}
_NO_DEVICE = (0, 0)
# What GNU tar writes of every member once it keeps extended attributes.
_TIMES = {b"mtime", b"atime", b"ctime"}


class Kind(IntEnum):
    """As integers, which are found in a set ten times as fast as other members of enums."""

    FILE = auto()
    DIRECTORY = auto()
    SYMLINK = auto()
    HARDLINK = auto()
    CHARACTER = auto()
    BLOCK = auto()
    FIFO = auto()


# "7" is a contiguous file, which no filesystem here knows; "D" is a directory
# of GNU's incremental dumps with a list of names as its data; NUL is v7's file.
_KINDS = {
    b"0": Kind.FILE,
    b"\0": Kind.FILE,
    b"7": Kind.FILE,
    b"S": Kind.FILE,
    b"1": Kind.HARDLINK,
    b"2": Kind.SYMLINK,
    b"3": Kind.CHARACTER,
    b"4": Kind.BLOCK,
    b"5": Kind.DIRECTORY,
    b"D": Kind.DIRECTORY,
    b"6": Kind.FIFO,
}
# Of these most members are, of which no more is said than their headers do.
_PLAIN = {b"0": Kind.FILE, b"5": Kind.DIRECTORY}
_FILE = Kind.FILE  # looked up once: a member of an enum costs as much as a slice of the header
# x, g and X (Solaris, before POSIX chose x) hold PAX records; L and K are GNU's
# long names.
_EXTENSIONS = {b"x", b"g", b"X", b"L", b"K"}
_LINKS = {Kind.HARDLINK, Kind.SYMLINK}
_DEVICES = {Kind.CHARACTER, Kind.BLOCK}
_WITHOUT_DATA = _DEVICES | _LINKS | {Kind.FIFO}


class Member(NamedTuple):
    name: bytes
    """Below the root, without leading, doubled or closing slash; empty for the root itself."""
    kind: Kind
    mode: int
    uid: int
    gid: int
    mtime_ns: int
    size: int
    """Bytes of data in the archive, to be taken from the flow before the next member."""
    target: bytes
    """Of a symbolic link as written; of a hard link like `name`; else empty."""
    device: tuple[int, int]
    """Major and minor number; of what is no device (0, 0)."""
    xattrs: Mapping[bytes, bytes]
    acl_access: bytes
    acl_default: bytes
    sparse: Sparse | None


class Archive:
    """The members of the archive that a flow holds."""

    def __init__(self, flow: Flow, *, url: str) -> None:
        self._flow = flow
        self._url = url
        self._global: pax.Records = {}
        self._local: pax.Records = {}
        self._extended_bytes = 0  # of all headers for the member that follows
        self.end_mark = False
        """Whether the archive ended with a block of zeros, and not with the flow."""

    def __iter__(self) -> Iterator[Member]:
        """Yield each member; what its user leaves of its data is passed over.

        Ends at the first block of zeros, as GNU tar does, or at the end of the
        flow: an archive that was cut between two members looks like one whose
        writer left out the end mark, and GNU tar takes both. The digest tells
        them apart. Raises ImageNotTar, TarCorrupt, TarMemberOutside or
        TarMemberUnsupported.
        """
        flow = self._flow
        start = 0
        while True:
            block = flow.take(BLOCK_BYTES)
            if not block or block == _ZEROS:
                if start == 0:
                    raise ImageNotTar(url=self._url)
                if self._local:
                    raise self._corrupt("an extended header is followed by no member", start)
                self.end_mark = bool(block)
                return
            if not is_header(block):
                if start == 0:
                    raise ImageNotTar(url=self._url)
                raise self._corrupt("this is not a tar header", start)
            try:
                member, data_end = self._read(block, start + BLOCK_BYTES)
            except ValueError as error:
                raise self._corrupt(str(error), start) from None
            if member is not None:
                yield member
            start = data_end + -data_end % BLOCK_BYTES
            left = start - flow.position
            if left and flow.skip(left) != left:
                raise self._corrupt("the archive ends inside of a member", flow.position)

    def _read(self, block: bytes, position: int) -> tuple[Member | None, int]:
        """The member of a header, or None if it only says something about the next one.

        `position` is where the header ends, and the data of a member ends at what is returned.
        """
        flag = block[156:157]
        size = number(block[124:136])
        if not 0 <= size < _MAX_SIZE_BYTES:
            raise ValueError("the size of a member is out of range")
        if flag != b"0" and flag in _EXTENSIONS:
            self._extend(flag, self._extension(size))
            return None, position + size
        if flag == b"V":  # a label of the volume, no file
            return None, position + size
        records = {**self._global, **self._local} if self._global else self._local
        if self._extended_bytes:
            self._local, self._extended_bytes = {}, 0
        kind = _PLAIN.get(flag)
        if kind is not None and (not records or records.keys() <= _TIMES):
            name = _name(block)
            if kind is not _FILE:  # POSIX: no data follows a directory, whatever its size says
                return self._plain(kind, name, block, records, 0), position
            if name[-1:] != b"/":
                return self._plain(kind, name, block, records, size), position + size
        return self._member(block, records, size=size)

    def _plain(
        self, kind: Kind, name: bytes, block: bytes, records: pax.Records, size: int
    ) -> Member:
        """One of which nothing else is said than of most members: these should cost little."""
        mode, uid, gid = _access(block[100:124])
        return Member(
            self._below_root(name, shown=name),
            kind,
            mode,
            uid,
            gid,
            _time_ns_with(block[136:148], records) if records else _time_ns(block[136:148]),
            size,
            b"",
            _NO_DEVICE,
            _NO_XATTRS,
            b"",
            b"",
            None,
        )

    def _member(self, block: bytes, records: pax.Records, *, size: int) -> tuple[Member, int]:
        flag = block[156:157]
        name, target, size = _names(block, records, size=size)
        kind = _KINDS.get(flag)
        if kind is None:
            raise self._unsupported(name, f"type {flag!r} is unknown")
        if b"SCHILY.acl.ace" in records:
            # What changes who may do what is restored or refused, never dropped.
            raise self._unsupported(name, "it has an NFSv4 access control list")
        if kind is Kind.FILE and name.endswith(b"/"):
            kind = Kind.DIRECTORY  # v7 has no type for it; GNU tar reads all files so
        if kind in _WITHOUT_DATA or flag == b"5":
            # POSIX: no data follows, whatever the size of a link or directory says.
            size = 0
        if kind is Kind.HARDLINK:
            target = self._below_root(target, shown=name)
        holes, data_end = self._holes(block, records, size=size)
        mode, uid, gid = _access_with(block[100:124], records)
        member = Member(
            self._below_root(name, shown=name),
            kind,
            mode,
            uid,
            gid,
            _time_ns_with(block[136:148], records),
            data_end - self._flow.position,
            target if kind in _LINKS else b"",
            _device(block, records) if kind in _DEVICES else _NO_DEVICE,
            pax.xattrs(records) if records else _NO_XATTRS,
            records.get(b"SCHILY.acl.access", b""),
            records.get(b"SCHILY.acl.default", b""),
            holes,
        )
        return _checked(member), data_end

    def _holes(self, block: bytes, records: pax.Records, *, size: int) -> tuple[Sparse | None, int]:
        """The map of a sparse file, which may be in the flow, and where the data ends."""
        holes = sparse.from_header(self._flow, block, number) if block[156:157] == b"S" else None
        data_end = self._flow.position + size
        if records:
            holes = holes or sparse.from_records(self._flow, records)
        if holes and holes.data_bytes != data_end - self._flow.position:
            raise ValueError("the map of a sparse file does not fit its data")
        return holes, data_end

    def _extension(self, size: int) -> bytes:
        self._extended_bytes += BLOCK_BYTES + size
        if self._extended_bytes > _MAX_EXTENSION_BYTES:
            raise ValueError(f"extended headers of {self._extended_bytes} bytes are not plausible")
        data = self._flow.take(size)
        if len(data) < size:
            raise ValueError("the archive ends inside of an extended header")
        return data

    def _extend(self, flag: bytes, data: bytes) -> None:
        if flag == b"g":
            self._global.update(pax.records(data))
            size = sum(len(key) + len(value) for key, value in self._global.items())
            if size > _MAX_GLOBAL_BYTES:
                raise ValueError(f"a global header of {size} bytes is not plausible")
        elif flag == b"L":
            self._local.setdefault(b"path", data.partition(b"\0")[0])
        elif flag == b"K":
            self._local.setdefault(b"linkpath", data.partition(b"\0")[0])
        elif self._local:
            self._local.update(pax.records(data))
        else:
            self._local = pax.records(data)

    def _below_root(self, name: bytes, *, shown: bytes) -> bytes:
        # As `tar -C root .` begins them.
        name = name.removeprefix(b"./").strip(b"/")
        if name[:1] != b"." and b"/." not in name and b"//" not in name:
            return name  # nothing in it that could need more of a look
        parts = [part for part in name.split(b"/") if part not in (b"", b".")]
        if b".." in parts:
            reason = f"{printable(name)} leads outside of the archive"
            raise TarMemberOutside(url=self._url, member=printable(shown), reason=reason)
        return b"/".join(parts)

    def _unsupported(self, name: bytes, reason: str) -> TarMemberUnsupported:
        return TarMemberUnsupported(url=self._url, member=printable(name), reason=reason)

    def _corrupt(self, reason: str, offset: int) -> TarCorrupt:
        return TarCorrupt(url=self._url, reason=reason, offset=offset)


def is_header(block: bytes) -> bool:
    """Whether the checksum is right: the sum of all bytes, its own field as eight blanks.

    Old writers summed signed characters; GNU tar accepts both.
    """
    if len(block) < BLOCK_BYTES:
        return False
    field = block[148:156]
    try:
        expected = number(field) - 8 * 0x20
    except ValueError:
        return False
    # The low half of Adler-32 (RFC 1950) is 1 + the sum of all bytes modulo 65521, and
    # ten times as fast as sum(): with two headers a member, that counts.
    adler, of_field = zlib.adler32(block) & 0xFFFF, zlib.adler32(field) & 0xFFFF
    if adler == (expected + of_field) % 65521:
        return True
    rest = block[:148] + block[156:]
    return expected == sum(rest) - 256 * sum(byte >= 0x80 for byte in rest)


def number(field: bytes) -> int:
    """A header's number: octal digits, or base 256 if its first bit is set. Raises ValueError."""
    if field[0] & 0x80:
        bits = 8 * len(field) - 1
        value = int.from_bytes(field, "big") & ((1 << bits) - 1)
        return value - (1 << bits) if field[0] & 0x40 else value
    try:
        return int(field.rstrip(b" \0"), 8)  # as all writers of today have it
    except ValueError:
        text = field.partition(b"\0")[0].strip()
    if text.strip(b"01234567"):
        raise ValueError("a field of the header holds no number")
    return int(text, 8) if text else 0


@lru_cache(maxsize=1000)
def _access(fields: bytes) -> tuple[int, int, int]:
    """Mode, owner and group of a header, which most members have in common. Raises ValueError."""
    uid, gid = number(fields[8:16]), number(fields[16:])
    return number(fields[:8]) & 0o7777, _id_in_range(uid), _id_in_range(gid)


def _access_with(fields: bytes, records: pax.Records) -> tuple[int, int, int]:
    """As the records have it, which may have what a header has no room for."""
    if b"uid" not in records and b"gid" not in records:
        return _access(fields)
    uid = pax.number(records[b"uid"]) if b"uid" in records else number(fields[8:16])
    gid = pax.number(records[b"gid"]) if b"gid" in records else number(fields[16:])
    return number(fields[:8]) & 0o7777, _id_in_range(uid), _id_in_range(gid)


def _id_in_range(number: int) -> int:
    if not 0 <= number <= _MAX_ID:
        raise ValueError("the owner of a member is out of range")
    return number


@lru_cache(maxsize=1000)
def _time_ns(field: bytes) -> int:
    return _time_in_range(number(field) * 10**9)


def _time_ns_with(field: bytes, records: pax.Records) -> int:
    if b"mtime" not in records:
        return _time_ns(field)
    return _time_in_range(pax.nanoseconds(records[b"mtime"]))


def _time_in_range(time_ns: int) -> int:
    if not -_MAX_MTIME_NS < time_ns < _MAX_MTIME_NS:
        raise ValueError("the time of a member is out of range")
    return time_ns


def _name(block: bytes) -> bytes:
    name = block[:100].partition(b"\0")[0]
    if block[345] and block[257:265] == _POSIX_MAGIC:
        # GNU's own magic has times where POSIX has the first half of the name.
        return block[345:500].partition(b"\0")[0] + b"/" + name
    return name


def _names(block: bytes, records: pax.Records, *, size: int) -> tuple[bytes, bytes, int]:
    name, target = _name(block), block[157:257].partition(b"\0")[0]
    if records:
        name = records.get(b"GNU.sparse.name") or records.get(b"path") or name
        target = records.get(b"linkpath") or target
        if b"size" in records:
            size = pax.number(records[b"size"])
            if size >= _MAX_SIZE_BYTES:
                raise ValueError("the size of a member is out of range")
    return name, target, size


def _device(block: bytes, records: pax.Records) -> tuple[int, int]:
    """libarchive writes large numbers into records of their own."""
    major, minor = records.get(b"SCHILY.devmajor"), records.get(b"SCHILY.devminor")
    device = (
        number(block[329:337]) if major is None else pax.number(major),
        number(block[337:345]) if minor is None else pax.number(minor),
    )
    if not (0 <= device[0] < 1 << 12 and 0 <= device[1] < 1 << 20):  # kdev_t.h of Linux
        raise ValueError("the device number of a member is out of range")
    return device


def _checked(member: Member) -> Member:
    """The member, if what its records say can be. Raises ValueError."""
    if b"\0" in member.name or b"\0" in member.target:
        raise ValueError("the name of a member holds a NUL byte")
    if member.xattrs and any(b"\0" in name or not name for name in member.xattrs):
        raise ValueError("the name of an extended attribute is not valid")
    return member


def printable(name: bytes) -> str:
    """A name for messages: short, and no control characters, whatever the archive holds."""
    text = name[:_SHOWN_BYTES].decode(errors="backslashreplace")
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text) or "(empty)"
    return f"{shown}..." if len(name) > _SHOWN_BYTES else shown
