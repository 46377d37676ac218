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
        # The slots in use, which follow each other in the memory: where they begin, up to where
        # they have data, and where they end.
        self._begin = self._filled = self._end = 0

    def __iter__(self) -> Iterator[Filled]:
        """Yield each slot once it is full, and the last one. Raises ImageError, OtherEndGone."""
        found = frames.recognized(self._packed, url=self._url, room=self._room_of_chunk)
        for chunk in found.plain:
            rest = memoryview(chunk)
            while rest:
                rest = rest[self._put(rest) :]
                while self._filled - self._begin >= self._slots.size_bytes:
                    yield self._first(self._slots.size_bytes)
        if self._filled > self._begin:
            yield self._first(self._filled - self._begin)

    def _put(self, data: memoryview) -> int:
        """Have data in the slots, if it is not; for how much of it there was room."""
        if data.obj is not self._slots.memory:
            room = self._room(1)
            data = data[: len(room)]
            room[: len(data)] = data
        self._filled += len(data)
        return len(data)

    def _room_of_chunk(self) -> memoryview:
        """For what a decoder yields at once: with less it would unpack into memory of its own."""
        return self._room(frames.CHUNK_MAX_BYTES)

    def _room(self, wanted_bytes: int) -> memoryview:
        """Behind the data: as much as is wanted, but where the memory ends first. Never none."""
        memory = self._slots.view
        if self._filled == len(memory):
            self._begin = self._filled = self._end = 0
        while self._end < min(self._filled + wanted_bytes, len(memory)):
            self._end = self._turns.take() + self._slots.size_bytes
        return memory[self._filled : self._end]

    def _first(self, size_bytes: int) -> Filled:
        """The first of the slots, with so much data; it is no longer in use here."""
        begin = self._begin
        self._begin += size_bytes
        return Filled(begin, self._slots.view[begin : self._begin])
