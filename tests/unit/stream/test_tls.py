"""https: trusted by the CA file alone, reached also by a redirect from http."""

import socket
import ssl
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from hammer.errors import ImageNotTrusted
from hammer.stream.date import date_of
from hammer.stream.failures import Interrupted, NotTrusted, Stalled, Unreachable
from hammer.stream.http import Patience, fetch
from hammer.stream.image import HttpImages
from hammer.stream.store import Stores
from hammer.stream.trust import MoreCa
from hammer.stream.way import Proxies, Way
from tests import images
from tests.servers import Answer, Chunked, EndlessChunk, Redirect, Tunnel, serve

pytestmark = pytest.mark.programs


def openssl(*args: str) -> None:
    subprocess.run(["openssl", *args], check=True, capture_output=True)


def made(where: Path, *, name: str = "IP:127.0.0.1", days: int = 2) -> Path:
    """Key and certificate of a name, signed by itself, in one file."""
    key, request, certificate = (str(where / each) for each in ("key.pem", "csr.pem", "crt.pem"))
    wanted = ["-subj", "/CN=test", "-addext", f"subjectAltName={name}"]
    openssl("req", "-newkey", "rsa:2048", "-nodes", *wanted, "-keyout", key, "-out", request)
    signed = ["-signkey", key, "-days", str(days), "-copy_extensions", "copy"]
    openssl("x509", "-req", "-in", request, *signed, "-out", certificate)
    both = (where / "key.pem").read_text() + (where / "crt.pem").read_text()
    (where / "both.pem").write_text(both)
    return where / "both.pem"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("tls"))


def served_with(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    return served_with(certificate)


def test_a_certificate_of_the_ca_file_is_trusted(certificate: Path, tls: ssl.SSLContext) -> None:
    with serve({"/x": b"secret"}, tls=tls) as server:
        patience = Patience(way=Way(ca_file=certificate))
        assert fetch(server.url("/x"), limit_bytes=99, patience=patience) == b"secret"


def test_a_redirect_from_http_is_followed(certificate: Path, tls: ssl.SSLContext) -> None:
    patience = Patience(way=Way(ca_file=certificate))
    with (
        serve({"/x": b"there"}, tls=tls) as there,
        serve({"/x": Redirect(there.url("/x"))}) as here,
    ):
        assert fetch(here.url("/x"), limit_bytes=99, patience=patience) == b"there"


def test_a_redirect_to_http_is_followed_only_for_what_a_digest_proves(
    certificate: Path, tls: ssl.SSLContext
) -> None:
    patience = Patience(way=Way(ca_file=certificate), retry_for_s=30)
    content = images.image({"f": b"x"})
    with serve({images.PATH: content}) as there:
        elsewhere = Redirect(there.url(images.PATH))
        digest = images.md5_file(content)
        table: dict[str, Answer] = {
            images.PATH: elsewhere,
            f"{images.PATH}.md5": digest,
            "/x": elsewhere,
            "/X": Redirect(elsewhere.to.replace("http:", "HTTP:")),
        }
        with serve(table, tls=tls) as here:
            offer = HttpImages(patience=patience).ask(here.url(images.PATH))
            for path in ("/x", "/X"):
                with pytest.raises(Unreachable, match="from https to http, at 127"):
                    fetch(here.url(path), limit_bytes=99, patience=patience)
    assert offer.size_bytes == len(content)
    assert there.asked(images.PATH) == 1


def test_an_image_of_a_store_that_leads_to_http_is_found(
    certificate: Path, tls: ssl.SSLContext
) -> None:
    path = "/metal-os/stable/debian/12/img.tar.lz4"
    patience = Patience(way=Way(ca_file=certificate), retry_for_s=30)
    with (
        serve({path: b"image"}) as there,
        serve({path: Redirect(there.url(path))}, tls=tls) as store,
    ):
        choice = Stores(patience=patience).choose("debian-12", store.url("/metal-os"))
    assert choice.url == store.url(path)


def test_a_stranger_is_refused_at_once(tls: ssl.SSLContext) -> None:
    start = time.monotonic()
    with (
        serve({"/x": b"?"}, tls=tls) as server,
        pytest.raises(Unreachable, match="TLS: the certificate is not accepted: self-signed"),
    ):
        fetch(server.url("/x"), limit_bytes=99, patience=Patience(retry_for_s=30))
    assert time.monotonic() - start < 10, "a certificate does not become right by waiting"


def test_a_server_that_speaks_no_tls_is_named() -> None:
    patience = Patience(retry_for_s=0.1, first_pause_s=0.05)
    with serve({"/x": b"?"}) as server:
        url = server.url("/x").replace("http://", "https://")
        with pytest.raises(Unreachable, match="TLS"):
            fetch(url, limit_bytes=99, patience=patience)


def test_a_server_that_hangs_up_before_tls_begins_is_asked_again() -> None:
    patience = Patience(retry_for_s=60, first_pause_s=0.05, longest_pause_s=0.1)
    lines: list[str] = []

    class Enough(Exception):
        pass

    def tell(line: str) -> None:
        lines.append(line)
        if len(lines) == 2:
            raise Enough

    with socket.create_server(("127.0.0.1", 0)) as listening:

        def hang_up() -> None:
            with suppress(OSError):
                while True:
                    listening.accept()[0].close()

        threading.Thread(target=hang_up, daemon=True).start()
        url = f"https://127.0.0.1:{listening.getsockname()[1]}/x"
        with pytest.raises(Enough):
            fetch(url, limit_bytes=99, patience=patience, on_retry=tell)
        listening.shutdown(socket.SHUT_RDWR)
    assert all("closed the connection" in line or "reset" in line for line in lines)


@pytest.mark.parametrize(
    ("name", "days", "reason"),
    [("DNS:elsewhere.test", 2, "IP address mismatch"), ("IP:127.0.0.1", -1, "expired")],
)
def test_a_certificate_of_another_name_or_time(
    name: str, days: int, reason: str, tmp_path: Path
) -> None:
    wrong = made(tmp_path, name=name, days=days)
    patience = Patience(way=Way(ca_file=wrong), retry_for_s=30)
    with (
        serve({"/x": b"?"}, tls=served_with(wrong)) as server,
        pytest.raises(NotTrusted, match=reason),
    ):
        fetch(server.url("/x"), limit_bytes=99, patience=patience)
    assert server.asked("/x") == 0


def test_an_image_whose_server_is_not_trusted(tls: ssl.SSLContext) -> None:
    lines: list[str] = []
    agent = HttpImages(patience=Patience(retry_for_s=30), on_retry=lines.append)
    with (
        serve({"/i": b"?"}, tls=tls) as server,
        pytest.raises(ImageNotTrusted, match="self-signed"),
    ):
        agent.ask(server.url("/i"))
    assert lines == [], "a certificate does not become right by waiting"


# --- a CA of one's own ----------------------------------------------------------------------


def test_a_ca_by_url_counts_beside_the_bundle(
    certificate: Path, tls: ssl.SSLContext, tmp_path: Path
) -> None:
    bundle = made(tmp_path, name="DNS:elsewhere.test")
    plain = Patience(retry_for_s=0.05)
    with (
        serve({"/ca.pem": certificate.read_bytes()}) as cas,
        serve({"/x": b"secret"}, tls=tls) as server,
    ):
        more = MoreCa(cas.url("/ca.pem"), patience=plain)
        patience = Patience(way=Way(ca_file=bundle, more_ca=more), retry_for_s=0.05)
        for _ in range(2):
            assert fetch(server.url("/x"), limit_bytes=99, patience=patience) == b"secret"
        assert cas.asked("/ca.pem") == 1
        with pytest.raises(NotTrusted):
            fetch(server.url("/x"), limit_bytes=99, patience=Patience(way=Way(ca_file=bundle)))


def test_a_ca_by_path(certificate: Path, tls: ssl.SSLContext) -> None:
    way = Way(more_ca=MoreCa(str(certificate), patience=Patience()))
    with serve({"/x": b"secret"}, tls=tls) as server:
        assert fetch(server.url("/x"), limit_bytes=99, patience=Patience(way=way)) == b"secret"


def test_a_ca_that_is_none_is_named_and_not_needed_for_http(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("-----BEGIN")
    plain = Patience(retry_for_s=0.05, first_pause_s=0.01)
    with serve({"/x": b"open"}) as server:
        for where, reason in (
            (str(tmp_path / "ca.pem"), "no certificate in PEM"),
            ("/no/such/ca.pem", "No such file"),
            (server.url("/x?sig=hunter2"), "no certificate in PEM"),
            (server.url("/ca.pem"), "HTTP status 404"),
        ):
            patience = replace(plain, way=Way(more_ca=MoreCa(where, patience=plain)))
            assert fetch(server.url("/x"), limit_bytes=99, patience=patience) == b"open"
            url = server.url("/x").replace("http:", "https:")
            with pytest.raises(Unreachable, match=rf"^hammer\.ca=.*{reason}") as caught:
                fetch(url, limit_bytes=99, patience=patience)
            assert "hunter2" not in str(caught.value)


def test_a_proxy_tunnels_to_https_servers(certificate: Path, tls: ssl.SSLContext) -> None:
    with serve({"/x": b"secret"}, tls=tls) as server, serve({"CONNECT": Tunnel()}) as proxy:
        way = Way(proxies=Proxies(https=proxy.address), ca_file=certificate)
        assert fetch(server.url("/x"), limit_bytes=99, patience=Patience(way=way)) == b"secret"
        assert [each.method for each in proxy.requests] == ["CONNECT"]
        assert proxy.requests[0].path == server.address.partition("//")[2]


def test_what_breaks_behind_an_encrypted_proxy(certificate: Path, tls: ssl.SSLContext) -> None:
    """TLS inside of TLS: what is broken off is told as ever, and what hangs is left."""
    table: dict[str, Answer] = {"/cut": Chunked(b"x" * 99, cut=True), "/hang": EndlessChunk(b"x")}
    with serve(table, tls=tls) as server, serve({"CONNECT": Tunnel()}, tls=tls) as proxy:
        way = Way(proxies=Proxies(https=proxy.address), ca_file=certificate)
        patience = Patience(way=way, stall_s=2, retry_for_s=0.1)
        with pytest.raises(Interrupted, match="closed the connection"):
            fetch(server.url("/cut"), limit_bytes=999, patience=patience)
        began_s = time.monotonic()
        with pytest.raises(Stalled):
            fetch(server.url("/hang"), limit_bytes=999, patience=patience)
        assert time.monotonic() - began_s < 40


def test_the_date_of_a_server_whose_certificate_is_not_known(tls: ssl.SSLContext) -> None:
    way = Way(ca_file=Path("/no/such/file"), more_ca=lambda: pytest.fail("not needed"))
    with serve({}, tls=tls) as server:
        assert date_of(server.url("/x"), way=way, limit_s=60) is not None
