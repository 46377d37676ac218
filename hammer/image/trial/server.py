"""Where the guest gets the image from: a server of one file, or one that is there already."""

import contextlib
import stat
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from hammer import redact
from hammer.errors import ArgumentInvalid
from hammer.host.qemu import HOST

# What the guest reaches under HOST is 127.0.0.1 of this machine.
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, kw_only=True)
class Source:
    """An image as the guest finds it."""

    url: str
    """As the guest must write it."""
    packed_bytes: int | None
    """None: not known before it is fetched."""
    here: tuple[str, str] = ("", "")
    """What of `url` is to be replaced, and by what, where a person reads it."""

    def for_people(self, text: str) -> str:
        """`text` with the image named as it was given."""
        there, here = self.here
        return text.replace(there, here) if there else text


@contextlib.contextmanager
def published(image: str) -> Iterator[Source]:
    """Hold an image, given as a file or as a URL, where a guest can fetch it.

    Of a file's directory the guest sees the file and those that are named after
    it (img.tar.lz4.md5). Raises ArgumentInvalid.
    """
    if "://" in image:
        yield _on_the_network(image)
        return
    path = Path(image)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ArgumentInvalid(argument=image, reason="is not a regular file")
        with path.open("rb"):
            pass
    except OSError as error:
        raise ArgumentInvalid(argument=image, reason=error.strerror or str(error)) from None
    except ValueError:  # a NUL in the name
        raise ArgumentInvalid(argument="IMAGE", reason="this is not a path") from None
    with _served(path) as port:
        there = f"http://{HOST}:{port}/"
        yield Source(
            url=there + quote(path.name),
            packed_bytes=status.st_size,
            here=(there, f"{path.parent}/"),
        )


def _on_the_network(url: str) -> Source:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ArgumentInvalid(argument="IMAGE", reason="this is not a URL") from None
    if parts.scheme not in ("http", "https"):
        reason = "must be a file, or a URL with http or https"
        raise ArgumentInvalid(argument=redact.url(url), reason=reason)
    if host not in LOOPBACK:
        return Source(url=url, packed_bytes=None)
    user, at, here = parts.netloc.rpartition("@")
    there = HOST if port is None else f"{HOST}:{port}"
    return Source(
        url=parts._replace(netloc=f"{user}{at}{there}").geturl(),
        packed_bytes=None,
        here=(f"//{there}/", f"//{here}/"),
    )


@contextlib.contextmanager
def _served(image: Path) -> Iterator[int]:
    """Hold a server of the image on the loopback address; its port."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.image = image
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a guest whose plug was pulled does not close its connections
    image: Path

    def handle_error(self, request: object, client_address: object) -> None:
        """A guest that hangs up is told by the guest, if it matters."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    timeout = 60

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        image = self.server.image
        name = unquote(urlsplit(self.path).path).removeprefix("/")
        file = image.parent / name
        if "/" in name or not (name == image.name or name.startswith(f"{image.name}.")):
            self._nothing()
            return
        try:
            with file.open("rb") as stream:
                self.send_response(200)
                self.send_header("Content-Length", str(file.stat().st_size))
                self.end_headers()
                self.connection.sendfile(stream)
        except (FileNotFoundError, IsADirectoryError):
            self._nothing()

    def _nothing(self) -> None:
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()
