"""HTTP servers on the loopback address, honest ones and ones that misbehave.

    with serve({"/img.tar.lz4": b"...", "/later": Then(Status(503), b"...")}) as server:
        server.url("/img.tar.lz4")

A path answers with bytes, with a file (sent by sendfile(2)), or with one of the
behaviours below. `python -m tests.servers DIRECTORY` serves a directory from a
process of its own and prints the address first.
"""

import contextlib
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

Content = bytes | Path


@dataclass(frozen=True)
class Status:
    """That status and nothing else."""

    code: int


@dataclass(frozen=True)
class Redirect:
    """302 to another place; a path or a whole URL."""

    to: str


@dataclass(frozen=True)
class Cut:
    """Promise all, send `after` bytes, close in good order (FIN)."""

    content: bytes
    after: int


@dataclass(frozen=True)
class Reset:
    """Promise all, send `after` bytes, then reset the connection (RST)."""

    content: bytes
    after: int


@dataclass(frozen=True)
class Stall:
    """Promise all, send `after` bytes, then hold the connection and say nothing."""

    content: bytes
    after: int


@dataclass(frozen=True)
class Silent:
    """Take the request and never answer."""


@dataclass(frozen=True)
class WrongLength:
    """Send all, after a Content-Length that is not true."""

    content: bytes
    length: int


@dataclass(frozen=True)
class WithoutLength:
    """Send all and close: the only end that there is."""

    content: bytes


@dataclass(frozen=True)
class Chunked:
    """Transfer-Encoding chunked; `cut` closes before the last chunk."""

    content: bytes
    chunk: int = 10_000
    cut: bool = False


@dataclass(frozen=True)
class Drip:
    """Send slowly: pieces with a pause after each."""

    content: bytes
    piece: int
    pause_s: float


@dataclass(frozen=True)
class Recoded:
    """Send other bytes than were stored, and say so (a proxy that compresses)."""

    content: bytes
    coding: str = "gzip"


Behaviour = (
    Status
    | Redirect
    | Cut
    | Reset
    | Stall
    | Silent
    | WrongLength
    | WithoutLength
    | Chunked
    | Drip
    | Recoded
)
Answer = Content | Behaviour


@dataclass(frozen=True, init=False)
class Then:
    """One answer after the other; the last one for all further requests."""

    answers: tuple[Answer, ...]

    def __init__(self, *answers: Answer) -> None:
        object.__setattr__(self, "answers", answers)


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    query: str = ""
    method: str = "GET"
    body: bytes = b""


@dataclass
class Server:
    """A running server: where it is, and what it was asked for."""

    address: str
    requests: list[Request] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str) -> str:
        return f"{self.address}{path}"

    def asked(self, path: str) -> int:
        """How often this path was asked for."""
        return sum(request.path == path for request in self.requests)


@contextlib.contextmanager
def serve(
    answers: Mapping[str, Answer | Then] | Path,
    *,
    port: int = 0,
    tls: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
) -> Iterator[Server]:
    """Hold a server of a table of answers, or of all files below a directory."""
    httpd = _Threaded((host, port), _Handler)
    if tls:
        httpd.socket = tls.wrap_socket(httpd.socket, server_side=True)
    scheme = "https" if tls else "http"
    server = Server(address=f"{scheme}://{host}:{httpd.server_port}")
    httpd.seen = server
    httpd.answer_of = _in_directory(answers) if isinstance(answers, Path) else _in_table(answers)
    thread = threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()  # those that stall let go
        httpd.shutdown()
        httpd.server_close()
        thread.join()


@contextlib.contextmanager
def nobody() -> Iterator[str]:
    """Hold an address that refuses connections: a port that is taken, with nobody listening."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def _in_table(answers: Mapping[str, Answer | Then]) -> Callable[[str, int], Answer]:
    def answer_of(path: str, times: int) -> Answer:
        answer = answers.get(path, Status(404))
        if isinstance(answer, Then):
            return answer.answers[min(times, len(answer.answers)) - 1]
        return answer

    return answer_of


def _in_directory(directory: Path) -> Callable[[str, int], Answer]:
    def answer_of(path: str, times: int) -> Answer:
        file = directory / path.lstrip("/")
        return file if file.is_file() and ".." not in file.parts else Status(404)

    return answer_of


class _Threaded(ThreadingHTTPServer):
    daemon_threads = True
    seen: Server
    answer_of: Callable[[str, int], Answer]

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are what many tests are about: no traceback."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Threaded
    timeout = 60

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        body = self.rfile.read(length)
        if len(body) == length:  # else the client has given up
            self._answer(body)

    def _answer(self, body: bytes = b"") -> None:
        asked = urlsplit(self.path)
        path = unquote(asked.path)
        seen = self.server.seen
        headers = {k.lower(): v for k, v in self.headers.items()}
        request = Request(path, headers, query=asked.query, method=self.command, body=body)
        seen.requests.append(request)
        answer = self.server.answer_of(path, seen.asked(path))
        if isinstance(answer, bytes):
            self._begin(len(answer))
            self.wfile.write(answer)
        elif isinstance(answer, Path):
            with answer.open("rb") as file:
                self._begin(answer.stat().st_size)
                self.connection.sendfile(file)
        else:
            self._misbehave(answer)

    def _begin(self, length: int | None, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def _misbehave(self, answer: Behaviour) -> None:
        match answer:
            case Status(code):
                self._begin(0, code)
            case Redirect(to):
                self._begin(0, 302, Location=to)
            case Cut(content, after) | Reset(content, after) | Stall(content, after):
                self._begin(len(content))
                self.wfile.write(content[:after])
                self._stop(answer)
            case Silent():
                self.server.seen.ended.wait()
                self.close_connection = True
            case WrongLength(content, length):
                self._begin(length)
                self.wfile.write(content)
                self.close_connection = True
            case WithoutLength(content):
                self._begin(None, Connection="close")
                self.wfile.write(content)
            case Chunked(content, chunk, cut):
                self._begin(None, Transfer_Encoding="chunked")
                self._send_chunks(content, chunk, cut=cut)
            case Drip(content, piece, pause_s):
                self._begin(len(content))
                for at in range(0, len(content), piece):
                    self.wfile.write(content[at : at + piece])
                    self.server.seen.ended.wait(pause_s)
            case Recoded(content, coding):
                self._begin(len(content), Content_Encoding=coding)
                self.wfile.write(content)

    def _stop(self, answer: Cut | Reset | Stall) -> None:
        if isinstance(answer, Stall):
            self.server.seen.ended.wait()
        if isinstance(answer, Reset):
            # Time for what was sent to be read: a reset throws the rest away.
            self.server.seen.ended.wait(0.2)
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True

    def _send_chunks(self, content: bytes, chunk: int, *, cut: bool) -> None:
        for at in range(0, len(content), chunk):
            part = content[at : at + chunk]
            self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
        if cut:
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")


def main() -> None:
    with serve(Path(sys.argv[1])) as server:
        print(server.address, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
