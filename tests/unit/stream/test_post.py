"""What is sent to a server, and how long a server may take to say that it has it."""

from base64 import b64encode

import pytest

from hammer.stream.failures import BadStatus, FetchFailed, Stalled, Unreachable
from hammer.stream.post import ANSWER_LIMIT_BYTES, Answer, post
from tests.servers import Drip, Redirect, Silent, Status, nobody, serve

LONG_S = 60.0


def sent(url: str, limit_s: float = LONG_S) -> Answer:
    return post(url, b"data", content_type="text/plain", limit_s=limit_s, connect_s=limit_s)


def test_the_data_the_type_and_the_answer() -> None:
    with serve({"/at": b"thank you"}) as server:
        url = server.url("/at?key=7").replace("//", "//me:hunter2@")
        answer = post(url, b"data", content_type="text/plain", headers={"x-y": "z"}, limit_s=LONG_S)
    assert answer == Answer(status=200, body=b"thank you")
    (request,) = server.requests
    assert (request.method, request.body, request.query) == ("POST", b"data", "key=7")
    assert request.headers["content-type"] == "text/plain"
    assert request.headers["x-y"] == "z"
    assert request.headers["authorization"] == f"Basic {b64encode(b'me:hunter2').decode()}"


def test_an_answer_without_a_body() -> None:
    with serve({"/at": Status(204)}) as server:
        assert sent(server.url("/at")) == Answer(status=204, body=b"")


@pytest.mark.parametrize("answer", [Status(500), Status(404), Redirect("/there")])
def test_what_is_no_agreement(answer: Status | Redirect) -> None:
    with serve({"/at": answer, "/there": b"x"}) as server, pytest.raises(BadStatus):
        sent(server.url("/at"))
    assert server.asked("/there") == 0


def test_a_long_answer_is_not_read_to_its_end() -> None:
    with serve({"/at": bytes(10 * ANSWER_LIMIT_BYTES)}) as server:
        assert len(sent(server.url("/at")).body) == ANSWER_LIMIT_BYTES


def test_a_server_that_says_nothing() -> None:
    with serve({"/at": Silent()}) as server, pytest.raises(Stalled):
        sent(server.url("/at"), limit_s=0.3)


def test_a_server_that_says_a_little_all_the_time() -> None:
    dripping = Drip(b"x" * 1000, piece=1, pause_s=0.1)
    with serve({"/at": dripping}) as server, pytest.raises(Stalled):
        sent(server.url("/at"), limit_s=0.5)


def test_nobody_is_there() -> None:
    with nobody() as url, pytest.raises(Unreachable, match="refused"):
        sent(url)


@pytest.mark.parametrize("url", ["ftp://x/y", "file:///etc/x", "http://[::1", "http://a:b/"])
def test_what_is_no_address_of_a_server(url: str) -> None:
    with pytest.raises(FetchFailed):
        sent(url)
