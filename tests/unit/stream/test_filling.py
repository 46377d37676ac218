"""Where what is unpacked comes to lie."""

import os
import random
from collections.abc import Iterator

import pytest

from hammer.stream import frames
from hammer.stream.filling import Filling
from hammer.stream.formats.source import Room
from hammer.stream.slots import Slots, Turns, done
from tests.images import packed

MIB = 1 << 20
COUNT = 6  # no multiple of the slots of a chunk, so that the memory ends within one


@pytest.fixture
def done_fds() -> Iterator[tuple[int, int]]:
    fds = os.pipe()
    yield fds
    for fd in fds:
        os.close(fd)


def test_slots_are_filled_in_turns_and_a_chunk_has_room(
    done_fds: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms = []

    def recognized(*args: object, room: Room, **more: object) -> frames.Recognized:
        def noted() -> memoryview:
            place = room()
            rooms.append((place.obj, len(place)))
            return place

        return original(*args, room=noted, **more)  # type: ignore[arg-type]

    original = frames.recognized
    monkeypatch.setattr(frames, "recognized", recognized)
    archive = random.Random(1).randbytes(15 * MIB + 7)
    slots = Slots(count=COUNT, size_bytes=MIB)
    filling = Filling(
        slots, Turns(slots, done_fd=done_fds[0]), iter([packed(archive)]), url="http://images/i"
    )
    begins, data = [], b""
    for begin, view in filling:
        begins.append(begin)
        data += view
        done(done_fds[1])
    assert data == archive
    assert begins == [number % COUNT * MIB for number in range(16)]
    assert rooms[0][1] >= frames.CHUNK_MAX_BYTES  # later ones have less where the memory ends
    assert all(place is slots.memory for place, _ in rooms)
