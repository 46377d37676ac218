"""What is told of an archive arrives as it was, in messages that have a limit."""

import os
import threading
from collections.abc import Callable, Iterator
from struct import unpack

import pytest

from hammer.stream.orders import (
    MESSAGE_BYTES,
    SLOT_BYTES,
    SLOTS,
    Orders,
    OtherEndGone,
    Slots,
    Told,
)
from hammer.stream.sparse import Sparse
from hammer.stream.tar import Kind, Member

FILE = Member(
    name=b"etc/\xff",
    kind=Kind.FILE,
    mode=0o4755,
    uid=7,
    gid=8,
    mtime_ns=-1_500_000_001,
    size=6,
    target=b"",
    device=(0, 0),
    xattrs={b"user.a": b"\0=\n"},
    acl_access=b"user::rwx",
    acl_default=b"",
    sparse=Sparse(extents=((0, 2), (4096, 4)), size=9000),
)
NODE = FILE._replace(
    name=b"", kind=Kind.BLOCK, size=0, device=(8, 1), xattrs={}, acl_access=b"", sparse=None
)


class Pipes:
    """Both ends of the two pipes; the writer's are read in a thread where a test says so."""

    def __init__(self) -> None:
        self.slots = Slots()
        self.told_fd, self.send_fd = os.pipe()
        self.done_fd, self.write_done_fd = os.pipe()
        self.orders = Orders(send_fd=self.send_fd, done_fd=self.done_fd)
        self.told = Told(self.slots.view, told_fd=self.told_fd, done_fd=self.write_done_fd)

    def close(self) -> None:
        for fd in (self.told_fd, self.done_fd, self.write_done_fd):
            os.close(fd)
        self.hang_up()

    def hang_up(self) -> None:
        if self.send_fd >= 0:
            os.close(self.send_fd)
            self.send_fd = -1


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    pipes = Pipes()
    yield pipes
    pipes.close()


def in_a_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_members_and_their_data_arrive_as_they_were(pipes: Pipes) -> None:
    pipes.slots.view[:6] = b"abcdef"
    pipes.orders.member(FILE, position=1024)
    pipes.orders.data(0, 4)
    pipes.orders.end_slot()
    pipes.orders.data(4, 6)
    pipes.orders.member(NODE, position=2048)
    pipes.orders.end_slot()
    pipes.orders.end()
    members = iter(pipes.told)
    assert next(members) == FILE
    assert pipes.told.position == 1024
    pieces = [bytes(pipes.told.piece(limit)) for limit in (3, 3, 3)]
    assert pieces == [b"abc", b"d", b"ef"]
    assert pipes.told.position == 1030
    assert list(members) == [NODE]
    # Both slots are free again.
    assert os.read(pipes.done_fd, 100) == b".."


def test_data_that_nobody_wants_is_passed_over(pipes: Pipes) -> None:
    for name in (b"one", b"two"):
        pipes.orders.member(FILE._replace(name=name), position=0)
        pipes.orders.data(0, 6)
    pipes.orders.end()
    assert [member.name for member in pipes.told] == [b"one", b"two"]


def test_an_archive_without_its_end_is_no_archive(pipes: Pipes) -> None:
    pipes.orders.member(FILE, position=0)
    pipes.orders.end_slot()
    pipes.hang_up()
    with pytest.raises(OtherEndGone):
        list(pipes.told)


def test_data_that_is_missing_is_no_data(pipes: Pipes) -> None:
    pipes.orders.member(FILE, position=0)
    pipes.orders.end_slot()
    pipes.hang_up()
    next(iter(pipes.told))
    with pytest.raises(OtherEndGone):
        pipes.told.piece(6)


def test_a_message_that_was_cut_is_no_message(pipes: Pipes) -> None:
    os.write(pipes.send_fd, b"\x10\0\0\0half")
    pipes.hang_up()
    with pytest.raises(OtherEndGone):
        list(pipes.told)


def test_a_slot_is_waited_for_until_it_is_free(pipes: Pipes) -> None:
    for number in range(SLOTS):
        assert pipes.orders.next_slot() == number
        pipes.orders.end_slot()
    os.write(pipes.write_done_fd, b".")
    assert pipes.orders.next_slot() == SLOTS
    os.close(pipes.write_done_fd)
    pipes.orders.end_slot()
    with pytest.raises(OtherEndGone):
        pipes.orders.next_slot()
    pipes.write_done_fd = os.dup(pipes.told_fd)
    assert pipes.slots.begin(SLOTS) == pipes.slots.begin(0) == 0
    assert pipes.slots.begin(SLOTS - 1) == (SLOTS - 1) * SLOT_BYTES


def test_who_writes_is_gone() -> None:
    told, send = os.pipe()
    done, write_done = os.pipe()
    os.close(told)
    os.close(write_done)
    orders = Orders(send_fd=send, done_fd=done)
    with pytest.raises(OtherEndGone):
        orders.end_slot()
    os.close(send)
    os.close(done)


@pytest.mark.parametrize(
    "member",
    [
        FILE._replace(xattrs={b"user.%d" % number: b"v" for number in range(20_000)}),
        FILE._replace(sparse=Sparse(extents=((0, 0),) * 20_000, size=0)),
        FILE._replace(acl_default=b"x" * 300_000),
    ],
    ids=["attributes", "holes", "list"],
)
def test_members_with_much_to_say_are_many_messages(member: Member, pipes: Pipes) -> None:
    """A global header of PAX gives what it has to every member of a slot: GiBs in one."""
    lengths: list[int] = []

    def listen() -> None:
        with os.fdopen(os.dup(pipes.told_fd), "rb") as told:
            while len(head := told.read(4)) == 4:
                (size,) = unpack("<I", head)
                lengths.append(len(told.read(size)))

    listening = in_a_thread(listen)
    for _ in range(50):
        pipes.orders.member(member, position=0)
    pipes.orders.end()
    pipes.hang_up()
    listening.join()
    assert len(lengths) > 4
    # Each of the small things costs some bytes more on the way.
    assert max(lengths) < 4 * MESSAGE_BYTES
