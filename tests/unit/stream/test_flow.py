"""Chunks of any size are one run of bytes; a thread ahead changes nothing about them."""

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hammer.stream.ahead import ahead
from hammer.stream.flow import Flow

CHUNKS = st.lists(st.binary(min_size=1, max_size=9), max_size=12)
ASKED = st.lists(st.tuples(st.sampled_from(["take", "skip", "piece"]), st.integers(1, 12)))


@given(CHUNKS, ASKED)
def test_nothing_is_lost_or_given_twice(chunks: list[bytes], asked: list[tuple[str, int]]) -> None:
    whole = b"".join(chunks)
    flow = Flow(iter(chunks))
    at = 0
    for how, size in asked:
        assert flow.position == at
        if how == "take":
            assert flow.take(size) == whole[at : at + size]
            at += len(whole[at : at + size])
        elif how == "skip":
            assert flow.skip_to(at + size) == (at + size <= len(whole))
            at += len(whole[at : at + size])
        else:
            piece = bytes(flow.piece(size))
            assert whole[at : at + len(piece)] == piece
            assert piece or at == len(whole)
            at += len(piece)
    flow.drain()
    assert flow.position == len(whole)


def test_a_piece_stays_valid_when_the_flow_goes_on() -> None:
    flow = Flow(iter([b"one", b"two"]))
    first = flow.piece(10)
    flow.drain()
    assert bytes(first) == b"one"


@settings(deadline=None)
@given(CHUNKS, st.integers(1, 5))
def test_the_order_stays_when_a_thread_works_ahead(chunks: list[bytes], depth: int) -> None:
    assert list(ahead(iter(chunks), depth=depth)) == chunks


def test_an_error_comes_in_its_turn() -> None:
    def broken() -> Iterator[bytes]:
        yield b"one"
        raise ValueError("then this")

    chunks = ahead(broken(), depth=4)
    assert next(chunks) == b"one"
    with pytest.raises(ValueError, match="then this"):
        next(chunks)


def test_the_thread_keeps_its_distance() -> None:
    made: list[int] = []

    def count() -> Iterator[bytes]:
        for number in range(100):
            made.append(number)
            yield b"x"

    chunks = ahead(count(), depth=3)
    next(chunks)
    assert len(made) <= 6
    chunks.close()


def test_who_stops_early_leaves_no_thread_behind() -> None:
    chunks = ahead(iter([b"x"] * 100), depth=2)
    next(chunks)
    chunks.close()
    for thread in threading.enumerate():
        if thread.name.startswith("ahead"):
            thread.join(timeout=5)
            assert not thread.is_alive()


def test_who_waits_leaves_nobody_who_reads() -> None:
    """The file below can be closed then, and its number used for another one."""
    reading = threading.Event()
    left: list[bool] = []

    def slow() -> Iterator[bytes]:
        yield b"x"
        reading.set()
        time.sleep(0.1)
        left.append(True)
        yield b"x"

    chunks = ahead(slow(), depth=2, wait=True)
    next(chunks)
    assert reading.wait(5)
    chunks.close()
    assert left
