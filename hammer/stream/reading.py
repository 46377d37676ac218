"""The threads that unpack and read an archive, and tell the process that writes it."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from queue import SimpleQueue

from hammer.errors import TarCorrupt
from hammer.stream.filling import Filled, Filling
from hammer.stream.flow import Flow
from hammer.stream.orders import Orders
from hammer.stream.slots import Slots, Turns
from hammer.stream.tar import Archive

PIECE_BYTES = 256 << 10
"""A chunk is as many pieces as it has of these, begun ones too."""

PIECES_WAITING = 96
"""Of packed data. Where files are small, unpacked data waits for those who write it, and where they
are large, these wait for it: the more there is between both, the less they do so."""

STALL_LIMIT_S = 600.0
"""How long nothing of it may be taken; a disk that takes longer hangs."""


class Reading:
    """Packed chunks in, orders out. What goes wrong on the way is raised by `end`."""

    def __init__(
        self,
        slots: Slots,
        turns: Turns,
        orders: Orders,
        *,
        url: str,
        waiting: Callable[[float], AbstractContextManager[object]],
    ) -> None:
        self._slots = slots
        self._turns = turns
        self._orders = orders
        self._url = url
        self._waiting = waiting
        self._packed: SimpleQueue[bytes] = SimpleQueue()
        self._room: SimpleQueue[bool] = SimpleQueue()
        self._make_room(PIECES_WAITING)
        self._full: SimpleQueue[Filled | None] = SimpleQueue()
        self._begin = 0  # of the slot in use
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="reading")
        self._fill_all = self._threads.submit(self._fill)
        try:
            self._read_all = self._threads.submit(self._read)
        except BaseException:
            self._packed.put(b"")  # or the thread that is there would wait for ever
            raise
        # The main thread waits by queues, and never for a future: that has a lock in Python, which
        # stays locked when a signal raises right after the main thread has taken it.
        self._is_over = False
        self._over: SimpleQueue[None] = SimpleQueue()
        self._read_all.add_done_callback(self._tell_end)

    def feed(self, data: bytes) -> bool:
        """Hand a packed chunk over, once there is room; False when no more is taken."""
        with self._waiting(STALL_LIMIT_S):
            for _ in range(_pieces_of(data)):
                if self._is_over or not self._room.get():
                    return False
        self._packed.put(data)
        return True

    def end(self) -> int:
        """End the input, and wait; how many bytes it unpacked to. To be asked once.

        Raises what went wrong.
        """
        self._packed.put(b"")
        with self._waiting(STALL_LIMIT_S):
            self._over.get()
        return self._read_all.result()

    def join(self) -> None:
        """Leave no thread behind. To be called when the processes that are told are gone.

        One of them may wait for a slot of theirs, or for more input.
        """
        self._packed.put(b"")
        self._threads.shutdown()

    def _tell_end(self, _: Future[int]) -> None:
        self._is_over = True
        self._over.put(None)
        self._room.put(False)

    def _fill(self) -> None:
        try:
            for slot in Filling(self._slots, self._turns, self._chunks(), url=self._url):
                self._full.put(slot)
        finally:
            self._full.put(None)

    def _read(self) -> int:
        flow, orders = Flow(self._plain()), self._orders
        for member in Archive(flow, url=self._url):
            if flow.holds(member.size):  # what is told as a whole, the archive passes over
                orders.whole(member, position=flow.position, begin=self._begin + flow.at)
            else:
                orders.member(member, position=flow.position)
                self._tell_data(flow, member.size)
                orders.end_member()
        # tar ends before its padding does, and the frame's checksum comes last.
        flow.drain()
        orders.end()
        return flow.position

    def _tell_data(self, flow: Flow, size_bytes: int) -> None:
        left = size_bytes
        while left:
            size = flow.pass_piece(left)
            if not size:
                raise TarCorrupt(
                    url=self._url,
                    reason="the archive ends inside of a member",
                    offset=flow.position,
                )
            end = self._begin + flow.at
            self._orders.data(end - size, end)
            left -= size

    def _plain(self) -> Iterator[memoryview]:
        """The plain data, slot by slot; who asks for the next has told all of the one before."""
        while slot := self._full.get():
            self._begin = slot.begin
            yield slot.data
            self._orders.end_slot()
        self._fill_all.result()  # raises what went wrong

    def _chunks(self) -> Iterator[bytes]:
        while chunk := self._packed.get():
            yield chunk
            self._make_room(_pieces_of(chunk))

    def _make_room(self, pieces: int) -> None:
        for _ in range(pieces):
            self._room.put(True)


def _pieces_of(chunk: bytes) -> int:
    """As many as there is room for at most: a larger chunk has to wait until it is alone."""
    return min(-(-len(chunk) // PIECE_BYTES), PIECES_WAITING)
