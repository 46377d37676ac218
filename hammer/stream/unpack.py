"""Writes the members of an archive below the current directory, as faithfully as Linux can.

The process must have chrooted there: members may be written through symbolic
links of the image, and only the chroot keeps those inside.
"""

# Names are bytes here, as the archive has them, and there is no Path of bytes.
# ruff: noqa: PTH102, PTH106, PTH108, PTH114, PTH116, PTH120, PTH211

import errno
import functools
import os
import stat
import zlib
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import TypeVar

from hammer.errors import (
    FileFailed,
    HammerError,
    TarCorrupt,
    TargetFull,
    TarMemberUnsupported,
)
from hammer.stream import acl, inodes
from hammer.stream.attributes import NOT_POSSIBLE, set_mode, set_owner, set_xattrs
from hammer.stream.helping import Helper
from hammer.stream.kept_acls import KeptAcls
from hammer.stream.member import Kind, Member, printable
from hammer.stream.orders import MESSAGE_MEMBERS, Item, Message, Told, item_of, member_of
from hammer.stream.readback import Readback

T = TypeVar("T")

MAX_KEPT_BYTES = 256 << 20
"""Of what is kept in memory up to the end, for half a million directories."""

_KEPT_BYTES = 512  # of each of them, of its attributes and of its extents, beside names and values
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


class Tree:
    """The tree below the current directory, while it is being written."""

    def __init__(
        self,
        *,
        url: str,
        ownerless: Collection[int],
        helper: Helper | None = None,
        readback: Readback | None = None,
    ) -> None:
        """`ownerless` are the device numbers (st_dev) of filesystems such as vfat.

        `helper` makes some of the files. `readback` is told of every member that was written
        here; what a helper does it does not see.
        """
        assert helper is None or readback is None, "a helper's files are not compared"
        self._helper = helper
        self._readback = readback
        self._crc = 0  # of the data of this member, for `readback`
        self._url = url
        self._ownerless = ownerless
        self._count = 0
        # The root and directories made here, whose names lead to them without a link, and which
        # give their own group, mode or access control list to no child.
        self._plain: set[bytes] = {b""} if _is_plain(".", ownerless=ownerless) else set()
        self._directories: dict[bytes, Member] = {}
        # Whether a directory may have been reached by another name than its own.
        self._by_links = False
        self._acls = KeptAcls()
        self._kept_bytes = 0

    def write_all(self, told: Told) -> int:
        """Write every member and return how many there were, those of the helper included.

        Raises TarCorrupt for members that contradict each other; TarMemberUnsupported;
        TargetFull; FileFailed; OtherEndGone.
        """
        for member in told:
            self._mapped(member, told, self._write)
            self._count += 1
        self._wait_for_helper()
        # Children change the time of their directory, and its mode may forbid
        # them: what is said of directories is done when there are no more children.
        self._finish_directories(told)
        self._wait_for_helper()
        if self._acls:
            uid_of, gid_of = acl.ids(Path("etc/passwd")), acl.ids(Path("etc/group"))
            set_acls = functools.partial(self._set_acls, uid_of=uid_of, gid_of=gid_of)
            for member in self._acls.members():
                self._mapped(member, told, set_acls)
        return self._count

    def take(self, message: Message, *, memory: memoryview) -> bool:
        """Make a run of files, or have the helper do it.

        False if it is no run, or the place of one of them in the order counts. `memory` holds
        their data. Raises as `write_all` does.
        """
        files, helper = message.files(), self._helper
        if not files or not (
            self._acls.have_none_of(files)
            and (helper is None or helper.names.isdisjoint(files))
            and self._directories.keys().isdisjoint(files)
            and {name.rpartition(b"/")[0] for name in files} <= self._plain
        ):
            return False
        if helper is not None and helper.has_room():
            helper.give(message, files)
        else:
            self._make_files(message.told(), memory)
        self._count += len(files)
        return True

    def make_file(self, item: Item, *, memory: memoryview) -> bool:
        """Make one of the files that are in no run. As `take`, of which it is the short form."""
        name = item[2]
        helper = self._helper
        if (
            self._acls.have(name)
            or not self._is_in_plain(name)
            or name in self._directories
            or (helper is not None and name in helper.names)
        ):
            return False
        self._make_files((item,), memory)
        self._count += 1
        return True

    def _make_files(self, items: Collection[Item], memory: memoryview) -> None:
        """As `_write` does, without what cannot be in a run: most files are made here."""
        for item in items:
            position, begin, name, mode, uid, gid, mtime_ns, size, *more = item
            try:
                if more:
                    told = Told(iter([item]), memory)
                    self._write_file(next(iter(told)), told)
                    continue
                fd = self._new_file(name, mode)
                try:
                    written = 0
                    while written < size:
                        written += os.write(fd, memory[begin + written : begin + size])
                    if uid or gid:
                        set_owner(fd, (uid, gid), ownerless=self._ownerless)
                    if uid or gid or mode & 0o7000:
                        set_mode(fd, mode, ownerless=self._ownerless)
                    os.utime(fd, ns=(mtime_ns, mtime_ns))
                finally:
                    os.close(fd)
            except OSError as error:
                raise self._failure(error, member_of(item), position) from None
            except ValueError as error:
                raise self._unsupported(member_of(item), str(error)) from None

    def make_run(self, message: Message, *, memory: memoryview) -> bool:
        """For the helper: make a run, which the writer has looked at; False if it is none."""
        if message.names:
            self._make_files(message.told(), memory)
        return bool(message.names)

    def _wait_for_helper(self) -> None:
        if self._helper is not None:
            self._helper.wait()

    def _mapped(self, member: Member, told: Told, act: Callable[[Member, Told], None]) -> None:
        try:
            act(member, told)
        except OSError as error:
            raise self._failure(error, member, told.position) from None
        except ValueError as error:
            raise self._unsupported(member, str(error)) from None

    def _write(self, member: Member, told: Told) -> None:
        if self._helper is not None and self._helper.names and not self._is_apart(member):
            self._helper.wait()
        kind = member.kind
        if kind is Kind.HARDLINK and _same(member.target, member.name):
            return  # nothing is replaced: a directory there still has to get its mode
        self._acls.name_is_new(member.name)
        if self._directories and kind is not Kind.DIRECTORY:
            self._directories.pop(member.name, None)
        if kind is Kind.FILE:
            self._write_file(member, told)
        elif kind is Kind.DIRECTORY:
            self._write_directory(member)
        elif kind is Kind.HARDLINK:
            self._write_hard_link(member)
        else:
            self._write_node(member)
        if self._acls.concern(member):
            self._keep_acl(member)
        if self._readback is not None and kind is not Kind.DIRECTORY:
            self._readback.wrote(member, crc=self._crc)

    def _keep_acl(self, member: Member) -> None:
        for name in self._acls.keep(member):
            self._keep(name, member)
            if not self._is_in_plain(name):
                self._acls.by_links = True

    def _is_apart(self, member: Member) -> bool:
        """Whether it makes no difference what the helper has done by now."""
        helper = self._helper
        return helper is None or (
            member.kind is not Kind.HARDLINK
            and member.name not in helper.names
            and self._is_in_plain(member.name)
        )

    # --- one kind each --------------------------------------------------------------------

    def _write_file(self, member: Member, told: Told) -> None:
        name, mode, uid, gid, mtime_ns, size, *_more, sparse = member
        fd = self._new_file(name, mode)
        self._crc = 0
        try:
            if sparse is None:
                self._copy(fd, size, told)
            else:
                for offset, length in sparse.extents:
                    os.lseek(fd, offset, os.SEEK_SET)
                    self._copy(fd, length, told)
                os.ftruncate(fd, sparse.size)
            # A file made by root in a plain directory is root's and has this
            # mode already: two system calls less for nearly every file.
            as_made = not (uid or gid) and self._is_in_plain(name)
            if not as_made:
                set_owner(fd, (uid, gid), ownerless=self._ownerless)
            if not as_made or mode & 0o7000:
                set_mode(fd, mode, ownerless=self._ownerless)
            if member.xattrs:
                set_xattrs(fd, member.xattrs, ownerless=self._ownerless)
            os.utime(fd, ns=(mtime_ns, mtime_ns))
        finally:
            os.close(fd)

    def _new_file(self, name: bytes, mode: int) -> int:
        """Opened; created with its permissions: the umask is 0 here."""
        try:
            return os.open(name, _NEW_FILE, mode & 0o777)
        except (FileNotFoundError, FileExistsError) as error:
            self._make_way(name, error)
        return os.open(name, _NEW_FILE, mode & 0o777)

    def _copy(self, fd: int, size: int, told: Told) -> None:
        left = size
        while left:
            piece = told.piece(left)
            left -= len(piece)
            if self._readback is not None:
                self._crc = zlib.crc32(piece, self._crc)
            while (written := os.write(fd, piece)) < len(piece):
                piece = piece[written:]

    def _write_directory(self, member: Member) -> None:
        """A directory that is there is kept; anything else, also a link to one, makes room.

        GNU tar does the same unless it is given --keep-directory-symlink.
        """
        name = member.name

        def make() -> bool:
            try:
                # Not setgid, which children would inherit.
                os.mkdir(name, member.mode & 0o1777)
            except FileExistsError:
                if not _is_directory(name):
                    raise
                return False
            return True

        self._keep(name, member)
        self._directories.pop(name, None)  # who names it last is also done last
        self._directories[name] = member
        made = bool(name) and self._made(member, make)
        if made and self._is_in_plain(name):
            self._plain.add(name)
            return
        if name:
            # It was there, and what members do to it by other names is not known here.
            self._plain.discard(name)
            self._by_links = self._by_links or _leads_through_links(name)
        # At once, too: a later member may replace a link that the name leads through.
        set_mode(name or b".", member.mode & 0o1777, ownerless=self._ownerless)

    def _finish_directories(self, told: Told) -> None:
        as_made: list[Item] = []
        for member in self._directories.values():
            if not self._is_as_made(member):
                self._mapped(member, told, self._finish_directory)
                continue
            as_made.append(item_of(member, position=told.position))
            if len(as_made) == MESSAGE_MEMBERS:
                self._share_times(as_made)
                as_made = []
        self.set_times(as_made)

    def _share_times(self, directories: list[Item]) -> None:
        helper = self._helper
        if helper is not None and helper.has_room():
            helper.give(Message.of(directories), ())
        else:
            self.set_times(directories)

    def set_times(self, directories: Iterable[Item]) -> None:
        """Of directories that are as they were made, but for this."""
        for item in directories:
            _position, _begin, name, _mode, _uid, _gid, mtime_ns, *_more = item
            try:
                os.utime(name, ns=(mtime_ns, mtime_ns), follow_symlinks=False)
            except OSError as error:
                raise self._failure(error, member_of(item), item[0]) from None

    def _is_as_made(self, member: Member) -> bool:
        """Whether a directory is what its member says, but for its time."""
        return (
            bool(member.name)  # the root was there before
            and member.name in self._plain
            and not (self._by_links or member.uid or member.gid or member.xattrs)
            and not member.mode & 0o6000
            and self._readback is None
        )

    def _finish_directory(self, member: Member, _told: Told) -> None:
        owner = (member.uid, member.gid)
        name, times_ns = member.name or b".", (member.mtime_ns, member.mtime_ns)
        try:
            fd = os.open(name, _OLD_DIRECTORY)
        except (FileNotFoundError, NotADirectoryError):
            return  # a later member took its place by way of another name
        try:
            set_owner(fd, owner, ownerless=self._ownerless)
            set_mode(fd, member.mode, ownerless=self._ownerless)
            set_xattrs(fd, member.xattrs, ownerless=self._ownerless)
            os.utime(fd, ns=times_ns)
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
        set_owner(name, (member.uid, member.gid), ownerless=self._ownerless)
        if member.kind is not Kind.SYMLINK:
            set_mode(name, member.mode, ownerless=self._ownerless)
        set_xattrs(name, member.xattrs, ownerless=self._ownerless)
        os.utime(name, ns=(member.mtime_ns, member.mtime_ns), follow_symlinks=False)

    # --- making room ----------------------------------------------------------------------

    def _made(self, member: Member, make: Callable[[], T]) -> T:
        """What `make` returns; if something stands in its way or is missing, once again."""
        try:
            return make()
        except (FileNotFoundError, FileExistsError) as error:
            self._make_way(member.name, error)
        return make()

    def _make_way(self, name: bytes, error: FileNotFoundError | FileExistsError) -> None:
        self._wait_for_helper()
        if isinstance(error, FileNotFoundError):
            self._make_parents(name)
        else:
            self._remove(name)

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
                self._keep(directory)
                self._plain.add(directory)

    def _remove(self, name: bytes) -> None:
        self._acls.goes(name)
        try:
            os.unlink(name)
        except IsADirectoryError:
            os.rmdir(name)
            # Another directory, and no plain one, may come to stand under the
            # names below it, or under another name of the same place.
            self._plain.clear()

    def _keep(self, name: bytes, member: Member | None = None) -> None:
        """Count what is kept up to the end, also of what is replaced. Raises ValueError."""
        self._kept_bytes += _KEPT_BYTES + len(name)
        if member is not None:
            self._kept_bytes += len(member.acl_access) + len(member.acl_default)
            for attribute, value in member.xattrs.items():
                self._kept_bytes += _KEPT_BYTES + len(attribute) + len(value)
            if member.sparse is not None:
                self._kept_bytes += _KEPT_BYTES * len(member.sparse.extents)
        if self._kept_bytes > MAX_KEPT_BYTES:
            limit_mib = MAX_KEPT_BYTES >> 20
            raise ValueError(f"with it, directories and their attributes are over {limit_mib} MiB")

    def _is_in_plain(self, name: bytes) -> bool:
        """Whether the directory of this name gives its own group, mode or ACL to no child."""
        return name.rpartition(b"/")[0] in self._plain

    def _set_acls(self, member: Member, _told: Told, *, uid_of: acl.IdOf, gid_of: acl.IdOf) -> None:
        texts = {acl.ACCESS: member.acl_access, acl.DEFAULT: member.acl_default}
        for name, text in texts.items():
            if text:
                value = acl.xattr_value(text, uid_of=uid_of, gid_of=gid_of)
                at = member.name or b"."
                set_xattrs(at, {name: value}, ownerless=self._ownerless)

    # --- failures -------------------------------------------------------------------------

    def _failure(self, error: OSError, member: Member, position: int) -> HammerError:
        reason = error.strerror or str(error)
        name = printable(member.name)
        if error.errno in _FULL:
            return TargetFull(path=f"/{name}")
        parent = os.path.dirname(member.name) or b"."
        if error.errno in NOT_POSSIBLE and os.stat(parent).st_dev in self._ownerless:
            kind = member.kind.name.lower()
            return self._unsupported(member, f"the filesystem there cannot hold a {kind}")
        link = member.kind is Kind.HARDLINK
        if error.errno in _CONTRADICTION or (link and error.errno == errno.EPERM):
            # link(2): EPERM is a directory as target.
            to = f": hard link to {printable(member.target)}" if link else ""
            return TarCorrupt(url=self._url, reason=f"member {name}{to}: {reason}", offset=position)
        return FileFailed(path=f"/{name}", reason=reason)

    def _unsupported(self, member: Member, reason: str) -> TarMemberUnsupported:
        return TarMemberUnsupported(url=self._url, member=printable(member.name), reason=reason)


def _is_plain(directory: str, *, ownerless: Collection[int]) -> bool:
    """Whether what is made in a directory gets root's ids, its own mode, and its name alone.

    vfat takes names that differ in case for the same.
    """
    status = os.stat(directory)
    if status.st_mode & stat.S_ISGID or status.st_dev in ownerless:
        return False
    try:
        return "system.posix_acl_default" not in os.listxattr(directory)
    except OSError:
        return True  # no xattrs, no lists


def _leads_through_links(name: bytes) -> bool:
    """Whether a directory on the way to it is known by another name."""
    parts = name.split(b"/")
    return any(os.path.islink(b"/".join(parts[:count])) for count in range(1, len(parts)))


def _is_directory(name: bytes) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(name).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _same(one: bytes, other: bytes) -> bool:
    inode = inodes.named(one)
    return inode is not None and inode == inodes.named(other)
