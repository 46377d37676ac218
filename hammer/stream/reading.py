"""The thread that reads an archive while it arrives, and tells the process that writes it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from queue import SimpleQueue

from hammer.errors import TarCorrupt
from hammer.stream import frames
from hammer.stream.flow import Flow
from hammer.stream.orders import SLOT_BYTES, Orders, Slots
from hammer.stream.tar import Archive

CHUNKS_WAITING = 16
"""Of packed data, so that neither network nor lz4 waits for the other too often."""

ROOM_MIN_BYTES = SLOT_BYTES // 4
"""A slot with less is full: decoders are slow where there is little room."""

STALL_LIMIT_S = 600.0
"""How long nothing of it may be taken; a disk that takes longer hangs."""


class Reading:
    """Packed chunks in, orders out. What goes wrong on the way is raised by `end`."""

    def __init__(
        self,
        slots: Slots,
        orders: Orders,
        *,
        url: str,
        waiting: Callable[[float], AbstractContextManager[object]],
    ) -> None:
        self._slots = slots
        self._orders = orders
        self._url = url
        self._waiting = waiting
        self._packed: SimpleQueue[bytes] = SimpleQueue()
        self._room: SimpleQueue[bool] = SimpleQueue()
        for _ in range(CHUNKS_WAITING):
            self._room.put(True)
        # The slot in use: its place, and how much of it has data.
        self._begin = self._filled = 0
        self._slot = slots.view[:0]
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="reading")
        self._read_all = self._thread.submit(self._read)
        self._read_all.add_done_callback(lambda _: self._room.put(False))

    def feed(self, data: bytes) -> bool:
        """Hand a packed chunk over, once there is room; False when no more is taken."""
        with self._waiting(STALL_LIMIT_S):
            if self._read_all.done() or not self._room.get():
                return False
        self._packed.put(data)
        return True

    def end(self) -> int:
        """End the input, and wait; how many bytes it unpacked to. Raises what went wrong."""
        self._packed.put(b"")
        with self._waiting(STALL_LIMIT_S):
            self._thread.shutdown()
            return self._read_all.result()

    def _read(self) -> int:
        flow, orders = Flow(self._filled_slots()), self._orders
        for member in Archive(flow, url=self._url):
            orders.member(member, position=flow.position)
            left = member.size
            while left:
                size = len(flow.piece(left))
                if not size:
                    raise TarCorrupt(
                        url=self._url,
                        reason="the archive ends inside of a member",
                        offset=flow.position,
                    )
                end = self._begin + flow.at
                orders.data(end - size, end)
                left -= size
        # tar ends before its padding does, and the frame's checksum comes last.
        flow.drain()
        orders.end()
        return flow.position

    def _filled_slots(self) -> Iterator[memoryview]:
        """The plain data, slot by slot; who asks for the next has told all of the one before."""
        self._use_next_slot()
        for chunk in frames.recognized(
            self._chunks(), url=self._url, room=self._rest_of_slot
        ).plain:
            rest = memoryview(chunk)
            while rest:
                rest = rest[self._put(rest) :]
                if SLOT_BYTES - self._filled < ROOM_MIN_BYTES:
                    yield self._slot[: self._filled]
                    self._orders.end_slot()
                    self._use_next_slot()
        if self._filled:
            yield self._slot[: self._filled]
            self._orders.end_slot()

    def _put(self, data: memoryview) -> int:
        """Have data in the slot, if it is not; for how much of it there was room."""
        if data.obj is not self._slots.memory:
            data = data[: SLOT_BYTES - self._filled]
            self._slot[self._filled : self._filled + len(data)] = data
        self._filled += len(data)
        return len(data)

    def _rest_of_slot(self) -> memoryview:
        return self._slot[self._filled :]

    def _use_next_slot(self) -> None:
        self._begin = self._slots.begin(self._orders.next_slot())
        self._slot = self._slots.view[self._begin : self._begin + SLOT_BYTES]
        self._filled = 0

    def _chunks(self) -> Iterator[bytes]:
        while chunk := self._packed.get():
            yield chunk
            self._room.put(True)
