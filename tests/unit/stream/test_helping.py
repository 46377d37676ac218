"""What the first process keeps of what it has given to the second one."""

import os
from collections.abc import Iterator

import pytest

from hammer.stream.helping import MOST_MESSAGES, Helper, acknowledge
from hammer.stream.orders import END_OF_SLOT, Message

RUN = Message(b"names", b"items")


class Ends:
    """The helper's ends of the pipes."""

    def __init__(self) -> None:
        self.given_fd, send_fd = os.pipe()
        acks_fd, self.ack_fd = os.pipe()
        self.done_fd, done_fd = os.pipe()
        self.helper = Helper(send_fd=send_fd, acks_fd=acks_fd, done_fd=done_fd)
        self.all = (self.given_fd, send_fd, acks_fd, self.ack_fd, self.done_fd, done_fd)
        os.set_blocking(self.given_fd, False)
        os.set_blocking(self.done_fd, False)

    def given(self) -> bytes:
        return read(self.given_fd)

    def done(self) -> int:
        return len(read(self.done_fd))


def read(fd: int) -> bytes:
    try:
        return os.read(fd, 1 << 16)
    except BlockingIOError:
        return b""


@pytest.fixture
def ends() -> Iterator[Ends]:
    ends = Ends()
    yield ends
    for fd in ends.all:
        os.close(fd)


def test_no_more_is_given_than_the_helper_should_have(ends: Ends) -> None:
    for number in range(MOST_MESSAGES):
        assert ends.helper.has_room()
        ends.helper.give(RUN, [b"%d" % number])
    assert not ends.helper.has_room()
    acknowledge(ends.ack_fd)
    assert ends.helper.has_room()
    assert b"0" not in ends.helper.names
    assert b"1" in ends.helper.names


def test_a_slot_is_free_when_the_helper_is_done_with_it_too(ends: Ends) -> None:
    ends.helper.give(RUN, [b"f"])
    ends.helper.slot_done()
    assert ends.given() == bytes(RUN) + bytes(END_OF_SLOT)
    assert ends.done() == 0


def test_a_slot_is_free_at_once_when_the_helper_has_said_that_it_has_nothing(ends: Ends) -> None:
    """Also when it is asked nothing for thousands of slots: its words would fill the pipe."""
    ends.helper.give(RUN, [b"f"])
    ends.given()
    acknowledge(ends.ack_fd)
    for _ in range(3):
        ends.helper.slot_done()
    assert ends.given() == b""
    assert ends.done() == 3
