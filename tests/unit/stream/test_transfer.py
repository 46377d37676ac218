"""A transfer that outlives connections, servers and what they do to it."""

import hashlib
import random
from contextlib import ExitStack
from dataclasses import replace

import pytest

from hammer.stream.failures import (
    BadStatus,
    FetchFailed,
    Interrupted,
    Stalled,
    TooSlow,
    Unreachable,
)
from hammer.stream.http import Patience
from hammer.stream.transfer import OVERLAP_BYTES, PROGRESS_BYTES, Changed, Recoded, transferred
from tests import servers
from tests.servers import (
    Answer,
    Chunked,
    Cut,
    Parts,
    Redirect,
    Request,
    Reset,
    Stall,
    Status,
    Then,
    WithoutLength,
    WrongLength,
    nobody,
    serve,
)

NOISE = random.Random(5).randbytes(3 << 20)
OTHER = random.Random(6).randbytes(3 << 20)
MIDDLE = len(NOISE) // 2
TIME = "Mon, 02 Nov 2026 10:00:00 GMT"

# Time enough for every answer and every further try, on the busiest machine.
LONG = Patience(connect_s=60, stall_s=60, retry_for_s=60, first_pause_s=0.01, longest_pause_s=0.05)
# For what never gets better.
SHORT = replace(LONG, retry_for_s=0.3)
# For servers that say nothing any more.
STALLED = replace(LONG, stall_s=2)


def received(
    *urls: str,
    patience: Patience = LONG,
    size_bytes: int | None = None,
    lines: list[str] | None = None,
    read_bytes: int | None = None,
) -> bytes:
    """The whole of it, or its beginning; each byte went into the digest that is compared."""
    digest = hashlib.md5()
    data = bytearray()
    on_retry = None if lines is None else lines.append
    with transferred(urls, patience=patience, on_retry=on_retry, size_bytes=size_bytes) as transfer:
        transfer.compare_with(digest.copy)
        while part := transfer.read():
            digest.update(part)
            data += part
            assert transfer.received_bytes == len(data)
            if read_bytes is not None and len(data) >= read_bytes:
                break
    return bytes(data)


def ranges(requests: list[Request]) -> list[tuple[str | None, str | None]]:
    return [(each.headers.get("range"), each.headers.get("if-range")) for each in requests]


def from_byte(at: int) -> str:
    return f"bytes={at - OVERLAP_BYTES}-"


@pytest.mark.parametrize(
    "answers",
    [
        Then(Parts(NOISE, after=MIDDLE), Parts(NOISE)),
        Then(Parts(NOISE, after=MIDDLE, end="reset"), Parts(NOISE)),
        Then(Parts(NOISE, after=1), Parts(NOISE)),
        Then(Parts(NOISE, after=0), Parts(NOISE)),
        Then(Parts(NOISE, after=len(NOISE) - 1), Parts(NOISE)),
        Then(Parts(NOISE, after=OVERLAP_BYTES), Parts(NOISE)),
        Then(Parts(NOISE, after=OVERLAP_BYTES + 1), Parts(NOISE)),
        Then(*[Parts(NOISE, after=300_000)] * 20, Parts(NOISE)),
        # Servers that cannot send a part, or do it wrong.
        Then(Reset(NOISE, MIDDLE), NOISE),
        Then(Reset(NOISE, MIDDLE), Status(500), Status(503), NOISE),
        Then(Parts(NOISE, after=MIDDLE), Parts(NOISE, lies="ignores-range")),
        Then(Parts(NOISE, after=MIDDLE), Parts(NOISE, lies="416")),
        Then(Parts(NOISE, after=MIDDLE), Parts(NOISE, lies="elsewhere")),
        Then(Parts(NOISE, after=MIDDLE), Parts(NOISE, lies="no-range")),
        Then(Parts(NOISE, after=MIDDLE), Status(206), NOISE),
        # The same bytes by another name: several servers behind one address.
        Then(Parts(NOISE, after=MIDDLE), Parts(NOISE, etag='"2"')),
        Then(Parts(NOISE, after=MIDDLE), Parts(NOISE, etag='"2"', lies="ignores-if-range")),
        # Validators that are none, and that are weak.
        Then(Parts(NOISE, etag="", after=MIDDLE), Parts(NOISE, etag="")),
        Then(Parts(NOISE, etag='W/"1"', after=MIDDLE), Parts(NOISE, etag='W/"1"')),
        Then(Parts(NOISE, etag="", modified=TIME, after=MIDDLE), Parts(NOISE, modified=TIME)),
        # Ends that only the size tells from the true one.
        Then(WithoutLength(NOISE[:MIDDLE]), NOISE),
        Then(WithoutLength(NOISE[:MIDDLE]), WithoutLength(NOISE[:1000]), WithoutLength(NOISE)),
        Then(Chunked(NOISE, cut=True), NOISE),
        Then(Parts(NOISE, after=MIDDLE), Chunked(NOISE)),
        Then(Parts(NOISE, after=MIDDLE), WithoutLength(NOISE)),
        Then(Parts(NOISE, after=MIDDLE), Redirect("/elsewhere")),
    ],
)
def test_every_byte_arrives_in_the_end(answers: Then) -> None:
    with serve({"/x": answers, "/elsewhere": Parts(NOISE)}) as server:
        assert received(server.url("/x"), size_bytes=len(NOISE)) == NOISE


def test_only_what_is_missing_is_asked_for_and_only_of_the_same_version() -> None:
    with serve({"/x": Then(Parts(NOISE, after=MIDDLE), Parts(NOISE))}) as server:
        assert received(server.url("/x")) == NOISE
    assert ranges(server.requests) == [(None, None), (from_byte(MIDDLE), '"1"')]


@pytest.mark.parametrize(
    ("etag", "modified", "told"),
    [('"1"', TIME, '"1"'), ('W/"1"', TIME, TIME), ("", TIME, TIME), ('W/"1"', "", None)],
)
def test_a_weak_validator_is_no_condition(etag: str, modified: str, told: str | None) -> None:
    begun = Parts(NOISE, etag=etag, modified=modified, after=MIDDLE)
    with serve({"/x": Then(begun, replace(begun, after=None))}) as server:
        assert received(server.url("/x")) == NOISE
    assert ranges(server.requests)[1] == (from_byte(MIDDLE), told)


@pytest.mark.parametrize(
    "following",
    [
        Parts(OTHER, etag='"2"'),
        Parts(OTHER, etag='"2"', lies="ignores-if-range"),
        Parts(OTHER, lies="ignores-if-range"),  # the name has stayed
        Parts(OTHER, etag="", lies="ignores-if-range"),
        Parts(NOISE + b"more", etag='"2"'),
        Parts(NOISE[:-1], etag='"2"'),
        Parts(NOISE[:1000], etag='"2"', lies="416"),
        Parts(NOISE[: MIDDLE - 1] + OTHER[MIDDLE - 1 :], lies="ignores-range"),
        OTHER,
        b"",
    ],
)
def test_an_image_that_changed_meanwhile(following: Answer) -> None:
    with (
        serve({"/x": Then(Parts(NOISE, after=MIDDLE), following)}) as server,
        pytest.raises(Changed),
    ):
        received(server.url("/x"))


def test_an_image_that_has_another_size_than_was_promised() -> None:
    with serve({"/x": NOISE}) as server, pytest.raises(Changed, match="3145728 bytes and was 7"):
        received(server.url("/x"), size_bytes=7)
    with serve({"/x": WithoutLength(NOISE)}) as server, pytest.raises(Changed, match="more than"):
        received(server.url("/x"), size_bytes=7)


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (Status(404), BadStatus, "404"),
        (Status(206), BadStatus, "206"),
        (Status(503), BadStatus, "503"),
        (Cut(NOISE, 1000), Interrupted, "closed the connection"),
        (Cut(NOISE, MIDDLE), Interrupted, "closed the connection"),
        (WrongLength(NOISE, len(NOISE) + 1), Interrupted, "closed the connection"),
        (Chunked(NOISE, cut=True), Interrupted, "closed the connection"),
        (servers.Recoded(b"too busy", status=503), BadStatus, "503"),
        (servers.Recoded(NOISE), Recoded, "Content-Encoding: gzip"),
        (Redirect("/loop"), Unreachable, "redirects in a circle"),
    ],
)
def test_what_does_not_get_better_has_a_name(
    answer: Answer, error: type[FetchFailed], reason: str
) -> None:
    with (
        serve({"/x": answer, "/loop": Redirect("/loop")}) as server,
        pytest.raises(error, match=reason),
    ):
        received(server.url("/x"), patience=SHORT)


def test_an_end_that_is_lost_is_no_loss_when_the_size_is_known() -> None:
    with serve({"/x": Chunked(NOISE, cut=True)}) as server:
        assert received(server.url("/x"), size_bytes=len(NOISE)) == NOISE
    assert server.asked("/x") == 1


def test_the_bytes_of_all_connections_are_counted() -> None:
    answers = Then(Parts(NOISE, after=MIDDLE), Parts(NOISE, after=OVERLAP_BYTES + 5))
    with serve({"/x": answers}) as server, pytest.raises(Interrupted) as caught:
        received(server.url("/x"), patience=replace(SHORT, retry_for_s=0.05))
    assert caught.value.expected_bytes == len(NOISE)
    assert caught.value.received_bytes >= MIDDLE


def test_a_connection_that_stalls_is_left_and_the_rest_comes_by_another_one() -> None:
    answers = Then(Parts(NOISE, after=MIDDLE, end="stall"), Parts(NOISE))
    lines: list[str] = []
    with serve({"/x": answers}) as server:
        assert received(server.url("/x"), patience=STALLED, lines=lines) == NOISE
    assert "nothing for 2 s" in lines[0]


def test_a_server_that_stalls_for_ever() -> None:
    with serve({"/x": Stall(NOISE, 1000)}) as server, pytest.raises(Stalled):
        received(server.url("/x"), patience=replace(STALLED, retry_for_s=1))


# --- too slow -------------------------------------------------------------------------------

DRIP = replace(LONG, window_s=0.5, min_bytes_per_s=10_000)


def test_a_server_that_drips_is_left() -> None:
    answers = Then(Parts(NOISE, after=MIDDLE, end="drip"), Parts(NOISE))
    lines: list[str] = []
    with serve({"/x": answers}) as server:
        patience = replace(DRIP, first_pause_s=0.01)
        assert received(server.url("/x"), patience=patience, lines=lines) == NOISE
    assert "KiB/s over" in lines[0]


def test_a_server_that_always_drips() -> None:
    with (
        serve({"/x": Parts(NOISE, after=10, end="drip")}) as server,
        pytest.raises(TooSlow, match=r"KiB/s over \d+ s, 9\.8 KiB/s is the least"),
    ):
        received(server.url("/x"), patience=replace(DRIP, retry_for_s=1))


def test_a_floor_of_0_is_none() -> None:
    slow = Parts(NOISE[:40], after=20, end="drip")
    with serve({"/x": slow}) as server:
        patience = replace(DRIP, min_bytes_per_s=0)
        assert received(server.url("/x"), patience=patience) == NOISE[:40]
    assert server.asked("/x") == 1


def test_a_server_that_brings_little_and_stalls_every_time_is_too_slow() -> None:
    """Each connection brings enough to count, and less than the floor in the time it takes."""
    patience = replace(STALLED, stall_s=0.5, min_bytes_per_s=10 << 20, retry_for_s=0.7)
    part = PROGRESS_BYTES + 2 * OVERLAP_BYTES
    with (
        serve({"/x": Parts(2 * NOISE, after=part, end="stall")}) as server,
        pytest.raises(Stalled),
    ):
        received(server.url("/x"), patience=patience)


# --- several sources ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "first",
    [
        Parts(NOISE, after=MIDDLE),
        Parts(NOISE, after=MIDDLE, end="reset"),
        Status(404),
        Status(500),
        servers.Recoded(NOISE),
        Redirect("/x"),
        WrongLength(NOISE, len(NOISE) - 1),
        Then(Parts(NOISE, after=MIDDLE), Parts(OTHER, etag='"2"', after=MIDDLE)),
    ],
)
def test_a_mirror_goes_on_where_the_first_one_stopped(first: Answer | Then) -> None:
    with serve({"/x": first}) as here, serve({"/y": Parts(NOISE, etag='"m"')}) as there:
        got = received(here.url("/x"), there.url("/y"), size_bytes=len(NOISE))
    assert got == NOISE
    assert there.asked("/y") == 1
    # A validator is known to the server that gave it, and to no other.
    assert ranges(there.requests)[0][1] is None


def test_a_mirror_is_asked_for_the_missing_part_at_once() -> None:
    lines: list[str] = []
    with (
        serve({"/x": Parts(NOISE, after=MIDDLE)}) as here,
        serve({"/y": Parts(NOISE, etag='"m"')}) as there,
    ):
        received(here.url("/x"), there.url("/y"), patience=LONG, lines=lines)
    assert ranges(there.requests) == [(from_byte(MIDDLE), None)]
    assert here.asked("/x") == 1
    (line,) = lines
    assert line.endswith(f", on to {there.address.partition('//')[2]} at 1 MiB")


@pytest.mark.parametrize("mirror", [Parts(OTHER), Parts(NOISE + b"x"), OTHER, Status(404), b"x"])
def test_a_mirror_that_has_something_else_is_left(mirror: Answer) -> None:
    answers = Then(Parts(NOISE, after=MIDDLE), Parts(NOISE))
    with serve({"/x": answers}) as here, serve({"/y": mirror}) as there:
        assert received(here.url("/x"), there.url("/y")) == NOISE
    assert (here.asked("/x"), there.asked("/y")) == (2, 1)


def test_sources_are_tried_in_their_order_and_then_again() -> None:
    with ExitStack() as held:
        first = held.enter_context(serve({"/x": Then(Status(503), Status(503), NOISE)}))
        second = held.enter_context(serve({"/x": Status(404)}))
        third = held.enter_context(serve({"/x": Status(500)}))
        lines: list[str] = []
        urls = [each.url("/x") for each in (first, second, third)]
        assert received(*urls, lines=lines) == NOISE
    assert [each.asked("/x") for each in (first, second, third)] == [3, 1, 2]
    assert len(lines) == 5


def test_the_error_is_that_of_the_first_source_and_tells_of_the_others() -> None:
    ends: dict[str, Answer] = {"/x": Parts(NOISE, after=OVERLAP_BYTES), "/y": Status(404)}
    with serve(ends) as server, nobody() as away:
        urls = server.url("/x"), server.url("/y?sig=hunter2"), f"{away}/z"
        with pytest.raises(Interrupted) as caught:
            received(*urls, patience=replace(SHORT, retry_for_s=0.05))
    first, second = caught.value.__notes__
    assert first == f"mirror {server.url('/y')}?...: the server answers with HTTP status 404"
    assert "Connection refused" in second


# --- patience -------------------------------------------------------------------------------


def test_progress_makes_patience_anew() -> None:
    # A second failure in a row would double the pause; but each connection brings a lot.
    cuts = [Parts(NOISE, after=PROGRESS_BYTES + 20_000 * n) for n in range(2)]
    waits: list[float] = []

    def waited(seconds: float) -> ExitStack:
        waits.append(seconds)
        return ExitStack()

    patience = replace(LONG, first_pause_s=0.125, longest_pause_s=60, waiting=waited)
    with serve({"/x": Then(*cuts, Parts(NOISE))}) as server:
        assert received(server.url("/x"), patience=patience) == NOISE
    pauses = [seconds for seconds in waits if seconds < 1]
    assert len(pauses) == 2
    assert all(0.125 / 2 <= seconds <= 0.125 for seconds in pauses)


def test_every_wait_is_told_to_the_watchdog() -> None:
    held = 0
    longest = 0

    class Waiting:
        def __init__(self, _limit_s: float) -> None: ...

        def __enter__(self) -> None:
            nonlocal held, longest
            held += 1
            longest = max(held, longest)

        def __exit__(self, *_: object) -> None:
            nonlocal held
            held -= 1

    with serve({"/x": Then(Parts(NOISE, after=MIDDLE), Parts(NOISE))}) as server:
        received(server.url("/x"), patience=replace(LONG, waiting=Waiting))
    assert longest
    assert held == 0


def test_what_was_handed_over_cannot_be_compared_without_a_digest() -> None:
    with (
        serve({"/x": Then(Reset(NOISE, MIDDLE), NOISE)}) as server,
        transferred([server.url("/x")], patience=SHORT) as transfer,
        pytest.raises(Interrupted, match="sends no part"),
    ):
        list(iter(transfer.read, b""))


def test_the_address_of_the_bytes_is_known() -> None:
    with serve({"/x": Redirect("/y"), "/y": NOISE}) as server:
        url = server.url("/x").replace("//", "//me:hunter2@")
        with transferred([url], patience=SHORT) as transfer:
            assert transfer.url == server.url("/y")
            assert transfer.size_bytes == len(NOISE)
