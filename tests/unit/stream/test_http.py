"""Documents and bodies over HTTP, from servers that behave and servers that do not."""

import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from urllib3.exceptions import InvalidHeader

from hammer.stream.failures import (
    BadStatus,
    FetchFailed,
    Interrupted,
    Stalled,
    TooLarge,
    Unreachable,
    reason_of,
)
from hammer.stream.http import Patience, fetch
from tests.servers import (
    Answer,
    Chunked,
    Cut,
    Drip,
    EndlessChunk,
    EndlessHead,
    Recoded,
    Redirect,
    Reset,
    Silent,
    Stall,
    Status,
    Then,
    WithoutLength,
    Words,
    WrongLength,
    nobody,
    serve,
)

TEXT = b"a document of some length\n" * 4000
# Time enough for every answer, and little for another try.
SHORT = Patience(connect_s=20, stall_s=20, retry_for_s=0.5, first_pause_s=0.05, longest_pause_s=0.1)
# For servers that never go on.
STALLED_S = 2

LONG = Patience(connect_s=20, stall_s=20, retry_for_s=20, first_pause_s=0.05, longest_pause_s=0.1)

NOT_HTTP = (
    b"220 ftp.example.com ready\r\n",
    b"HTTP/1.1 OK\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
)


def get(url: str, patience: Patience = SHORT) -> bytes:
    return fetch(url, limit_bytes=1 << 20, patience=patience)


@pytest.mark.parametrize(
    "answer",
    [
        TEXT,
        Chunked(TEXT),
        WithoutLength(TEXT),
        Drip(TEXT, piece=30_000, pause_s=0.2),
        Redirect("/there"),
        Then(Status(503), TEXT),
        Then(Status(500), Status(429), TEXT),
        Then(Cut(TEXT, 1000), Reset(TEXT, 5000), TEXT),
        Then(Status(503, retry_after="Mon, 02 Nov 99999999999999999999 10:00:00 GMT"), TEXT),
        # Bytes are taken as they come: what they are worth is for the digest to say.
        Recoded(TEXT),
    ],
)
def test_a_document_arrives(answer: Answer | Then) -> None:
    with serve({"/here": answer, "/there": TEXT}) as server:
        assert get(server.url("/here"), LONG) == TEXT


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (Status(404), BadStatus, "HTTP status 404"),
        (Status(403), BadStatus, "HTTP status 403"),
        (Status(204), BadStatus, "HTTP status 204"),
        (Status(503), BadStatus, "HTTP status 503"),
        (Cut(TEXT, 1000), Interrupted, "closed the connection"),
        (Cut(TEXT, 0), Interrupted, "closed the connection"),
        (Reset(TEXT, 1000), Interrupted, "reset by peer|closed the connection"),
        (WrongLength(TEXT, len(TEXT) + 1), Interrupted, "closed the connection"),
        (Chunked(TEXT, cut=True), Interrupted, "closed the connection"),
        *((Words(words), Unreachable, "what the server says is not HTTP") for words in NOT_HTTP),
        (Stall(TEXT, 1000), Stalled, "nothing for 2 s after 1000 bytes"),
        (Silent(), Stalled, "nothing for 2 s after 0 bytes"),
        (Redirect("/loop"), Unreachable, "redirects"),
        (Redirect("ftp://elsewhere/x"), Unreachable, "redirects to, cannot be opened"),
    ],
)
def test_what_went_wrong_has_a_name(answer: Answer, error: type[FetchFailed], reason: str) -> None:
    with (
        serve({"/here": answer, "/loop": Redirect("/loop")}) as server,
        pytest.raises(error, match=reason),
    ):
        get(server.url("/here"), replace(SHORT, stall_s=STALLED_S) if error is Stalled else SHORT)


def test_two_lengths_are_not_http_either() -> None:
    """Without a server: after it urllib3 leaves the socket to the collection of garbage."""
    assert reason_of(InvalidHeader("Content-Length: 3, 4")) == "what the server says is not HTTP"


def test_an_answer_that_never_comes_to_its_body_has_its_time() -> None:
    patience = replace(SHORT, connect_s=0.5, stall_s=0.5)
    began_s = time.monotonic()
    with serve({"/here": EndlessHead()}) as server, pytest.raises(Stalled):
        get(server.url("/here"), patience)
    assert time.monotonic() - began_s < 20


def test_a_chunk_that_never_comes_to_its_bytes_has_its_time() -> None:
    before = threading.active_count()
    began_s = time.monotonic()
    with serve({"/here": EndlessChunk(TEXT)}) as server:
        with pytest.raises(Stalled, match=f"nothing for 0.5 s after {len(TEXT)} bytes"):
            get(server.url("/here"), replace(SHORT, stall_s=0.5))
        assert time.monotonic() - began_s < 40
    until_s = time.monotonic() + 20
    while threading.active_count() > before and time.monotonic() < until_s:
        time.sleep(0.05)
    assert threading.active_count() <= before, "who still read it has ended"


def test_a_signal_ends_the_wait_for_a_chunk() -> None:
    class Signal(Exception):
        pass

    def tell(_number: int, _frame: object) -> None:
        raise Signal

    before = signal.signal(signal.SIGALRM, tell)
    began_s = time.monotonic()
    try:
        with serve({"/here": EndlessChunk(TEXT)}) as server:
            signal.setitimer(signal.ITIMER_REAL, 1)
            with pytest.raises(Signal):
                get(server.url("/here"), replace(SHORT, stall_s=300))
            assert server.asked("/here"), "it was waited for"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - began_s < 40


def test_the_bytes_that_came_are_counted() -> None:
    with serve({"/here": Cut(TEXT, 1234)}) as server, pytest.raises(Interrupted) as caught:
        get(server.url("/here"))
    assert (caught.value.received_bytes, caught.value.expected_bytes) == (1234, len(TEXT))


def test_a_refused_connection_is_tried_again_until_the_limit() -> None:
    lines: list[str] = []
    start = time.monotonic()
    with nobody() as address, pytest.raises(Unreachable, match="Connection refused"):
        fetch(f"{address}/x", limit_bytes=10, patience=SHORT, on_retry=lines.append)
    assert time.monotonic() - start > 0.4
    assert len(lines) > 2
    assert "Connection refused, again in" in lines[0]


def test_a_server_that_comes_up_is_waited_for() -> None:
    patience = Patience(connect_s=1, stall_s=1, retry_for_s=20, first_pause_s=0.1)
    with nobody() as address:
        port = int(address.rpartition(":")[2])
    done = threading.Event()

    def late() -> None:
        time.sleep(0.5)
        with serve({"/x": b"late"}, port=port):
            done.wait(20)

    thread = threading.Thread(target=late)
    thread.start()
    try:
        assert fetch(f"{address}/x", limit_bytes=10, patience=patience) == b"late"
    finally:
        done.set()
        thread.join()


def test_a_missing_document_is_not_asked_for_twice() -> None:
    with serve({}) as server, pytest.raises(BadStatus):
        get(server.url("/x"))
    assert server.asked("/x") == 1


def test_a_document_without_end_is_not_read() -> None:
    with serve({"/x": TEXT}) as server, pytest.raises(TooLarge, match="larger than 5000 bytes"):
        fetch(server.url("/x"), limit_bytes=5000, patience=SHORT)


def test_no_content_coding_is_asked_for() -> None:
    with serve({"/x": TEXT}) as server:
        get(server.url("/x"))
    assert server.requests[0].headers["accept-encoding"] == "identity"


def test_credentials_of_the_url_are_sent_and_never_said() -> None:
    with serve({"/x": Status(403)}) as server:
        url = server.url("/x?sig=secret").replace("http://", "http://joe:pa%40ss@")
        with pytest.raises(BadStatus) as caught:
            get(url)
    assert server.requests[0].headers["authorization"] == "Basic am9lOnBhQHNz"
    lines: list[str] = []
    with nobody() as address:
        url = address.replace("http://", "http://joe:pa%40ss@") + "/x?sig=secret"
        with pytest.raises(Unreachable) as refused:
            fetch(url, limit_bytes=10, patience=SHORT, on_retry=lines.append)
    said = f"{caught.value} {refused.value} {refused.value!r} {lines}"
    assert "pa@ss" not in said
    assert "pa%40ss" not in said
    assert "secret" not in said


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://host/x", "scheme 'ftp'"),
        ("img.tar.lz4", "scheme ''"),
        ("http://[::1", "not a URL"),
        ("http://", "cannot be opened"),
        ("http://host:port/x", "cannot be opened"),
        ("http://no.such.host.invalid/x", "name of the server"),
        ("file:///no/such/file", "No such file"),
        ("file:///", "Is a directory"),
    ],
)
def test_urls_that_cannot_work(url: str, reason: str) -> None:
    with pytest.raises(Unreachable, match=reason):
        get(url)


def test_a_file_is_a_document_too(tmp_path: Path) -> None:
    (tmp_path / "a file").write_bytes(TEXT)
    assert get(f"file://{tmp_path}/a%20file") == TEXT
