"""What an image goes through: two threads of the agent that read, and two processes that write.

    agent's threads ------> writer ------> helper
                members and their data, in memory that all share

One thread unpacks the image and one reads the archive, while the agent receives and digests it.
The writer makes what the archive names in its order, but for runs of files whose place in it makes
no difference: of them it passes some on to the helper. Both have chrooted into the target, so that
no member can be written outside of it.
"""

import contextlib
import fcntl
import functools
import os
import signal
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from hammer.errors import FileFailed, HammerError, UnpackDied
from hammer.stream import heap, orders
from hammer.stream.helping import Helper, acknowledge
from hammer.stream.orders import Orders, Told
from hammer.stream.process import SIGNALS, Outcome, Process
from hammer.stream.readback import Readback
from hammer.stream.reading import PIECE_BYTES, PIECES_WAITING, STALL_LIMIT_S, Reading
from hammer.stream.slots import OtherEndGone, Slots, Turns, done
from hammer.stream.unpack import Tree

Waiting = Callable[[float], AbstractContextManager[object]]


@dataclass(frozen=True, kw_only=True)
class Written:
    """What was written."""

    members: int
    unpacked_bytes: int


@dataclass(frozen=True, kw_only=True)
class _Target:
    """What the processes know of what they write to."""

    root: Path
    url: str
    ownerless: Collection[int]
    data: Slots

    def enter(self) -> None:
        try:
            os.chroot(self.root)
            os.chdir("/")
        except OSError as error:
            reason = error.strerror or str(error)
            raise FileFailed(path=str(self.root), reason=reason) from None


class Unpacker:
    """The threads and the processes, as the agent has them."""

    def __init__(
        self, reading: Reading, processes: list[Process], *, orders_fd: int, waiting: Waiting
    ) -> None:
        """The first process is the writer; `orders_fd` is the pipe to it, to be closed here."""
        self._reading = reading
        self._processes = processes
        self._orders_fd = orders_fd
        self._waiting = waiting

    def feed(self, data: bytes) -> bool:
        """Hand packed bytes over; False if no more are taken: ask `result` why."""
        return self._reading.feed(data)

    def result(self) -> Written | HammerError:
        """End the input and wait for what became of it. Raises UnpackDied. To be asked once."""
        read: Outcome
        try:
            read = self._reading.end()
        except HammerError as failure:
            read = failure
        except OtherEndGone:
            read = None
        self._end_orders()
        with self._waiting(STALL_LIMIT_S):
            outcomes = [process.outcome() for process in self._processes]
        for outcome in outcomes:
            if isinstance(outcome, UnpackDied):
                raise outcome
        # What was written comes before what was read: what it complains of is earlier.
        for outcome in (*reversed(outcomes), read):
            if isinstance(outcome, HammerError):
                return outcome
        members = outcomes[0]
        if not isinstance(members, int) or not isinstance(read, int):
            raise UnpackDied(how="ended, and nobody knows why")
        return Written(members=members, unpacked_bytes=read)

    def end(self) -> None:
        """Leave no process, thread or descriptor behind, whatever happened."""
        with contextlib.ExitStack() as last:  # each of it, whatever becomes of the others
            last.callback(self._end_orders)
            # The threads find the other end gone, wherever they are.
            last.callback(self._reading.join)
            for process in self._processes:
                last.callback(process.end)

    def _end_orders(self) -> None:
        if self._orders_fd >= 0:
            os.close(self._orders_fd)
            self._orders_fd = -1


@contextlib.contextmanager
def unpacking(
    root: Path,
    *,
    url: str,
    ownerless: Collection[int],
    readback: bool = False,
    waiting: Waiting = contextlib.nullcontext,
) -> Iterator[Unpacker]:
    """Hold processes that write below `root` what is in the image that `feed` is given.

    With `readback` everything is read from the disk at the end and compared with the image.
    On every way out they are gone. They have nothing of ours but pipes and stderr.
    `waiting` is held around each wait for them, with the longest that it may take.
    """
    heap.keep_what_is_freed()
    data = Slots(count=orders.SLOTS, size_bytes=orders.SLOT_BYTES)
    target = _Target(root=root, url=url, ownerless=ownerless, data=data)
    processes: list[Process] = []
    with contextlib.ExitStack() as held:
        held.callback(heap.give_back_what_is_free)
        held.callback(data.forget)
        # A signal between a fork and the next line would raise where nobody knows of the process.
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        held.callback(signal.pthread_sigmask, signal.SIG_SETMASK, blocked)
        _work_as_batch(held)
        try:
            orders_fd, done_fd = _started(processes, target, readback=readback)
        except BaseException:
            for process in processes:
                process.end()
            raise
        held.callback(os.close, done_fd)
        for process in processes:
            held.callback(process.end)
        # The same for every image. After the forks, which would leave copies of it.
        heap.have(PIECE_BYTES * PIECES_WAITING)
        # The threads that it starts keep the signals blocked: they are for the main one.
        turns, told = Turns(data, done_fd=done_fd), Orders(orders_fd)
        reading = Reading(data, turns, told, url=url, waiting=waiting)
        unpacker = Unpacker(reading, processes, orders_fd=orders_fd, waiting=waiting)
        held.callback(unpacker.end)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        yield unpacker


def _work_as_batch(held: contextlib.ExitStack) -> None:
    """Have the threads and processes that start from here leave each other undisturbed.

    sched(7), SCHED_BATCH: who is woken up, by a chunk or a slot, does not drive out who works.
    There are more of them than cores, and nobody waits for an answer. Until `held` ends.
    """
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    if policy == os.SCHED_OTHER:
        os.sched_setscheduler(0, os.SCHED_BATCH, parameters)
        held.callback(os.sched_setscheduler, 0, policy, parameters)


def _started(processes: list[Process], target: _Target, *, readback: bool) -> tuple[int, int]:
    """Start writer and helper; the pipes to tell the writer, and to hear what slots are done."""
    with contextlib.ExitStack() as theirs:

        def pipe() -> tuple[int, int]:
            ends = os.pipe()
            for end in ends:
                theirs.callback(os.close, end)
            return ends

        told, tell = pipe()
        hear_done, done_fd = pipe()
        passed, pass_on = pipe()
        for end in (tell, pass_on):
            fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, orders.PIPE_BYTES)
        acks, ack = pipe()
        if readback:
            seen = Readback(ownerless=target.ownerless)
            writer = functools.partial(_write_and_compare, target, seen, told=told, done_fd=done_fd)
            processes.append(Process(writer, keep=(told, done_fd)))
        else:
            helper = Helper(send_fd=pass_on, acks_fd=acks, done_fd=done_fd)
            writer = functools.partial(_write, target, helper, told=told)
            processes.append(Process(writer, keep=(told, done_fd, pass_on, acks)))
            help = functools.partial(_help, target, told=passed, done_fd=done_fd, acks_fd=ack)
            processes.append(Process(help, keep=(passed, done_fd, ack)))
        return os.dup(tell), os.dup(hear_done)


# --- what the processes do --------------------------------------------------------------------


def _write(target: _Target, helper: Helper, *, told: int) -> int:
    target.enter()
    tree = Tree(url=target.url, ownerless=target.ownerless, helper=helper)
    items = orders.items_of(
        orders.messages(told, helper_fd=helper.acks_fd),
        taken=functools.partial(tree.take, memory=target.data.view),
        made=functools.partial(tree.make_file, memory=target.data.view),
        slot_done=helper.slot_done,
    )
    return tree.write_all(Told(items, target.data.view))


def _help(target: _Target, *, told: int, done_fd: int, acks_fd: int) -> int:
    """Make the files that are passed on, and at last the times of directories."""
    target.enter()
    tree = Tree(url=target.url, ownerless=target.ownerless)
    tree.set_times(
        orders.items_of(
            orders.messages(told),
            taken=functools.partial(tree.make_run, memory=target.data.view),
            slot_done=functools.partial(done, done_fd),
            message_done=functools.partial(acknowledge, acks_fd),
        )
    )
    return 0  # the writer has counted them


def _write_and_compare(target: _Target, seen: Readback, *, told: int, done_fd: int) -> int:
    target.enter()
    tree = Tree(url=target.url, ownerless=target.ownerless, readback=seen)
    slot_done = functools.partial(done, done_fd)
    items = orders.items_of(orders.messages(told), slot_done=slot_done)
    count = tree.write_all(Told(items, target.data.view))
    try:
        seen.compare()
    except OSError as error:
        path = os.fsdecode(error.filename or b"/")
        raise FileFailed(path=path, reason=error.strerror or str(error)) from None
    return count
