"""Writes the members of an archive below the current directory, as faithfully as Linux can.

The process must have chrooted there: members may be written through symbolic
links of the image, and only the chroot keeps those inside.
"""

# Names are bytes here, as the archive has them, and there is no Path of bytes.
# ruff: noqa: PTH101, PTH102, PTH106, PTH108, PTH116, PTH120, PTH211

import errno
import os
import stat
import zlib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeVar

from hammer.errors import (
    FileFailed,
    HammerError,
    TarCorrupt,
    TargetFull,
    TarMemberUnsupported,
)
from hammer.stream import acl
from hammer.stream.orders import Told
from hammer.stream.readback import Readback
from hammer.stream.tar import Kind, Member, printable

T = TypeVar("T")

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OLD_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_FULL = {errno.ENOSPC, errno.EDQUOT}
# What only the archive can have caused: a member below a file, over a directory
# that is not empty, below a link that leads round in circles or to nowhere.
_CONTRADICTION = {
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EEXIST,
    errno.ENOTEMPTY,
    errno.ELOOP,
    errno.ENOENT,
    errno.ENAMETOOLONG,
    errno.EBUSY,
}
_NOT_POSSIBLE = {errno.EPERM, errno.EOPNOTSUPP}


class Tree:
    """The tree below the current directory, while it is being written."""

    def __init__(
        self,
        told: Told,
        *,
        url: str,
        ownerless: Collection[int],
        readback: Readback | None = None,
    ) -> None:
        """`ownerless` are the device numbers (st_dev) of filesystems such as vfat.

        `readback` is told of every member that was written.
        """
        self._readback = readback
        self._crc = 0  # of the data of this member, for `readback`
        self._told = told
        self._url = url
        self._ownerless = ownerless
        self._plain: set[bytes] = {b""} if _is_plain(".") else set()
        self._directories: dict[bytes, Member] = {}
        self._acls: dict[bytes, Member] = {}

    def write_all(self) -> int:
        """Write every member and return how many there were.

        Raises TarCorrupt for members that contradict each other; TarMemberUnsupported;
        TargetFull; FileFailed; OtherEndGone.
        """
        count = 0
        for member in self._told:
            self._mapped(member, self._write)
            count += 1
        # Children change the time of their directory, and its mode may forbid
        # them: what is said of directories is done when there are no more children.
        for member in self._directories.values():
            self._mapped(member, self._finish_directory)
        for member in self._acls.values():
            self._mapped(member, self._set_acls)
        return count

    def _mapped(self, member: Member, act: Callable[[Member], None]) -> None:
        try:
            act(member)
        except OSError as error:
            raise self._failure(error, member) from None
        except ValueError as error:
            raise self._unsupported(member, str(error)) from None

    def _write(self, member: Member) -> None:
        if member.kind is Kind.HARDLINK and _same(member.target, member.name):
            return  # nothing is replaced: a directory there still has to get its mode
        if self._acls:
            self._acls.pop(member.name, None)
        if self._directories and member.kind is not Kind.DIRECTORY:
            self._directories.pop(member.name, None)
        if member.kind is Kind.FILE:
            self._write_file(member)
        elif member.kind is Kind.DIRECTORY:
            self._write_directory(member)
        elif member.kind is Kind.HARDLINK:
            self._write_hard_link(member)
        else:
            self._write_node(member)
        if member.acl_access or member.acl_default:
            self._acls[member.name] = member
        if self._readback is not None and member.kind is not Kind.DIRECTORY:
            self._readback.wrote(member, crc=self._crc)

    # --- one kind each --------------------------------------------------------------------

    def _write_file(self, member: Member) -> None:
        # Created with its permissions; the umask is 0 here.
        fd = self._made(member, lambda: os.open(member.name, _NEW_FILE, member.mode & 0o777))
        self._crc = 0
        try:
            if member.sparse is None:
                self._copy(fd, member.size)
            else:
                for offset, length in member.sparse.extents:
                    os.lseek(fd, offset, os.SEEK_SET)
                    self._copy(fd, length)
                os.ftruncate(fd, member.sparse.size)
            # A file made by root in a plain directory is root's and has this
            # mode already: two system calls less for nearly every file.
            if member.uid or member.gid or not self._in_plain(member):
                self._chown(fd, member)
                self._chmod(fd, member)
            elif member.mode & 0o7000:
                self._chmod(fd, member)
            if member.xattrs:
                self._set_xattrs(fd, member)
            os.utime(fd, ns=(member.mtime_ns, member.mtime_ns))
        finally:
            os.close(fd)

    def _copy(self, fd: int, size: int) -> None:
        left = size
        while left:
            piece = self._told.piece(left)
            left -= len(piece)
            if self._readback is not None:
                self._crc = zlib.crc32(piece, self._crc)
            while written := os.write(fd, piece):
                if written == len(piece):
                    break
                piece = piece[written:]

    def _write_directory(self, member: Member) -> None:
        """A directory that is there is kept; anything else, also a link to one, makes room.

        GNU tar does the same unless it is given --keep-directory-symlink.
        """
        name = member.name

        def make() -> bool:
            try:
                os.mkdir(name, 0o700)
            except FileExistsError:
                if not _is_directory(name):
                    raise
                return False
            return True

        if name and self._made(member, make) and self._in_plain(member):
            self._plain.add(name)
        # At once, too: a later member may replace a link that the name leads through.
        # Not setgid, which children would inherit.
        self._chmod(name or b".", member, bits=0o1777)
        self._directories[name] = member

    def _finish_directory(self, member: Member) -> None:
        try:
            fd = os.open(member.name or b".", _OLD_DIRECTORY)
        except (FileNotFoundError, NotADirectoryError):
            return  # a later member took its place by way of another name
        try:
            self._chown(fd, member)
            self._chmod(fd, member)
            self._set_xattrs(fd, member)
            os.utime(fd, ns=(member.mtime_ns, member.mtime_ns))
        finally:
            os.close(fd)
        if self._readback is not None:
            self._readback.wrote(member)

    def _write_hard_link(self, member: Member) -> None:
        self._made(member, lambda: os.link(member.target, member.name, follow_symlinks=False))

    def _write_node(self, member: Member) -> None:
        name = member.name
        if member.kind is Kind.SYMLINK:
            self._made(member, lambda: os.symlink(member.target, name))
        else:
            kind = {Kind.CHARACTER: stat.S_IFCHR, Kind.BLOCK: stat.S_IFBLK}
            mode = kind.get(member.kind, stat.S_IFIFO) | (member.mode & 0o777)
            self._made(member, lambda: os.mknod(name, mode, os.makedev(*member.device)))
        self._chown(name, member)
        if member.kind is not Kind.SYMLINK:
            self._chmod(name, member)
        self._set_xattrs(name, member)
        os.utime(name, ns=(member.mtime_ns, member.mtime_ns), follow_symlinks=False)

    # --- making room ----------------------------------------------------------------------

    def _made(self, member: Member, make: Callable[[], T]) -> T:
        """What `make` returns; if something stands in its way or is missing, once again."""
        try:
            return make()
        except FileNotFoundError:
            self._make_parents(member.name)
        except FileExistsError:
            self._remove(member.name)
        return make()

    def _make_parents(self, name: bytes) -> None:
        """Directories that no member names: 0755 and root's, as GNU tar makes them for root."""
        parts = name.split(b"/")[:-1]
        for count in range(1, len(parts) + 1):
            directory = b"/".join(parts[:count])
            try:
                os.mkdir(directory, 0o755)
            except FileExistsError:
                continue
            if b"/".join(parts[: count - 1]) in self._plain:
                self._plain.add(directory)

    def _remove(self, name: bytes) -> None:
        try:
            os.unlink(name)
        except IsADirectoryError:
            os.rmdir(name)
            # Another directory, and no plain one, may come to stand under the
            # names below it, or under another name of the same place.
            self._plain.clear()

    def _in_plain(self, member: Member) -> bool:
        """Whether the directory of the member gives its own group, mode or ACL to no child."""
        return member.name.rpartition(b"/")[0] in self._plain

    # --- what files have besides their content --------------------------------------------

    def _chown(self, at: int | bytes, member: Member) -> None:
        try:
            if isinstance(at, int):
                os.chown(at, member.uid, member.gid)
            else:
                os.chown(at, member.uid, member.gid, follow_symlinks=False)
        except OSError as error:
            self._raise_unless_ownerless(error, at)

    def _chmod(self, at: int | bytes, member: Member, *, bits: int = 0o7777) -> None:
        """After `_chown`, which takes the setuid bit away (chown(2))."""
        try:
            os.chmod(at, member.mode & bits)
        except OSError as error:
            self._raise_unless_ownerless(error, at)

    def _set_xattrs(self, at: int | bytes, member: Member) -> None:
        """After `_chown` and after the content: both take security.capability away."""
        for name, value in member.xattrs.items():
            self._set_xattr(at, name, value)

    def _set_xattr(self, at: int | bytes, name: bytes, value: bytes) -> None:
        try:
            if isinstance(at, int):
                os.setxattr(at, name, value)
            else:
                os.setxattr(at, name, value, follow_symlinks=False)
        except OSError as error:
            self._raise_unless_ownerless(error, at, what=f" (xattr {printable(name)})")

    def _set_acls(self, member: Member) -> None:
        """At the end, because names in a list are looked up in the image's own files."""
        uid_of = acl.ids(Path("etc/passwd"))
        gid_of = acl.ids(Path("etc/group"))
        texts = {acl.ACCESS: member.acl_access, acl.DEFAULT: member.acl_default}
        for name, text in texts.items():
            if text:
                value = acl.xattr_value(text, uid_of=uid_of, gid_of=gid_of)
                self._set_xattr(member.name or b".", name, value)

    def _raise_unless_ownerless(self, error: OSError, at: int | bytes, *, what: str = "") -> None:
        """A filesystem such as vfat cannot hold owners and modes; the ESP lives without them."""
        status = os.fstat(at) if isinstance(at, int) else os.lstat(at)
        if error.errno not in _NOT_POSSIBLE or status.st_dev not in self._ownerless:
            raise OSError(error.errno, f"{os.strerror(error.errno or 0)}{what}") from None

    # --- failures -------------------------------------------------------------------------

    def _failure(self, error: OSError, member: Member) -> HammerError:
        reason = error.strerror or str(error)
        name = printable(member.name)
        if error.errno in _FULL:
            return TargetFull(path=f"/{name}")
        parent = os.path.dirname(member.name) or b"."
        if error.errno in _NOT_POSSIBLE and os.stat(parent).st_dev in self._ownerless:
            kind = member.kind.name.lower()
            return self._unsupported(member, f"the filesystem there cannot hold a {kind}")
        link = member.kind is Kind.HARDLINK
        if error.errno in _CONTRADICTION or (link and error.errno == errno.EPERM):
            # link(2): EPERM is a directory as target.
            to = f": hard link to {printable(member.target)}" if link else ""
            return TarCorrupt(
                url=self._url, reason=f"member {name}{to}: {reason}", offset=self._told.position
            )
        return FileFailed(path=f"/{name}", reason=reason)

    def _unsupported(self, member: Member, reason: str) -> TarMemberUnsupported:
        return TarMemberUnsupported(url=self._url, member=printable(member.name), reason=reason)


def _is_plain(directory: str) -> bool:
    """Whether what is made in a directory gets root's ids and the mode it asked for."""
    if os.stat(directory).st_mode & stat.S_ISGID:
        return False
    try:
        return "system.posix_acl_default" not in os.listxattr(directory)
    except OSError:
        return True  # no xattrs, no lists


def _is_directory(name: bytes) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(name).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _same(one: bytes, other: bytes) -> bool:
    try:
        a, b = os.lstat(one), os.lstat(other)
    except OSError:
        return False
    return (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino)
