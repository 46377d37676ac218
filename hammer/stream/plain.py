"""Most members, in the shortest way: files and directories of which nothing special is said.

An image has a hundred thousand of them. Whatever else a header may be or say, also what is wrong
with it, is for tar.py, which reads these all the same.
"""

from collections.abc import Mapping
from functools import lru_cache
from struct import Struct

from hammer.stream import header, pax
from hammer.stream.header import access, has_sum, number, time_ns
from hammer.stream.member import NO_DEVICE, NO_XATTRS, Kind, Member

# Name; mode, owner and group; size; time; checksum; and the first byte of a name's first half.
_FIELDS = Struct("100s24s12s12s8s189xB166x")
_FLAG_AT = 156
_KINDS = {ord("0"): Kind.FILE, ord("5"): Kind.DIRECTORY}
_FILE = Kind.FILE  # looked up once: a member of an enum costs as much as a field
# The records that GNU tar writes of every member once it keeps extended attributes, and of long
# names.
_RECORDS = {b"mtime", b"atime", b"ctime", b"path"}
# Longer ones are for the long way, or a thousand of 4 MiB each could be remembered.
_TIME_BYTES = 30
_new = tuple.__new__


def member(block: bytes, records: Mapping[bytes, bytes]) -> Member | None:
    """The member of a header, a whole block, with all records for it; None: it is none of these."""
    kind = _KINDS.get(block[_FLAG_AT])
    if kind is None or (records and not records.keys() <= _RECORDS):
        return None
    mtime = records.get(b"mtime")
    if mtime is not None and len(mtime) > _TIME_BYTES:
        return None
    name, owner, size_field, time, checksum, prefix = _FIELDS.unpack(block)
    try:
        if not has_sum(block, number(checksum), checksum):
            return None
        size = number(size_field)
        mode, uid, gid = access(owner)
        mtime_ns = time_ns(time) if mtime is None else _mtime_ns(mtime)
    except ValueError:
        return None
    if path := records.get(b"path"):
        if b"\0" in path:
            return None
        name = path
    else:
        name = header.name(block) if prefix else name.partition(b"\0")[0]
    if kind is not _FILE:
        size = 0  # POSIX: no data follows a directory, whatever its size says
    elif name[-1:] == b"/":
        return None
    # As `tar -C root .` begins them.
    name = name.removeprefix(b"./").strip(b"/")
    if name[:1] == b"." or name.find(b"/.") >= 0 or name.find(b"//") >= 0:
        return None
    plain: Member = _new(
        Member,
        (name, mode, uid, gid, mtime_ns, size, kind, b"", NO_DEVICE, NO_XATTRS, b"", b"", None),
    )
    return plain


@lru_cache(maxsize=1000)
def _mtime_ns(text: bytes) -> int:
    return header.time_in_range(pax.nanoseconds(text))
