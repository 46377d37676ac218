"""Extended attributes of a member that no unpacking could set (xattr(7))."""

from struct import Struct

from hammer.stream.member import Kind, Member, printable

CAPABILITY = b"security.capability"
_NAMESPACES = (b"user.", b"trusted.", b"security.", b"system.")
_NAME_MAX = 255  # limits.h of Linux, XATTR_NAME_MAX
_VALUE_MAX = 64 << 10  # limits.h, XATTR_SIZE_MAX
# ext4 keeps them in the inode, where there are 96 bytes, and in one block beside it.
_ALL_MAX = 4096 + 96
# linux/capability.h: bytes of struct vfs_cap_data by its revision.
_CAPABILITY_BYTES = {0x01: 12, 0x02: 20, 0x03: 24}
_MAGIC = Struct("<I")
_WITH_USER = {Kind.FILE, Kind.DIRECTORY, Kind.HARDLINK}


def problem(member: Member) -> str:
    """Why the first bad attribute cannot be set; empty if all can be."""
    total_bytes = sum(len(name) + len(value) for name, value in member.xattrs.items())
    if total_bytes > _ALL_MAX:
        return f"{total_bytes} bytes of attributes, ext4 holds {_ALL_MAX}"
    for name, value in member.xattrs.items():
        if reason := _reason(name, value, kind=member.kind):
            return f"{printable(name)}: {reason}"
    return ""


def _reason(name: bytes, value: bytes, *, kind: Kind) -> str:
    if not name.startswith(_NAMESPACES):
        return "no namespace that Linux has"
    if len(name) > _NAME_MAX or len(value) > _VALUE_MAX:
        return f"larger than {_NAME_MAX} bytes of name or {_VALUE_MAX} of value"
    if name.startswith(b"user.") and kind not in _WITH_USER:
        return f"a {kind.name.lower()} has no attributes of users"
    if name == CAPABILITY and not is_capability(value):
        return "no file capabilities of a revision that Linux knows"
    return ""


def is_capability(value: bytes) -> bool:
    """Whether these are file capabilities, of a revision that Linux knows."""
    if len(value) < _MAGIC.size:
        return False
    revision = _MAGIC.unpack_from(value)[0] >> 24
    return _CAPABILITY_BYTES.get(revision) == len(value)
