"""The image as the tree of files that unpacking would make of it, in memory and without content."""

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from hammer.host.files import SYMLINKS_MAX
from hammer.stream.member import Kind, Member, printable

# A member takes about 280 bytes here (measured with 300 000 names as Debian has them), so that
# this is the limit of the check's memory: twenty times the files of a large server.
ENTRIES_MAX = 1_000_000
NAME_BYTES_MAX = 256 << 20
# A name may lead through 40 links of 2000 parts each, and each member has a name: some KiB of
# an image would keep us busy for minutes. A million hard links take less, a Debian some thousand.
STEPS_MAX = 20_000_000
_PATH_MAX = 4095  # limits.h of Linux, without the NUL
_NAME_MAX = 255
_SHOWN = 5


class Entry(NamedTuple):
    """One inode: hard links share it."""

    kind: Kind
    mode: int
    size: int = 0
    """Bytes as stat(2) shows them, holes included."""
    stored_bytes: int = 0
    """Bytes of data, without holes."""
    target: bytes = b""
    """Of a symbolic link, as written."""
    machine: int = 0
    """e_machine of an executable ELF file (elf(5)), else 0."""
    starter: bytes | None = b""
    """The program by which the kernel starts this one; empty without, None if not known."""
    capable: bool = False
    """Whether it has file capabilities."""
    content: bytes | None = None
    """What was kept of its content: its beginning, or all; None if nothing."""


class Contradiction(Exception):
    """The member cannot be written where it says; the text is the kernel's word for it."""

    def __init__(self, number: int) -> None:
        super().__init__(os.strerror(number))
        self.number = number


class TooMany(Exception):
    """More than any image has; the text says of what."""


@dataclass
class Names:
    """How many there are, and the first of them."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, name: bytes, suffix: str = "") -> None:
        self.count += 1
        if len(self.first) < _SHOWN:
            self.first.append(f"/{printable(name)}{suffix}" if name else f"/{suffix}")

    def __str__(self) -> str:
        more = self.count - len(self.first)
        return ", ".join(self.first) + (f" and {more} more" if more else "")


def directory(mode: int = 0o755) -> Entry:
    return Entry(Kind.DIRECTORY, mode)


class Tree:
    """What is where, after the members so far. Paths are bytes without a leading slash."""

    def __init__(self) -> None:
        self.entries: dict[bytes, Entry] = {b"": directory()}
        """By real path: no directory of a key is a symbolic link."""
        self._children: dict[bytes, int] = {}
        self._name_bytes = 0
        self._steps = 0
        self.twice = Names()
        self.retyped = Names()
        self.through_links = Names()

    # --- writing, as hammer/stream/unpack.py does it ---------------------------------------

    def place(self, member: Member) -> bytes:
        """The real path of a member that is about to be written; makes room and parents.

        Raises Contradiction where the kernel would refuse, TooMany.
        """
        name = member.name
        _refuse_long(name)
        if not name:
            if member.kind is not Kind.DIRECTORY:
                raise Contradiction(errno.ENOENT)
            return name
        if member.kind is Kind.SYMLINK:
            _refuse_target(member.target)
        path = self._below_parent(name)
        if path != name:
            self.through_links.add(name)
        old = self.entries.get(path)
        if old is not None:
            self._make_room(path, old, member)
            if path != name and old.kind is Kind.SYMLINK:
                self._refuse_its_own_way(name, path)
        return path

    def _refuse_its_own_way(self, name: bytes, path: bytes) -> None:
        """Raise Contradiction if the link that makes room is one that the name leads through."""
        link = self.entries.pop(path)
        try:
            self._real(name, last=False)
        finally:
            self.entries[path] = link

    def put(self, path: bytes, entry: Entry) -> None:
        """Let `entry` be at `path`, which `place` gave. Raises TooMany."""
        if path not in self.entries:
            parent = path.rpartition(b"/")[0]
            self._children[parent] = self._children.get(parent, 0) + 1
            self._name_bytes += len(path)
            if len(self.entries) >= ENTRIES_MAX or self._name_bytes > NAME_BYTES_MAX:
                limit = f"{ENTRIES_MAX} paths or {NAME_BYTES_MAX >> 20} MiB of names"
                raise TooMany(f"more than {limit}")
        self.entries[path] = entry

    def hard_link(self, member: Member) -> bytes | None:
        """Give the target of the link another name; its real path, None if there is no target.

        Raises Contradiction, TooMany.
        """
        _refuse_long(member.target)
        try:
            target = self._real(member.target, last=False)
        except Contradiction as failure:
            if failure.number == errno.ENOENT:
                return None
            raise
        entry = self.entries.get(target)
        if entry is None:
            return None
        if self._is_same(target, entry, member.name):
            return target
        if entry.kind is Kind.DIRECTORY:
            raise Contradiction(errno.EPERM)
        path = self.place(member)
        self.put(path, entry)
        return path

    def _is_same(self, target: bytes, entry: Entry, name: bytes) -> bool:
        try:
            path = self._real(name, last=False)
        except Contradiction:
            return False
        return path == target or self.entries.get(path) is entry

    def _below_parent(self, name: bytes) -> bytes:
        parent, _, base = name.rpartition(b"/")
        entry = self.entries.get(parent)
        if entry is not None and entry.kind is Kind.DIRECTORY:  # nearly always
            return name
        parent = self._made_directory(parent)
        return parent + b"/" + base if parent else base

    def _made_directory(self, name: bytes) -> bytes:
        at = b""
        for part in name.split(b"/"):
            self._step()
            here = at + b"/" + part if at else part
            entry = self.entries.get(here)
            if entry is None:
                self.put(here, directory())
            elif entry.kind is Kind.SYMLINK:
                here = self._real(here)
                entry = self.entries.get(here)
                if entry is None:
                    raise Contradiction(errno.ENOENT)
            if entry is not None and entry.kind is not Kind.DIRECTORY:
                raise Contradiction(errno.ENOTDIR)
            at = here
        return at

    def _make_room(self, path: bytes, old: Entry, member: Member) -> None:
        if old.kind is Kind.DIRECTORY:
            if member.kind is Kind.DIRECTORY:
                return
            if self._children.get(path):
                raise Contradiction(errno.ENOTEMPTY)
        new = member.kind
        if new in (old.kind, Kind.HARDLINK) and old.kind is not Kind.DIRECTORY:
            self.twice.add(path)
        else:
            before, after = old.kind.name.lower(), new.name.lower()
            self.retyped.add(path, f" ({before}, then {after})")

    # --- reading ---------------------------------------------------------------------------

    def find(self, path: str | bytes) -> tuple[bytes, Entry] | None:
        """The real path and the entry of `path`, links followed inside of the image."""
        name = path.encode() if isinstance(path, str) else path
        try:
            real = self._real(name)
        except Contradiction:
            return None
        entry = self.entries.get(real)
        return None if entry is None else (real, entry)

    def at(self, path: str, *, follow: bool = True) -> Entry | None:
        """What is at `path`, links followed, the last one only if `follow`; None for nothing.

        Raises Contradiction where there can be nothing: below a file, or in a loop of links.
        """
        try:
            return self.entries.get(self._real(path.encode(), last=follow))
        except Contradiction as failure:
            if failure.number == errno.ENOENT:
                return None
            raise

    def file(self, path: str | bytes) -> Entry | None:
        """The regular file at `path`, links followed."""
        found = self.find(path)
        return found[1] if found and found[1].kind is Kind.FILE else None

    def program(self, *names: str) -> Entry | None:
        """The first of the programs that is in a directory of programs."""
        for name in names:
            for folder in ("usr/sbin", "usr/bin", "sbin", "bin", "usr/local/sbin", "usr/local/bin"):
                entry = self.file(f"{folder}/{name}")
                if entry and entry.mode & 0o111:
                    return entry
        return None

    def under(self, folder: str) -> Iterator[tuple[bytes, Entry]]:
        """Name and entry of what is directly in a directory, links followed."""
        found = self.find(folder)
        if found is None:
            return
        for path in self._by_parent.get(found[0], ()):
            yield path.rpartition(b"/")[2], self.entries[path]

    @cached_property
    def _by_parent(self) -> dict[bytes, list[bytes]]:
        """Made by the first reader; there is no writing after it."""
        found: dict[bytes, list[bytes]] = {}
        for path in self.entries:
            if path:
                found.setdefault(path.rpartition(b"/")[0], []).append(path)
        return found

    def _step(self) -> None:
        self._steps += 1
        if self._steps > STEPS_MAX:
            raise TooMany(f"more than {STEPS_MAX} steps on the ways of names and links")

    def _real(self, path: bytes, *, last: bool = True) -> bytes:
        """Where `path` leads, by path_resolution(7); of its last part only if `last`.

        What is missing at the end is joined as it is. Raises Contradiction.
        """
        todo = [part for part in reversed(path.split(b"/")) if part]
        at = b""
        links = 0
        while todo:
            part = todo.pop()
            self._step()
            if part == b".":
                continue
            if part == b"..":
                at = at.rpartition(b"/")[0]
                continue
            here = at + b"/" + part if at else part
            entry = self.entries.get(here)
            if entry is None:
                if todo:
                    raise Contradiction(errno.ENOENT)
            elif entry.kind is Kind.SYMLINK and (last or todo):
                links += 1
                if links > SYMLINKS_MAX:
                    raise Contradiction(errno.ELOOP)
                if entry.target.startswith(b"/"):
                    at = b""
                todo += [part for part in reversed(entry.target.split(b"/")) if part]
                continue
            elif todo and entry.kind is not Kind.DIRECTORY:
                raise Contradiction(errno.ENOTDIR)
            at = here
        return at


def _refuse_long(name: bytes) -> None:
    if len(name) <= _NAME_MAX:
        return
    if len(name) > _PATH_MAX or any(len(part) > _NAME_MAX for part in name.split(b"/")):
        raise Contradiction(errno.ENAMETOOLONG)


def _refuse_target(target: bytes) -> None:
    if not target:
        raise Contradiction(errno.ENOENT)
    if len(target) > _PATH_MAX:
        raise Contradiction(errno.ENAMETOOLONG)
