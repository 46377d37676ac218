"""The floor of throughput counts the time of waiting alone."""

from hammer.stream.floor import Floor

KIB = 1024


def test_what_is_fast_enough() -> None:
    floor = Floor(256 * KIB, window_s=30)
    for _ in range(29):
        assert floor.add(1, 256 * KIB) is None
    window = floor.add(1, 256 * KIB)
    assert window
    assert window.enough
    assert window.bytes_per_s == 256 * KIB


def test_a_byte_a_second_is_too_slow() -> None:
    floor = Floor(256 * KIB, window_s=30)
    windows = [floor.add(1, 1) for _ in range(30)]
    assert windows[:29] == [None] * 29
    assert windows[29]
    assert not windows[29].enough


def test_each_window_is_judged_alone() -> None:
    floor = Floor(100, window_s=10)
    first, second = floor.add(10, 1_000_000), floor.add(10, 999)
    assert first
    assert first.enough
    assert second
    assert not second.enough


def test_a_reader_that_is_slow_does_not_make_the_sender_slow() -> None:
    # Between the reads hours may pass: what is buffered comes without waiting.
    floor = Floor(256 * KIB, window_s=30)
    assert all(floor.add(0.001, 200 * KIB) is None for _ in range(29_000))
    window = floor.add(1.5, 200 * KIB)
    assert window
    assert window.enough


def test_without_a_floor_all_is_fast_enough() -> None:
    window = Floor(0, window_s=1).add(100, 0)
    assert window
    assert window.enough
