"""What one process reads of an archive and another one writes: members, and where their data lies.

The data itself is in memory that both share (slots.py). When all that was told of a slot is done,
it is free again.

Members are told in messages. One with nothing in it but a run of whole files, and not a short one,
has their names in front, so that who is told can pass it on to a helper without another look
(helping.py).
"""

import io
import marshal
import os
import select
from collections.abc import Callable, Iterator
from struct import Struct
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from hammer.stream.member import NO_DEVICE, NO_XATTRS, Kind, Member
from hammer.stream.slots import OtherEndGone
from hammer.stream.sparse import Sparse

SLOT_BYTES = 1 << 20
"""Small, so that what was unpacked is still in a cache of the processor when it is written."""
SLOTS = 16
"""A block of lz4 fills four at once, and those who write are not always there at once."""

MESSAGE_BYTES = 1 << 20
"""About what one message holds: with a global header of PAX a member of 512 bytes has MiBs."""

MESSAGE_MEMBERS = 64
"""So many are enough, so that work begins before a slot is full, and can be shared."""

FEWEST_FILES = 32
"""Fewer files are no run: the way to the helper is longer than their work."""

RUN_MEMBERS = 128
"""The most of one, so that the files of a directory come to one process."""

PIPE_BYTES = 1 << 20
"""Of the pipes to those who write: room for the orders of all slots full of small files. Who reads
is ahead of them, and they find work whenever they run (pipe(7): 64 KiB else, and this much for
everybody)."""

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_LENGTHS = Struct("<II")
_READ_BYTES = 256 << 10
_ITEM_BYTES = 100
_EXTENT_BYTES = 18
_SLOT_END = (None,)
_END = ()
_KINDS = {int(kind): kind for kind in Kind}
_FILE = Kind.FILE
# What is in the fields behind `kind` when nothing is said in them.
_PLAIN = (b"", NO_DEVICE, NO_XATTRS, b"", b"", None)
_PLAIN_FILE = (_FILE, *_PLAIN)
_KIND_AT = Member._fields.index("kind")

# Position in the archive, begin of the data in the memory or None, and a member, without the
# fields behind `kind` if nothing is said in them, and without `kind` if it is a file in a run;
# begin and end of data; None: the end of a slot; nothing: that of the archive. What marshal gives
# back are the types that it was given, and nobody else writes into this pipe.
Item = tuple[Any, ...]

FILE_FIELDS = 2 + _KIND_AT
"""So many has the item of a file in a run of which nothing else is said, and no other item."""
_SHORT_FIELDS = FILE_FIELDS + 1


class Message(NamedTuple):
    """As it goes through the pipe."""

    names: bytes
    items: bytes

    @classmethod
    def of(cls, items: list[Item], *, names: list[bytes] | None = None) -> Self:
        """With names if it is a run of files."""
        return cls(marshal.dumps(names) if names else b"", marshal.dumps(items))

    def files(self) -> list[bytes]:
        """The names of the files that it holds, if it holds nothing else; else none."""
        return marshal.loads(self.names) if self.names else []

    def told(self) -> list[Item]:
        items: list[Item] = marshal.loads(self.items)
        return items

    def __bytes__(self) -> bytes:
        return _LENGTHS.pack(len(self.names), len(self.items)) + self.names + self.items


END_OF_SLOT = Message.of([_SLOT_END])
"""Alone, as its place is behind all that was told of the slot, whoever has that."""


class Orders:
    """The end of the process that reads. Raises OtherEndGone."""

    def __init__(self, send_fd: int) -> None:
        self._send_fd = send_fd
        self._messages: list[bytes] = []
        self._items: list[Item] = []
        self._run: list[Item] = []  # of whole files, which follow the others
        self._names: list[bytes] = []
        self._members = 0  # of all messages that wait, without the run
        self._waiting_bytes = 0  # about, of all items that wait

    def whole(self, member: Member, *, position: int, begin: int) -> None:
        """This is the next member; its data begins there in the archive, and in the memory.

        Most members are files of which nothing else is said, and go the shortest way.
        """
        if member[_KIND_AT:] == _PLAIN_FILE:
            item: Item = (position, begin, *member[:_KIND_AT])
            self._waiting_bytes += _ITEM_BYTES + len(member.name)
        elif member.kind is _FILE and not (member.acl_access or member.acl_default):
            item = self._item(member, position, begin)
        else:
            self.member(member, position=position, begin=begin)
            self.end_member()
            return
        self._names.append(member.name)
        self._run.append(item)
        if len(self._run) >= RUN_MEMBERS or self._waiting_bytes > MESSAGE_BYTES:
            self._send()

    def member(self, member: Member, *, position: int, begin: int | None = None) -> None:
        """This is the next member, whose data is told by `data` unless `begin` is all of it."""
        if self._run:
            self._end_run()
        self._items.append(self._item(member, position, begin))

    def _item(self, member: Member, position: int, begin: int | None) -> Item:
        """What is told of it; counted as waiting."""
        self._waiting_bytes += _ITEM_BYTES + len(member.name)
        item = item_of(member, position=position, begin=begin)
        if len(item) > _SHORT_FIELDS:
            self._waiting_bytes += len(member.acl_access) + len(member.acl_default)
            self._waiting_bytes += sum(
                len(name) + len(value) for name, value in member.xattrs.items()
            )
            if member.sparse:
                self._waiting_bytes += _EXTENT_BYTES * len(member.sparse.extents)
        return item

    def data(self, begin: int, end: int) -> None:
        """More data of the last member: its offsets in the memory."""
        self._items.append((begin, end))

    def end_member(self) -> None:
        """That was all of its data."""
        self._members += 1
        if self._members >= MESSAGE_MEMBERS or self._waiting_bytes > MESSAGE_BYTES:
            self._send()

    def end_slot(self) -> None:
        """All was told that the slot in use has data for."""
        self._end_message()
        self._messages.append(bytes(END_OF_SLOT))
        self._send()

    def end(self) -> None:
        """That was the whole archive."""
        self._end_run()
        self._items.append(_END)
        self._send()

    def _end_run(self) -> None:
        run, names = self._run, self._names
        self._run, self._names = [], []
        self._members += len(run)
        if len(run) < FEWEST_FILES:
            self._items += run
            return
        self._end_message()
        self._messages.append(bytes(Message.of(run, names=names)))

    def _end_message(self) -> None:
        if self._run:
            self._end_run()
        if self._items:
            self._messages.append(bytes(Message.of(self._items)))
        self._items = []

    def _send(self) -> None:
        self._end_message()
        send_all(self._send_fd, b"".join(self._messages))
        self._messages, self._members, self._waiting_bytes = [], 0, 0


def send_all(fd: int, data: bytes) -> None:
    """Write all of it into a pipe. Raises OtherEndGone."""
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(fd, view) :]
    except BrokenPipeError:
        raise OtherEndGone from None


class _Watched(io.RawIOBase):
    """A pipe to read from, unless the other end of another one is closed."""

    def __init__(self, fd: int, other_fd: int) -> None:
        self._fd, self._other_fd = fd, other_fd
        self._ready = select.poll()
        self._ready.register(fd, select.POLLIN)
        self._ready.register(other_fd, 0)  # to hear of its end alone (poll(2), POLLHUP)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        if any(fd == self._other_fd for fd, _event in self._ready.poll()):
            raise OtherEndGone
        return os.readv(self._fd, [buffer])


def messages(told_fd: int, *, helper_fd: int | None = None) -> Iterator[Message]:
    """What comes out of the pipe; ends with it, also in the middle of a message.

    Raises OtherEndGone when the other end of `helper_fd` is closed: a helper that has failed may
    have slots without which there will be no more messages.
    """
    raw: io.RawIOBase = io.FileIO(told_fd, closefd=False)
    if helper_fd is not None:
        raw = _Watched(told_fd, helper_fd)
    buffered = io.BufferedReader(raw, _READ_BYTES)
    while len(lengths := buffered.read(_LENGTHS.size)) == _LENGTHS.size:
        names_bytes, items_bytes = _LENGTHS.unpack(lengths)
        message = Message(buffered.read(names_bytes), buffered.read(items_bytes))
        if len(message.items) < items_bytes:
            return
        yield message


class Told:
    """The end of the process that writes: the members, and the data of each in pieces."""

    def __init__(self, items: Iterator[Item], view: memoryview) -> None:
        """`items` are those of `items_of`, or some of them; `view` is the memory."""
        self._items = items
        self._view = view
        self._rest = (0, 0)
        self.position = 0
        """How far the archive is used by the members that came here, in bytes."""

    def __iter__(self) -> Iterator[Member]:
        """Yield each member; what its user leaves of its data is passed over.

        Raises OtherEndGone when the archive has not come to its end.
        """
        for item in self._items:
            if len(item) == 2:
                continue
            if not item:
                return
            member = member_of(item)
            self.position, begin = item[0], item[1]
            self._rest = (0, 0) if begin is None else (begin, begin + member.size)
            yield member
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


def items_of(
    messages: Iterator[Message],
    *,
    slot_done: Callable[[], None],
    taken: Callable[[Message], bool] = lambda _message: False,
    made: Callable[[Item], bool] = lambda _item: False,
    message_done: Callable[[], None] = lambda: None,
) -> Iterator[Item]:
    """What the messages say, but for those that are taken as a whole, and for files that are made.

    The others are called when a slot and a message have been used.
    """
    for message in messages:
        if not taken(message):
            for item in message.told():
                if len(item) == 1:
                    slot_done()
                elif len(item) != FILE_FIELDS or not made(item):
                    yield item
        message_done()


def item_of(member: Member, *, position: int, begin: int | None = None) -> Item:
    """The long form, which `member_of` reads, but without what is said in no field."""
    short: Item = (position, begin, *member[:_KIND_AT], int(member.kind))
    if member[_KIND_AT + 1 :] == _PLAIN:
        return short
    holes = member.sparse
    extents = (holes.extents, holes.size) if holes else None
    lists = member.acl_access, member.acl_default
    return (*short, member.target, member.device, dict(member.xattrs), *lists, extents)


def member_of(item: Item) -> Member:
    fields, more = item[2:FILE_FIELDS], item[FILE_FIELDS:]
    if len(more) <= 1:
        return Member._make((*fields, _KINDS[more[0]] if more else _FILE, *_PLAIN))
    kind, *others, extents = more
    holes = Sparse(extents=extents[0], size=extents[1]) if extents else None
    return Member._make((*fields, _KINDS[kind], *others, holes))
