"""A clock that is behind is set, by who knows the time, and never to what cannot be."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from hammer.host.clock import NOT_AFTER, NOT_BEFORE, ask, read_answer, set_right
from hammer.stream.date import date_of
from hammer.stream.way import Proxies, Way
from tests.servers import Silent, nobody, serve

NOW = datetime(2027, 3, 4, 5, 6, 7, tzinfo=UTC).timestamp()
DAY_S = 86400
COOKIE = 0x1122334455667789


class FakeClock:
    def __init__(self, now_s: float, *, refuses: bool = False) -> None:
        self.time_s = now_s
        self.refuses = refuses
        self.was_set: list[float] = []

    def now_s(self) -> float:
        return self.time_s

    def set_s(self, time_s: float) -> None:
        if self.refuses:
            raise PermissionError(1, "Operation not permitted")
        self.was_set.append(time_s)


def lines_of(clock: FakeClock, *told: tuple[str, float]) -> list[str]:
    lines: list[str] = []
    set_right(clock, ntp=(), dates=lambda: told, say=lines.append)
    assert all(len(line) <= 100 for line in lines)
    return lines


# --- what is done with a time -----------------------------------------------------------------


def test_a_clock_that_is_behind_is_set_and_it_is_told_in_one_line() -> None:
    clock = FakeClock(NOW - 5479 * DAY_S)
    assert lines_of(clock, ("10.0.0.1", NOW)) == [
        "the clock was 5479 days behind 10.0.0.1, now it is 2027-03-04 05:06:07 UTC"
    ]
    assert clock.was_set == [NOW]


def test_some_seconds_are_no_news() -> None:
    for seconds in (-4, 0, 4):
        clock = FakeClock(NOW + seconds)
        assert lines_of(clock, ("a", NOW)) == []
        assert clock.was_set == []


def test_a_minute_is_set() -> None:
    clock = FakeClock(NOW - 60)
    assert lines_of(clock, ("a", NOW)) == [
        "the clock was 60 s behind a, now it is 2027-03-04 05:06:07 UTC"
    ]


def test_it_is_never_set_back() -> None:
    clock = FakeClock(NOW + 60)
    assert lines_of(clock, ("a", NOW)) == [
        "the clock stays, 60 s ahead of a: it is only set forward"
    ]
    assert clock.was_set == []


@pytest.mark.parametrize(
    "told_s",
    [0.0, NOT_BEFORE.timestamp() - 1, NOT_AFTER.timestamp() + 1, 1e18, -1e18],
)
def test_a_time_that_cannot_be_is_not_believed_and_the_next_one_is_asked(told_s: float) -> None:
    clock = FakeClock(0)
    first, second = lines_of(clock, ("liar", told_s), ("10.0.0.1", NOW))
    assert first.startswith("the clock stays: liar says that it is ")
    assert "10.0.0.1" in second
    assert clock.was_set == [NOW]


def test_a_clock_that_cannot_be_set_is_no_failure() -> None:
    (line,) = lines_of(FakeClock(0, refuses=True), ("a", NOW))
    assert line == "the clock stays, 20881 days behind a: Operation not permitted"


# --- NTP --------------------------------------------------------------------------------------


def packet(
    *,
    cookie: int = COOKIE,
    time_s: float = NOW,
    mode: int = 4,
    leap: int = 0,
    stratum: int = 2,
) -> bytes:
    seconds = int(time_s) + 2_208_988_800
    transmit = (seconds % (1 << 32)) << 32 | 1 << 31
    flags = leap << 6 | 4 << 3 | mode
    times = (0, cookie, transmit, transmit)
    return struct.pack("!BBbb3I4Q", flags, stratum, 0, 0, 0, 0, 0, *times)


def test_the_time_of_an_answer() -> None:
    assert read_answer(packet(), cookie=COOKIE) == NOW + 0.5
    assert read_answer(packet() + b"extension", cookie=COOKIE) == NOW + 0.5


def test_the_time_after_the_seconds_of_ntp_began_again() -> None:
    later = datetime(2037, 1, 1, tzinfo=UTC).timestamp()
    assert read_answer(packet(time_s=later), cookie=COOKIE) == later + 0.5


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        packet()[:47],
        packet(cookie=COOKIE + 1),
        packet(mode=3),
        packet(mode=5),
        packet(stratum=0),  # a kiss of death
        packet(stratum=16),
        packet(leap=3),
        packet(time_s=-2_208_988_800)[:-8] + bytes(8),
    ],
)
def test_what_is_no_answer(answer: bytes) -> None:
    with pytest.raises(ValueError, match=r"NTP|question|server"):
        read_answer(answer, cookie=COOKIE)


@contextmanager
def ntp_server(*answers: Callable[[int], bytes]) -> Iterator[str]:
    """Hold a server that answers each question with these packets, of the cookie in it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        host, port = sock.getsockname()

        def serve_all() -> None:
            while True:
                question, client = sock.recvfrom(1024)
                if not question:
                    return
                assert question[0] == 0x23
                for answer in answers:
                    sock.sendto(answer(struct.unpack("!Q", question[40:48])[0]), client)

        thread = threading.Thread(target=serve_all)
        thread.start()
        try:
            yield f"{host}:{port}"
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", (host, port))
            thread.join()


def test_a_server_is_asked() -> None:
    with ntp_server(lambda cookie: packet(cookie=cookie)) as server:
        assert NOW <= ask(server, limit_s=60) <= NOW + 60


def test_an_answer_that_is_forged_is_passed_over() -> None:
    with ntp_server(
        lambda cookie: packet(cookie=cookie ^ 2, time_s=NOW + 9 * DAY_S),
        lambda cookie: packet(cookie=cookie, stratum=0),
        lambda cookie: packet(cookie=cookie),
    ) as server:
        assert NOW <= ask(server, limit_s=60) <= NOW + 60


def test_a_server_that_knows_nothing_is_left() -> None:
    with (
        ntp_server(lambda cookie: packet(cookie=cookie, leap=3)) as server,
        pytest.raises(TimeoutError),
    ):
        ask(server, limit_s=0.3)


def test_the_first_server_that_answers_counts_and_no_date_is_asked_for() -> None:
    clock, lines = FakeClock(NOW - DAY_S), list[str]()
    with ntp_server(lambda cookie: packet(cookie=cookie)) as server:
        servers = ("no.such.host.invalid", "host:port", server)
        set_right(clock, ntp=servers, dates=lambda: pytest.fail("asked"), say=lines.append)
    assert len(clock.was_set) == 1
    assert f"behind {server}" in lines[0]


# --- Date -------------------------------------------------------------------------------------


def test_the_date_of_a_server() -> None:
    with serve({}) as server:
        told_s = date_of(server.url("/x?sig=hunter2"), way=Way(), limit_s=60)
    assert told_s is not None
    assert abs(told_s - datetime.now(UTC).timestamp()) < 120


def test_the_date_of_nobody() -> None:
    with nobody() as address:
        assert date_of(f"{address}/x", way=Way()) is None
    assert date_of("http://[::1", way=Way()) is None
    with serve({"/": Silent()}) as proxy:
        way = Way(proxies=Proxies(http=proxy.address))
        assert date_of("http://images.invalid/x", way=way, limit_s=60) is not None
