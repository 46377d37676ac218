"""What is told of an archive arrives as it was, in messages that have a limit."""

import functools
import os
import threading
from collections.abc import Callable, Iterator

import pytest

from hammer.stream import orders
from hammer.stream.member import Kind, Member
from hammer.stream.orders import (
    FEWEST_FILES,
    MESSAGE_BYTES,
    MESSAGE_MEMBERS,
    RUN_MEMBERS,
    Item,
    Message,
    Orders,
    Told,
    items_of,
    member_of,
    messages,
)
from hammer.stream.slots import OtherEndGone, Slots, Turns, done
from hammer.stream.sparse import Sparse

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
        self.slots = Slots(count=3, size_bytes=16)
        self.told_fd, self.send_fd = os.pipe()
        self.done_fd, self.write_done_fd = os.pipe()
        self.orders = Orders(self.send_fd)
        slot_done = functools.partial(done, self.write_done_fd)
        items = items_of(messages(self.told_fd), slot_done=slot_done)
        self.told = Told(items, self.slots.view)

    def messages(self) -> list[tuple[list[bytes], int]]:
        """What was sent so far: the names in front, and how many items."""
        self.hang_up()
        return [(each.files(), len(each.items)) for each in messages(self.told_fd)]

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
    pipes.orders.end_member()
    pipes.orders.member(NODE, position=2048)
    pipes.orders.end_member()
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


def test_data_in_one_piece_comes_with_its_member(pipes: Pipes) -> None:
    """Of the simplest files, which most are, only that is told which they do not share."""
    pipes.slots.view[:8] = b"abcdefgh"
    simple = PLAIN._replace(xattrs={}, sparse=None, size=2)
    members = [FILE, NODE, simple]
    for begin, member in zip((0, 6, 6), members, strict=True):
        pipes.orders.member(member, position=512, begin=begin)
    pipes.orders.end()
    arrived = iter(pipes.told)
    assert next(arrived) == FILE
    assert bytes(pipes.told.piece(6)) == b"abcdef"
    assert next(arrived) == NODE
    assert next(arrived) == simple
    assert bytes(pipes.told.piece(9)) == b"gh"
    assert pipes.told.position == 514
    assert list(arrived) == []


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
    os.write(pipes.send_fd, b"\0\0\0\0\x10\0\0\0half")
    pipes.hang_up()
    with pytest.raises(OtherEndGone):
        list(pipes.told)


# --- whose work it may be -----------------------------------------------------------------------

PLAIN = FILE._replace(acl_access=b"")


def named(*names: bytes, of: Member = PLAIN) -> list[Member]:
    return [of._replace(name=name) for name in names]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """One file is a run."""
    monkeypatch.setattr(orders, "FEWEST_FILES", 1)


@pytest.mark.usefixtures("few")
def test_files_in_a_row_are_a_message_with_their_names(pipes: Pipes) -> None:
    for member in (*named(b"a", b"b"), NODE, *named(b"c", of=FILE), *named(b"d")):
        pipes.orders.whole(member, position=0, begin=0)
    pipes.orders.end()
    names = [files for files, _items in pipes.messages()]
    # Neither nodes nor files with access control lists, which are set by their names at the end.
    assert names == [[b"a", b"b"], [], [b"d"], []]


def test_few_files_go_with_what_is_around_them(pipes: Pipes) -> None:
    directory = PLAIN._replace(kind=Kind.DIRECTORY, xattrs={}, sparse=None, size=0)
    few, enough = ([b"%d" % n for n in range(count)] for count in (FEWEST_FILES - 1, FEWEST_FILES))
    simple = PLAIN._replace(xattrs={}, sparse=None)
    members = [directory, *named(*few, of=simple), NODE, *named(*enough, of=simple), directory]
    for member in members:
        pipes.orders.whole(member, position=0, begin=0)
    pipes.orders.end()
    told: list[list[bytes]] = []
    runs: list[list[bytes]] = []

    def taken(message: Message) -> bool:
        runs.append(message.files())
        return False

    def made(item: Item) -> bool:
        told.append([member_of(item).name])
        return member_of(item).name == b"0"

    items = items_of(messages(pipes.told_fd), taken=taken, made=made, slot_done=lambda: None)
    others = [member for member in members if member.name != b"0"]
    assert list(Told(items, pipes.slots.view)) == others
    assert [files for files in runs if files] == [enough]
    assert told == [[name] for name in (*few, *enough)]


@pytest.mark.usefixtures("few")
def test_a_file_that_goes_on_in_the_next_slot_is_not_among_them(pipes: Pipes) -> None:
    first, second, third = named(b"a", b"b", b"c")
    pipes.orders.whole(first, position=0, begin=0)
    pipes.orders.member(second, position=0)
    pipes.orders.data(6, 9)
    pipes.orders.end_slot()
    pipes.orders.data(16, 19)
    pipes.orders.end_member()
    pipes.orders.whole(third, position=0, begin=19)
    pipes.orders.end_slot()
    pipes.orders.end()
    assert [files for files, _items in pipes.messages() if files] == [[b"a"], [b"c"]]


@pytest.mark.usefixtures("few")
def test_what_is_taken_as_a_whole_is_not_told(pipes: Pipes) -> None:
    for member in (*named(b"a"), NODE, *named(b"b")):
        pipes.orders.whole(member, position=0, begin=0)
    pipes.orders.end_slot()
    pipes.orders.end()
    happened: list[str] = []

    def taken(message: Message) -> bool:
        happened.extend(str(member_of(item).name) for item in message.told() if message.names)
        return bool(message.names)

    items = items_of(
        messages(pipes.told_fd),
        taken=taken,
        slot_done=lambda: happened.append("slot"),
        message_done=lambda: happened.append("done"),
    )
    assert list(Told(items, pipes.slots.view)) == [NODE]
    # The end of the slot is behind the last file of it, whoever has that.
    assert happened == ["b'a'", "done", "done", "b'b'", "done", "slot", "done"]


# --- slots and limits ---------------------------------------------------------------------------


def test_a_slot_is_waited_for_until_it_is_free(pipes: Pipes) -> None:
    turns = Turns(pipes.slots, done_fd=pipes.done_fd)
    assert [turns.take() for _ in range(3)] == [0, 16, 32]
    done(pipes.write_done_fd)
    assert turns.take() == 0
    os.close(pipes.write_done_fd)
    with pytest.raises(OtherEndGone):
        turns.take()
    pipes.write_done_fd = os.dup(pipes.told_fd)


def test_nobody_needs_a_slot_back_after_the_last_one(pipes: Pipes) -> None:
    os.close(pipes.done_fd)
    done(pipes.write_done_fd)
    pipes.done_fd = os.dup(pipes.told_fd)


def test_who_writes_is_gone() -> None:
    told, send = os.pipe()
    os.close(told)
    with pytest.raises(OtherEndGone):
        Orders(send).end_slot()
    os.close(send)


def test_work_begins_before_a_slot_is_full(pipes: Pipes) -> None:
    for number in range(RUN_MEMBERS):
        pipes.orders.whole(PLAIN._replace(name=b"%d" % number), position=0, begin=0)
    for _ in range(MESSAGE_MEMBERS):
        pipes.orders.whole(NODE, position=0, begin=0)
    assert [len(files) for files, _items in pipes.messages()] == [RUN_MEMBERS, 0]


def test_a_run_of_files_is_not_cut_before_its_end(pipes: Pipes) -> None:
    files = [PLAIN._replace(name=b"%d" % number) for number in range(MESSAGE_MEMBERS + 1)]
    for member in (*files, NODE):
        pipes.orders.whole(member, position=0, begin=0)
    pipes.orders.end()
    assert [len(files) for files, _items in pipes.messages()] == [MESSAGE_MEMBERS + 1, 0, 0]


def test_short_runs_do_not_hold_back_what_is_between_them(pipes: Pipes) -> None:
    for number in range(MESSAGE_MEMBERS - 1):
        pipes.orders.whole(NODE, position=0, begin=0)
        pipes.orders.whole(PLAIN._replace(name=b"%d" % number), position=0, begin=0)
    assert [files for files, _items in pipes.messages()] == [[]]


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
    listening = in_a_thread(
        lambda: lengths.extend(len(each.items) for each in messages(pipes.told_fd))
    )
    for _ in range(50):
        pipes.orders.member(member, position=0)
        pipes.orders.end_member()
    pipes.orders.end()
    pipes.hang_up()
    listening.join()
    assert len(lengths) > 4
    # Each of the small things costs some bytes more on the way.
    assert max(lengths) < 4 * MESSAGE_BYTES
