"""A second process that makes files, while the first one goes on with what follows them.

The order of members counts: one may replace an earlier one, lie below it, or lead through a link.
So the helper gets only files in directories that the first process has made itself,
by a path without links, whatever is named there is named so by that path alone; and the first
one waits for the helper before it does anything about a name that the helper has, or about a
path of which it does not know that much.

When all members are there, it sets times of directories, which are in nobody's way.
"""

import contextlib
import os
import select
from collections import deque
from collections.abc import Collection

from hammer.stream.orders import END_OF_SLOT, Message, send_all
from hammer.stream.slots import OtherEndGone, done

# So many are given to the helper at most, so that it always finds one when it has done another;
# most of them fit into the pipe to it (orders.py, PIPE_BYTES), or the first process would wait.
MOST_MESSAGES = 8

_ACK = b"."
_ACKS_BYTES = 4096


class Helper:
    """As the first process has it."""

    def __init__(self, *, send_fd: int, acks_fd: int, done_fd: int) -> None:
        """The helper tells by a byte in `acks_fd` that it has done a message."""
        self._send_fd = send_fd
        self.acks_fd = acks_fd
        self._done_fd = done_fd
        self._given: deque[Collection[bytes]] = deque()
        self._acks = select.poll()
        self._acks.register(acks_fd, select.POLLIN)
        self.names: set[bytes] = set()
        """Of the files that it may still have to make."""

    def has_room(self) -> bool:
        """Whether it could do with another message."""
        self._take_what_is_there()
        return len(self._given) < MOST_MESSAGES

    def give(self, message: Message, files: Collection[bytes]) -> None:
        """Have it do a message, which holds these files. Raises OtherEndGone."""
        send_all(self._send_fd, bytes(message))
        self._given.append(files)
        self.names.update(files)

    def wait(self) -> None:
        """Until it has done all that it was given. Raises OtherEndGone."""
        while self._given:
            self._take_acks()

    def slot_done(self) -> None:
        """This process is done with a slot; it is free when the helper is done with it, too."""
        self._take_what_is_there()  # nobody else may do so for many slots, and a pipe gets full
        if self._given:
            self.give(END_OF_SLOT, ())
        else:
            done(self._done_fd)

    def _take_what_is_there(self) -> None:
        while self._given and self._acks.poll(0):
            self._take_acks()

    def _take_acks(self) -> None:
        acks = os.read(self.acks_fd, _ACKS_BYTES)
        if not acks:
            raise OtherEndGone
        for _ in acks:
            self.names.difference_update(self._given.popleft())


def acknowledge(acks_fd: int) -> None:
    """Say that a message is done.

    To a writer that has ended, too: what the helper still has is of earlier members, and so is
    what it may have to complain of.
    """
    with contextlib.suppress(OtherEndGone):
        send_all(acks_fd, _ACK)
