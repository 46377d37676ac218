"""What the headers said, remembered while it is written, and compared with what the disk has.

Costs a KiB of memory for each member and the time to read everything once more, so
it is only done when somebody wants it.
"""

# Names are bytes here, as the archive has them, and there is no Path of bytes.
# ruff: noqa: PTH115, PTH116

import errno
import os
import stat
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from hammer.errors import TreeDiffers
from hammer.stream import acl, inodes
from hammer.stream.inodes import Inode
from hammer.stream.member import Kind, Member, printable

_READ_BYTES = 1 << 20
_MISSING = "missing"
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_TYPES = {
    Kind.FILE: stat.S_IFREG,
    Kind.DIRECTORY: stat.S_IFDIR,
    Kind.SYMLINK: stat.S_IFLNK,
    Kind.CHARACTER: stat.S_IFCHR,
    Kind.BLOCK: stat.S_IFBLK,
    Kind.FIFO: stat.S_IFIFO,
}
# Inodes of 128 bytes have seconds only, and 32 bits for them (Linux, fs/ext4/inode.c).
_TIME_MAX_NS = (1 << 31) * 10**9


class _Expected(NamedTuple):
    member: Member
    crc: int


class Readback:
    """What must be below the current directory at the end.

    Members are known by the inodes that they became, and names by the directory that they are
    in: later members replace earlier ones, also by way of symbolic links.
    """

    def __init__(self, *, ownerless: Collection[int]) -> None:
        """What is on the devices `ownerless`, such as vfat, is left out.

        Inodes there get another number each time they come into memory (fs/fat of Linux).
        """
        self._ownerless = ownerless
        self._inodes: dict[Inode, _Expected] = {}
        self._names: dict[Inode, dict[bytes, Inode]] = {}
        self._uid_of = self._gid_of = acl.ids_of(b"")

    def wrote(self, member: Member, *, crc: int = 0) -> None:
        """Remember a member that stands under its name; `crc` is of its data in the archive."""
        status = os.lstat(member.name or b".")
        if status.st_dev in self._ownerless:
            return
        inode = inodes.of(status)
        if member.kind is not Kind.HARDLINK:
            self._inodes[inode] = _Expected(member, crc)
        folder, _slash, name = member.name.rpartition(b"/")
        self._names.setdefault(inodes.of(os.stat(folder or b".")), {})[name or b"."] = inode

    def compare(self) -> None:
        """Read everything from the disk. Raises TreeDiffers at the first difference, OSError."""
        os.sync()
        self._uid_of, self._gid_of = acl.ids(Path("etc/passwd")), acl.ids(Path("etc/group"))
        # Names first: a directory that has lost one has another time, which says less.
        met: set[Inode] = set()
        for path, folder in _directories():
            met.add(folder)
            for name, inode in self._names.get(folder, {}).items():
                self._compare_name(path + name, inode)
        if lost := self._names.keys() - met:
            name, inode = next(iter(self._names[lost.pop()].items()))
            expected = self._inodes.get(inode)
            path = b"./" + (expected.member.name if expected else name)
            raise _differs(path, "its directory is lost")
        compared: set[Inode] = set()
        for path, folder in _directories():
            for name, inode in self._names.get(folder, {}).items():
                if inode in self._inodes and inode not in compared:
                    compared.add(inode)
                    self._compare_inode(path + name, *self._inodes[inode])

    def _compare_name(self, path: bytes, inode: Inode) -> None:
        try:
            found = inodes.of(os.lstat(path))
        except FileNotFoundError:
            raise _differs(path, "it is not there") from None
        if found != inode:
            raise _differs(path, "it is another file")

    def _compare_inode(self, path: bytes, member: Member, crc: int) -> None:
        for what, wanted, found in self._facts(path, os.lstat(path), member):
            if wanted != found:
                raise _differs(path, f"its {what} is {found}, the image says {wanted}")
        if member.kind is Kind.FILE and _crc(path, member) != crc:
            raise _differs(path, "its content is not that of the image")

    def _facts(
        self, path: bytes, status: os.stat_result, member: Member
    ) -> Iterator[tuple[str, object, object]]:
        """What, as the header says it, and as it is."""
        kind = member.kind
        yield "type", _TYPES[kind], stat.S_IFMT(status.st_mode)
        if kind is Kind.FILE:
            size = member.sparse.size if member.sparse else member.size
            yield "size", size, status.st_size
        if kind is Kind.SYMLINK:
            yield "target", printable(member.target), printable(os.readlink(path))
        if kind in (Kind.CHARACTER, Kind.BLOCK):
            device = (os.major(status.st_rdev), os.minor(status.st_rdev))
            yield "device", member.device, device
        yield "owner", f"{member.uid}:{member.gid}", f"{status.st_uid}:{status.st_gid}"
        if kind is not Kind.SYMLINK:
            # The permissions are those of the access control list where there is one (acl(5)).
            bits = 0o7000 if member.acl_access else 0o7777
            yield "mode", f"{member.mode & bits:04o}", f"{status.st_mode & bits:04o}"
        if abs(member.mtime_ns) < _TIME_MAX_NS:
            unit_ns = 1 if status.st_mtime_ns % 10**9 else 10**9
            yield "time", member.mtime_ns // unit_ns, status.st_mtime_ns // unit_ns
        for name, value in member.xattrs.items():
            yield f"attribute {printable(name)}", value.hex(), _xattr(path, name)
        lists = ((acl.ACCESS, member.acl_access), (acl.DEFAULT, member.acl_default))
        for attribute, text in lists:
            # Without a mask it says no more than the mode, which then holds it (acl(5)).
            if b"mask" in text:
                value = acl.xattr_value(text, uid_of=self._uid_of, gid_of=self._gid_of)
                yield "access control list", value.hex(), _xattr(path, attribute)


def _directories() -> Iterator[tuple[bytes, Inode]]:
    """Every directory that is there, as a prefix for the names in it, and its inode."""
    left = [b"./"]
    while left:
        path = left.pop()
        yield path, inodes.of(os.lstat(path))
        with os.scandir(path) as entries:
            left += [
                path + entry.name + b"/" for entry in entries if entry.is_dir(follow_symlinks=False)
            ]


def _crc(path: bytes, member: Member) -> int:
    """Of the data that the archive has of a file: of a sparse one without its holes."""
    extents = member.sparse.extents if member.sparse else ((0, member.size),)
    crc = 0
    fd = os.open(path, _OPEN)
    try:
        # What is written already leaves the page cache, and is read from the disk again.
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        for offset, length in extents:
            at, end = offset, offset + length
            while at < end and (data := os.pread(fd, min(_READ_BYTES, end - at), at)):
                crc = zlib.crc32(data, crc)
                at += len(data)
        # Not again before it is used: the installer reads hardly any of it.
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(fd)
    return crc


def _xattr(path: bytes, name: bytes) -> str:
    try:
        return os.getxattr(path, name, follow_symlinks=False).hex()
    except OSError as error:
        if error.errno != errno.ENODATA:
            raise
        return _MISSING


def _differs(path: bytes, reason: str) -> TreeDiffers:
    return TreeDiffers(path=printable(path.removeprefix(b".")), reason=reason)
