"""Most members, in the shortest way: files and directories of which nothing special is said.

An image has a hundred thousand of them. Whatever else a header may be or say, also what is wrong
with it, is for tar.py, which reads these all the same.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from struct import Struct

from hammer.stream import header, pax
from hammer.stream.header import access, has_sum, number, time_ns
from hammer.stream.member import NO_DEVICE, NO_XATTRS, Kind, Member
from hammer.stream.sparse import BLOCK_BYTES

# Name; mode, owner and group; size; time; checksum; kind; and the first byte of a name's first
# half.
_FIELDS = Struct("100s24s12s12s8sB188xB166x")
_SIZE_AT, _SUM_AT, _FLAG_AT = slice(124, 136), slice(148, 156), 156
_PAX = ord("x")
_KINDS = {ord("0"): Kind.FILE, ord("5"): Kind.DIRECTORY}
_FILE = Kind.FILE  # looked up once: a member of an enum costs as much as a field
# The records that tars write of many members, in GNU tar's order: a path that is long, and times
# with fractions. The length of each counts itself, " key=" and the line's end; longer times than
# these are for the long way, so that theirs have two digits.
_RECORDS = re.compile(
    rb"(?=\d)(?:(\d{2,3}) path=([^\0\n]+)\n)?"
    rb"(?:(\d\d) mtime=([^\0\n]{1,30})\n)?"
    rb"(?:(\d\d) atime=([^\0\n]{1,30})\n)?"
    rb"(?:(\d\d) ctime=([^\0\n]{1,30})\n)?"
    rb"(\0*)"
)
_BESIDE_PATH = len(b" path=\n")
_BESIDE_TIME = len(b"99 mtime=\n")
_new = tuple.__new__


def members(chunk: memoryview) -> Iterator[tuple[Member, int]]:
    """The members that a chunk of an archive begins with, and where in it the header of each ends.

    Ends before the first one that is none of these, or that is not all in the chunk; only the data
    of the last one may go beyond it.
    """
    at, last = 0, len(chunk) - BLOCK_BYTES
    while at <= last:
        block = chunk[at : at + BLOCK_BYTES].tobytes()
        at += BLOCK_BYTES
        path = mtime = None
        if block[_FLAG_AT] == _PAX:
            records = chunk[at : at + BLOCK_BYTES].tobytes()
            at += BLOCK_BYTES
            said = _said(block, records)
            if said is None or at > last:
                return
            path, mtime = said
            block = chunk[at : at + BLOCK_BYTES].tobytes()
            at += BLOCK_BYTES
        member = _member(block, path, mtime)
        if member is None:
            return
        yield member, at
        at += member.size + -member.size % BLOCK_BYTES


def _said(block: bytes, body: bytes) -> tuple[bytes | None, bytes | None] | None:
    """The path and the mtime of an extended header, None for what it has not; None: it has more."""
    found = _RECORDS.fullmatch(body)
    if found is None:
        return None
    a, path, b, mtime, c, atime, d, ctime, padding = found.groups()
    try:
        if (
            not has_sum(block, block[_SUM_AT])
            or number(block[_SIZE_AT]) != len(body) - len(padding)
            or (path is not None and int(a) != len(a) + len(path) + _BESIDE_PATH)
            or (mtime is not None and int(b) != len(mtime) + _BESIDE_TIME)
            or (atime is not None and int(c) != len(atime) + _BESIDE_TIME)
            or (ctime is not None and int(d) != len(ctime) + _BESIDE_TIME)
        ):
            return None
    except ValueError:
        return None
    return path, mtime


def _member(block: bytes, path: bytes | None, mtime: bytes | None) -> Member | None:
    """The member of a header; None: it is none of these."""
    name, owner, size_field, time, checksum, flag, prefix = _FIELDS.unpack(block)
    kind = _KINDS.get(flag)
    if kind is None:
        return None
    try:
        if not has_sum(block, checksum):
            return None
        size = number(size_field)
        mode, uid, gid = access(owner)
        mtime_ns = time_ns(time) if mtime is None else _mtime_ns(mtime)
    except ValueError:
        return None
    if path is not None:
        name = path
    else:
        name = header.name(block) if prefix else name.partition(b"\0")[0]
    if kind is not _FILE:
        size = 0  # POSIX: no data follows a directory, whatever its size says
    elif name[-1:] == b"/":
        return None
    # As `tar -C root .` begins them.
    name = name.removeprefix(b"./").strip(b"/")
    if name[:1] == b"." or b"/." in name or b"//" in name:
        return None
    plain: Member = _new(
        Member,
        (name, mode, uid, gid, mtime_ns, size, kind, b"", NO_DEVICE, NO_XATTRS, b"", b"", None),
    )
    return plain


@lru_cache(maxsize=1000)
def _mtime_ns(text: bytes) -> int:
    return header.time_in_range(pax.nanoseconds(text))
