"""Unpacks a stream into slots."""

from collections.abc import Iterator
from typing import NamedTuple

from hammer.stream import frames
from hammer.stream.slots import Slots, Turns


class Filled(NamedTuple):
    """A slot with data."""

    begin: int
    """Where it begins in the memory."""
    data: memoryview


class Filling:
    """The slots, one after the other. What is packed with most decoders goes right into them."""

    def __init__(self, slots: Slots, turns: Turns, packed: Iterator[bytes], *, url: str) -> None:
        self._slots = slots
        self._turns = turns
        self._packed = packed
        self._url = url
        # A slot with less room is full: decoders are slow where there is little.
        self._room_min_bytes = slots.size_bytes // 4
        # The slot in use: its place, and how much of it has data.
        self._begin = self._filled = 0
        self._slot = slots.view[:0]

    def __iter__(self) -> Iterator[Filled]:
        """Yield each slot once it is full, and the last one. Raises ImageError, OtherEndGone."""
        self._use_next_slot()
        found = frames.recognized(self._packed, url=self._url, room=self._rest_of_slot)
        for chunk in found.plain:
            rest = memoryview(chunk)
            while rest:
                rest = rest[self._put(rest) :]
                if self._slots.size_bytes - self._filled < self._room_min_bytes:
                    yield Filled(self._begin, self._slot[: self._filled])
                    self._use_next_slot()
        if self._filled:
            yield Filled(self._begin, self._slot[: self._filled])

    def _put(self, data: memoryview) -> int:
        """Have data in the slot, if it is not; for how much of it there was room."""
        if data.obj is not self._slots.memory:
            data = data[: self._slots.size_bytes - self._filled]
            self._slot[self._filled : self._filled + len(data)] = data
        self._filled += len(data)
        return len(data)

    def _rest_of_slot(self) -> memoryview:
        return self._slot[self._filled :]

    def _use_next_slot(self) -> None:
        self._begin = self._turns.take()
        self._slot = self._slots.view[self._begin : self._begin + self._slots.size_bytes]
        self._filled = 0
