"""Access control lists that wait for the end, because names in them are looked up in the image.

A list is of the file, which may have other names by then, or may be gone.
"""

import os
import stat
from collections.abc import Collection, Iterator

from hammer.stream import inodes
from hammer.stream.inodes import Inode
from hammer.stream.member import Kind, Member


class KeptAcls:
    """The members that have a list, by what they became, and the names that lead there."""

    def __init__(self) -> None:
        self._members: dict[Inode, Member] = {}
        self._names: dict[bytes, Inode] = {}
        self.by_links = False
        """Whether one of the names leads through a link, so that other names lead there too."""

    def have_none_of(self, names: Collection[bytes]) -> bool:
        """Whether none of the names leads to a file with a list, as far as names tell."""
        return not self.by_links and self._names.keys().isdisjoint(names)

    def have(self, name: bytes) -> bool:
        """Whether this name may lead to a file with a list."""
        return self.by_links or name in self._names

    def concern(self, member: Member) -> bool:
        """Whether it has a list, or may be another name of a file that has one."""
        return bool(
            member.acl_access
            or member.acl_default
            or (self._members and member.kind is Kind.HARDLINK)
        )

    def name_is_new(self, name: bytes) -> None:
        """What has this name from now on is another file."""
        if self._names:
            self._names.pop(name, None)

    def goes(self, name: bytes) -> None:
        """What has this name is about to be removed. Raises OSError."""
        if not self._members:
            return
        status = os.lstat(name)
        if status.st_nlink == 1 or stat.S_ISDIR(status.st_mode):
            # The next file may get its number.
            self._members.pop(inodes.of(status), None)

    def keep(self, member: Member) -> list[bytes]:
        """Note the list of a member that was written. Returns the names that lead to it."""
        inode = inodes.named(member.name)
        if inode is None:
            return []
        if member.acl_access or member.acl_default:
            self._members[inode] = member
        if inode not in self._members:
            return []
        linked = member.kind is Kind.HARDLINK
        names = [member.name, member.target] if linked else [member.name]
        self._names.update(dict.fromkeys(names, inode))
        return names

    def __bool__(self) -> bool:
        return bool(self._members)

    def members(self) -> Iterator[Member]:
        """Those whose names still lead to what they became, each by each of its names."""
        for name, inode in self._names.items():
            listed = self._members.get(inode)
            if listed is not None and inodes.named(name) == inode:
                yield listed._replace(name=name)
