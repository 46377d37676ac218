"""tar archives: headers in, members out (v7, ustar, GNU and PAX, as tar(5) of libarchive has them).

Nothing is written here. What a header may say is checked so far that whoever
writes the members gets no number out of range and no name that leads outside.
"""

from collections.abc import Iterator

from hammer.errors import ImageNotTar, TarCorrupt, TarMemberOutside, TarMemberUnsupported
from hammer.stream import header, pax, plain, sparse
from hammer.stream.flow import Flow
from hammer.stream.header import number
from hammer.stream.member import NO_DEVICE, NO_XATTRS, Kind, Member, printable
from hammer.stream.sparse import BLOCK_BYTES, Sparse

_ZEROS = bytes(BLOCK_BYTES)
# Names, PAX records and xattr values together; the kernel takes no xattr above
# 64 KiB (XATTR_SIZE_MAX in limits.h) and no path above 4 KiB.
_MAX_EXTENSION_BYTES = 4 << 20
_MAX_GLOBAL_BYTES = 64 << 10  # what every member has: git and GNU tar write some words
_MAX_SIZE_BYTES = 1 << 62

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
# x, g and X (Solaris, before POSIX chose x) hold PAX records; L and K are GNU's
# long names.
_EXTENSIONS = {b"x", b"g", b"X", b"L", b"K"}
_LINKS = {Kind.HARDLINK, Kind.SYMLINK}
_DEVICES = {Kind.CHARACTER, Kind.BLOCK}
_WITHOUT_DATA = _DEVICES | _LINKS | {Kind.FIFO}


class Archive:
    """The members of the archive that a flow holds."""

    def __init__(self, flow: Flow, *, url: str) -> None:
        self._flow = flow
        self._url = url
        self._global: pax.Records = {}
        self._local: pax.Records = {}
        # Headers that say something of the member that follows, by their type, and their bytes.
        self._extended: set[bytes] = set()
        self._extended_bytes = 0
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
            # Where something is said of all members, none is plain.
            if not (self._extended or self._global):
                begin = start
                for plain_one, at in plain.members(flow.rest()):
                    flow.skip_to(begin + at)
                    yield plain_one
                    start = self._pass_on(begin + at + plain_one.size)
            block = flow.take(BLOCK_BYTES)
            if not block or block == _ZEROS:
                if start == 0:
                    raise ImageNotTar(url=self._url)
                if self._extended:
                    raise self._corrupt("an extended header is followed by no member", start)
                self.end_mark = bool(block)
                return
            if not header.is_header(block):
                if start == 0:
                    raise ImageNotTar(url=self._url)
                raise self._corrupt("this is not a tar header", start)
            try:
                member, data_end = self._read(block, start + BLOCK_BYTES)
            except ValueError as error:
                raise self._corrupt(str(error), start) from None
            if member is not None:
                yield member
            start = self._pass_on(data_end)

    def _pass_on(self, data_end: int) -> int:
        """Go to the header after the member, and say where that is."""
        start = data_end + -data_end % BLOCK_BYTES
        if not self._flow.skip_to(start):
            raise self._corrupt("the archive ends inside of a member", self._flow.position)
        return start

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
            if self._extended:  # which some tars take for those of the label
                raise ValueError("an extended header is followed by a label, and no member")
            return None, position + size
        records = {**self._global, **self._local} if self._global else self._local
        self._end_extensions()
        return self._member(block, records, size=size)

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
        if kind is not Kind.DIRECTORY and name.endswith(b"/."):
            raise ValueError("a member that is no directory has the name of one")
        if kind in _WITHOUT_DATA or flag == b"5":
            # POSIX: no data follows, whatever the size of a link or directory says.
            size = 0
        if kind is Kind.HARDLINK:
            target = self._below_root(target, shown=name)
        holes, data_end = self._holes(block, records, size=size)
        mode, uid, gid = _access_with(block[100:124], records)
        member = Member(
            self._below_root(name, shown=name),
            mode,
            uid,
            gid,
            _time_ns_with(block[136:148], records),
            data_end - self._flow.position,
            kind,
            target if kind in _LINKS else b"",
            _device(block, records) if kind in _DEVICES else NO_DEVICE,
            pax.xattrs(records) if records else NO_XATTRS,
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

    def _end_extensions(self) -> None:
        """The member that they were for is there."""
        if self._extended_bytes:
            self._local, self._extended, self._extended_bytes = {}, set(), 0

    def _extension(self, size: int) -> bytes:
        self._extended_bytes += BLOCK_BYTES + size
        if self._extended_bytes > _MAX_EXTENSION_BYTES:
            raise ValueError(f"extended headers of {self._extended_bytes} bytes are not plausible")
        data = self._flow.take(size)
        if len(data) < size:
            raise ValueError("the archive ends inside of an extended header")
        return data

    def _extend(self, flag: bytes, data: bytes) -> None:
        """Take over what it says. What tars do not read alike is refused."""
        if flag in self._extended:
            raise ValueError("a member has two extended headers of one type")
        if flag == b"g":
            self._global.update(pax.records(data))
            size = sum(len(key) + len(value) for key, value in self._global.items())
            if size > _MAX_GLOBAL_BYTES:
                raise ValueError(f"a global header of {size} bytes is not plausible")
            return
        self._extended.add(flag)
        if flag == b"L":
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


def _access_with(fields: bytes, records: pax.Records) -> tuple[int, int, int]:
    """As the records have it, which may have what a header has no room for."""
    if b"uid" not in records and b"gid" not in records:
        return header.access(fields)
    uid = pax.number(records[b"uid"]) if b"uid" in records else number(fields[8:16])
    gid = pax.number(records[b"gid"]) if b"gid" in records else number(fields[16:])
    return number(fields[:8]) & 0o7777, header.id_in_range(uid), header.id_in_range(gid)


def _time_ns_with(field: bytes, records: pax.Records) -> int:
    if b"mtime" not in records:
        return header.time_ns(field)
    return header.time_in_range(pax.nanoseconds(records[b"mtime"]))


def _names(block: bytes, records: pax.Records, *, size: int) -> tuple[bytes, bytes, int]:
    name, target = header.name(block), block[157:257].partition(b"\0")[0]
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
