"""What one process reads of an archive and another one writes: members, and where their data lies.

The data itself is in memory that both share. It has slots, which are used in turns: when all that
was told of a slot is done, it is free again.
"""

import marshal
import mmap
import os
from collections.abc import Iterator
from struct import Struct
from typing import Any

from hammer.stream.sparse import Sparse
from hammer.stream.tar import Kind, Member

SLOT_BYTES = 1 << 20
"""Small: both processes are told to have it. Blocks of lz4 that are larger are copied once more."""
SLOTS = 4

MESSAGE_BYTES = 1 << 20
"""About what one message holds: with a global header of PAX a member of 512 bytes has MiBs."""

_LENGTH = Struct("<I")
_READ_BYTES = 256 << 10
_ITEM_BYTES = 100
_EXTENT_BYTES = 18
_DONE = b"."
_SLOT_END = (None,)
_END = ()
_KINDS = {kind.value: kind for kind in Kind}


# Position in the archive and a member; begin and end of data; None: the end of a slot; nothing:
# that of the archive. What marshal gives back are the types that it was given, and nobody else
# writes into this pipe.
_Item = tuple[Any, ...]


class OtherEndGone(Exception):
    """The other process has ended, or has closed its end."""


class Slots:
    """The memory. Made before the fork, it is the same in both processes (mmap(2), MAP_SHARED)."""

    def __init__(self) -> None:
        self.memory = mmap.mmap(-1, SLOTS * SLOT_BYTES)
        self.view = memoryview(self.memory)

    def begin(self, number: int) -> int:
        """Where a slot begins; they have numbers from 0, and take turns."""
        return number % SLOTS * SLOT_BYTES


class Orders:
    """The end of the process that reads. Raises OtherEndGone."""

    def __init__(self, *, send_fd: int, done_fd: int) -> None:
        self._send_fd = send_fd
        self._done_fd = done_fd
        self._items: list[_Item] = []
        self._waiting_bytes = 0  # about, of the items
        self._sent = 0
        self._done = 0

    def member(self, member: Member, *, position: int) -> None:
        """This is the next member, `position` is where its data begins in the archive."""
        name, kind, *plain, xattrs, acl_access, acl_default, holes = member
        self._items.append(
            (
                *(position, name, kind.value, *plain),
                *(dict(xattrs) if xattrs else None, acl_access, acl_default),
                (holes.extents, holes.size) if holes else None,
            )
        )
        self._waiting_bytes += _ITEM_BYTES + len(name) + len(acl_access) + len(acl_default)
        if xattrs:
            self._waiting_bytes += sum(len(key) + len(value) for key, value in xattrs.items())
        if holes:
            self._waiting_bytes += _EXTENT_BYTES * len(holes.extents)
        if self._waiting_bytes > MESSAGE_BYTES:
            self._send()

    def data(self, begin: int, end: int) -> None:
        """More data of the last member: its offsets in the memory."""
        self._items.append((begin, end))

    def end_slot(self) -> None:
        """All was told that the slot in use has data for."""
        self._items.append(_SLOT_END)
        self._send()
        self._sent += 1

    def _send(self) -> None:
        message = marshal.dumps(self._items)
        self._items, self._waiting_bytes = [], 0
        view = memoryview(_LENGTH.pack(len(message)) + message)
        try:
            while view:
                view = view[os.write(self._send_fd, view) :]
        except BrokenPipeError:
            raise OtherEndGone from None

    def end(self) -> None:
        """That was the whole archive."""
        self._items.append(_END)
        self._send()

    def next_slot(self) -> int:
        """The number of a slot that is free, waited for."""
        while self._sent - self._done >= SLOTS:
            done = os.read(self._done_fd, SLOTS)
            if not done:
                raise OtherEndGone
            self._done += len(done)
        return self._sent


class Told:
    """The end of the process that writes: the members, and the data of each in pieces."""

    def __init__(self, view: memoryview, *, told_fd: int, done_fd: int) -> None:
        self._view = view
        self._told_fd = told_fd
        self._done_fd = done_fd
        self._items = self._received()
        self._rest = (0, 0)
        self.position = 0
        """How far the archive is used, in bytes."""

    def __iter__(self) -> Iterator[Member]:
        """Yield each member; what its user leaves of its data is passed over.

        Raises OtherEndGone when the archive has not come to its end.
        """
        for item in self._items:
            if len(item) == 2:
                continue
            if not item:
                return
            self._rest = (0, 0)
            self.position = item[0]
            yield _member(item)
        raise OtherEndGone

    def piece(self, limit_bytes: int) -> memoryview:
        """Up to `limit_bytes` of the member's data, never none; valid until the next call."""
        begin, end = self._rest
        if begin == end:
            begin, end = next(self._items, (0, 0))
            if begin == end:
                raise OtherEndGone
        until = min(end, begin + limit_bytes)
        self._rest = (until, end)
        self.position += until - begin
        return self._view[begin:until]

    def _received(self) -> Iterator[_Item]:
        buffered = os.fdopen(self._told_fd, "rb", buffering=_READ_BYTES, closefd=False)
        while len(length := buffered.read(_LENGTH.size)) == _LENGTH.size:
            (size,) = _LENGTH.unpack(length)
            message = buffered.read(size)
            if len(message) < size:
                return
            for item in marshal.loads(message):
                if item == _SLOT_END:
                    os.write(self._done_fd, _DONE)
                else:
                    yield item


def _member(item: _Item) -> Member:
    _position, name, kind, *plain, xattrs, acl_access, acl_default, holes = item
    sparse = Sparse(extents=holes[0], size=holes[1]) if holes else None
    fields = (name, _KINDS[kind], *plain, xattrs or {}, acl_access, acl_default, sparse)
    return Member._make(fields)
