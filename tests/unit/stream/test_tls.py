"""https: trusted by the CA file alone, reached also by a redirect from http."""

import ssl
import subprocess
import time
from pathlib import Path

import pytest

from hammer.stream.http import Patience, Unreachable, fetch
from tests.servers import Redirect, serve

pytestmark = pytest.mark.programs


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of 127.0.0.1, signed by itself, in one file."""
    where = tmp_path_factory.mktemp("tls")
    argv = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    argv += ["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"]
    argv += ["-keyout", str(where / "key.pem"), "-out", str(where / "crt.pem")]
    subprocess.run(argv, check=True, capture_output=True)
    both = (where / "key.pem").read_text() + (where / "crt.pem").read_text()
    (where / "both.pem").write_text(both)
    return where / "both.pem"


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_a_certificate_of_the_ca_file_is_trusted(certificate: Path, tls: ssl.SSLContext) -> None:
    with serve({"/x": b"secret"}, tls=tls) as server:
        patience = Patience(ca_file=certificate)
        assert fetch(server.url("/x"), limit_bytes=99, patience=patience) == b"secret"


def test_a_redirect_from_http_is_followed(certificate: Path, tls: ssl.SSLContext) -> None:
    patience = Patience(ca_file=certificate)
    with (
        serve({"/x": b"there"}, tls=tls) as there,
        serve({"/x": Redirect(there.url("/x"))}) as here,
    ):
        assert fetch(here.url("/x"), limit_bytes=99, patience=patience) == b"there"


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
