"""Proxies, and what is reached without one."""

import pytest

from hammer.stream.failures import BadStatus, Unreachable
from hammer.stream.http import Patience, fetch
from hammer.stream.post import post
from hammer.stream.way import Proxies, Way
from tests.servers import Redirect, Status, Then, nobody, serve

LONG = Patience(connect_s=60, stall_s=60, retry_for_s=60, first_pause_s=0.01)
SHORT = Patience(connect_s=60, stall_s=60, retry_for_s=0.05, first_pause_s=0.01)


def by(proxy: str, patience: Patience = LONG, *, not_for: tuple[str, ...] = ()) -> Patience:
    proxies = Proxies(http=proxy, https=proxy, not_for=not_for)
    return Patience(
        connect_s=patience.connect_s,
        stall_s=patience.stall_s,
        retry_for_s=patience.retry_for_s,
        first_pause_s=patience.first_pause_s,
        way=Way(proxies=proxies),
    )


def test_a_proxy_is_asked_for_what_is_elsewhere() -> None:
    with serve({"/x": b"by proxy"}) as proxy:
        url = proxy.address.replace("//", "//me:pa%40ss@")
        assert fetch("http://images.invalid/x", limit_bytes=99, patience=by(url)) == b"by proxy"
    (request,) = proxy.requests
    assert request.headers["host"] == "images.invalid"
    assert request.headers["proxy-authorization"] == "Basic bWU6cGFAc3M="


def test_a_report_goes_by_the_proxy_as_well() -> None:
    with serve({"/x": b"thanks"}) as proxy:
        way = Way(proxies=Proxies(http=proxy.address))
        answer = post("http://reports.invalid/x", b"data", content_type="a/b", way=way, limit_s=60)
    assert answer.body == b"thanks"
    assert proxy.requests[0].body == b"data"


def test_each_hop_of_a_redirect_has_a_way_of_its_own() -> None:
    with serve({"/y": b"direct"}) as server, serve({"/x": Redirect(server.url("/y"))}) as proxy:
        patience = by(proxy.address, not_for=("127.0.0.1",))
        assert fetch("http://images.invalid/x", limit_bytes=99, patience=patience) == b"direct"
    assert "via" not in server.requests[0].headers
    assert server.requests[0].path == "/y"
    assert proxy.asked("/y") == 0


def test_a_proxy_that_is_away_is_named() -> None:
    with nobody() as proxy, pytest.raises(Unreachable, match="proxy: Connection refused"):
        fetch("http://images.invalid/x", limit_bytes=99, patience=by(proxy, SHORT))


def test_a_proxy_that_refuses() -> None:
    with serve({"/x": Status(407), "CONNECT": Status(403)}) as proxy:
        with pytest.raises(BadStatus, match="407"):
            fetch("http://images.invalid/x", limit_bytes=99, patience=by(proxy.address, SHORT))
        with pytest.raises(Unreachable, match="proxy: it answers with HTTP status 403"):
            fetch("https://images.invalid/x", limit_bytes=99, patience=by(proxy.address, SHORT))


def test_a_password_stays_with_the_server_that_it_is_for() -> None:
    with (
        serve({"/z": b"there"}) as there,
        serve({"/x": Redirect("/y"), "/y": Redirect(there.url("/z"))}) as here,
    ):
        url = here.url("/x").replace("//", "//me:hunter2@")
        assert fetch(url, limit_bytes=99, patience=LONG) == b"there"
    assert all("authorization" in each.headers for each in here.requests)
    assert "authorization" not in there.requests[0].headers


def test_many_redirects_come_to_an_end() -> None:
    hops = {f"/{n}": Redirect(f"/{n + 1}") for n in range(99)}
    with serve(hops) as server, pytest.raises(Unreachable, match="more than 10 times"):
        fetch(server.url("/0"), limit_bytes=99, patience=SHORT)


def test_a_server_may_ask_for_a_pause() -> None:
    waits: list[str] = []
    later = Then(Status(503, retry_after="1"), Status(429, retry_after="soon"), b"x")
    with serve({"/x": later}) as server:
        fetch(server.url("/x"), limit_bytes=9, patience=LONG, on_retry=waits.append)
    assert [line.rpartition(", ")[2] for line in waits] == ["again in 1 s", "again in 0 s"]


@pytest.mark.parametrize(
    ("url", "rules", "direct"),
    [
        ("http://images.test/x", (), False),
        ("http://images.test/x", ("images.test",), True),
        ("http://IMAGES.test./x", ("images.TEST",), True),
        ("http://images.test/x", ("test",), True),
        ("http://images.test/x", (".test",), True),
        ("http://images.test/x", ("ages.test",), False),
        ("http://images.test/x", ("other.test", "*"), True),
        ("http://10.1.2.3:8080/x", ("10.0.0.0/8",), True),
        ("http://10.1.2.3/x", ("10.1.2.3",), True),
        ("http://11.1.2.3/x", ("10.0.0.0/8",), False),
        ("http://[fd00::1]/x", ("fd00::/8",), True),
        ("http://images.test/x", ("10.0.0.0/8", ""), False),
        ("ftp://images.test/x", (), True),
    ],
)
def test_what_is_reached_without_a_proxy(url: str, rules: tuple[str, ...], direct: bool) -> None:
    proxies = Proxies(http="http://proxy:3128", https="http://proxy:3129", not_for=rules)
    assert proxies.of(url) == (None if direct else "http://proxy:3128")
    if url.startswith("http:"):
        secure = proxies.of(url.replace("http:", "https:"))
        assert secure == (None if direct else "http://proxy:3129")
