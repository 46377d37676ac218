"""HTTP servers on the loopback address, honest ones and ones that misbehave.

    with serve({"/img.tar.lz4": b"...", "/later": Then(Status(503), b"...")}) as server:
        server.url("/img.tar.lz4")

A path answers with bytes, with a file (sent by sendfile(2)), or with one of the
behaviours below. `python -m tests.servers DIRECTORY` serves a directory from a
process of its own and prints the address first.
"""

import contextlib
import re
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

Content = bytes | Path


@dataclass(frozen=True)
class Status:
    """That status and nothing else."""

    code: int
    retry_after: str = ""


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
class EndlessHead:
    """Take the request and begin an answer, whose headers come byte by byte and never end."""


@dataclass(frozen=True)
class Words:
    """Take the request and answer with these bytes and no others."""

    content: bytes


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
class EndlessChunk:
    """Send all as a chunk; of the next one the line that says its length comes, for a minute."""

    content: bytes


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
    status: int = 200


@dataclass(frozen=True)
class Tunnel:
    """Of the path CONNECT: be a proxy for https."""


@dataclass(frozen=True)
class Parts:
    """Send what a Range asks for, with the validators that a web server gives.

    After `after` bytes of a body the connection ends as `end` says. With `lies` the
    server does something else than RFC 9110 wants of it.
    """

    content: bytes
    etag: str = '"1"'
    modified: str = ""
    after: int | None = None
    end: Literal["fin", "reset", "stall", "drip"] = "fin"
    lies: Literal["", "ignores-range", "ignores-if-range", "416", "elsewhere", "no-range"] = ""


Behaviour = (
    Status
    | Redirect
    | Cut
    | Reset
    | Stall
    | Silent
    | EndlessHead
    | Words
    | WrongLength
    | WithoutLength
    | Chunked
    | EndlessChunk
    | Drip
    | Recoded
    | Parts
    | Tunnel
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


def _pumped(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


class _Threaded(ThreadingHTTPServer):
    daemon_threads = True
    seen: Server
    answer_of: Callable[[str, int], Answer]

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are what many tests are about: no traceback."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Threaded
    # It would be for the whole of a body (sendall), for which a slow guest may take minutes.
    timeout = None

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._begin(0, 404)

    def do_CONNECT(self) -> None:
        """A tunnel, as a proxy makes it for https; to whatever host, it ends on this one."""
        headers = {k.lower(): v for k, v in self.headers.items()}
        seen = self.server.seen
        seen.requests.append(Request(self.path, headers, method=self.command))
        answer = self.server.answer_of("CONNECT", 1)
        if not isinstance(answer, Tunnel):
            self._begin(0, answer.code if isinstance(answer, Status) else 405)
            return
        with socket.create_connection(("127.0.0.1", int(self.path.rpartition(":")[2]))) as there:
            self._begin(None)
            back = threading.Thread(target=_pumped, args=(there, self.connection), daemon=True)
            back.start()
            _pumped(self.connection, there)
            back.join()
        self.close_connection = True

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
            self._misbehave(answer, request)

    def _begin(self, length: int | None, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def _misbehave(self, answer: Behaviour, request: Request) -> None:
        match answer:
            case Parts():
                self._send_part(answer, request)
            case Tunnel():
                self._begin(0, 405)
            case Status(code, retry_after):
                self._begin(0, code, **({"Retry_After": retry_after} if retry_after else {}))
            case Redirect(to):
                self._begin(0, 302, Location=to)
            case Cut(content, after) | Reset(content, after) | Stall(content, after):
                self._begin(len(content))
                self.wfile.write(content[:after])
                self._stop(stall=isinstance(answer, Stall), reset=isinstance(answer, Reset))
            case Silent():
                self.server.seen.ended.wait()
                self.close_connection = True
            case EndlessHead():
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
                while not self.server.seen.ended.wait(0.1):
                    self.wfile.write(b"x")
                self.close_connection = True
            case Words(content):
                self.wfile.write(content)
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
            case EndlessChunk(content):
                self._begin(None, Transfer_Encoding="chunked")
                self._send_chunks(content, len(content), cut=True)
                for _ in range(600):
                    self.wfile.write(b"0")
                    if self.server.seen.ended.wait(0.1):
                        break
            case Drip(content, piece, pause_s):
                self._begin(len(content))
                for at in range(0, len(content), piece):
                    self.wfile.write(content[at : at + piece])
                    self.server.seen.ended.wait(pause_s)
            case Recoded(content, coding, status):
                self._begin(len(content), status, Content_Encoding=coding)
                self.wfile.write(content)

    def _send_part(self, answer: Parts, request: Request) -> None:
        headers = {"ETag": answer.etag, "Last_Modified": answer.modified}
        headers = {name: value for name, value in headers.items() if value}
        total = len(answer.content)
        asked = re.fullmatch(r"bytes=([0-9]+)-", request.headers.get("range", ""))
        condition = request.headers.get("if-range")
        holds = condition in (None, answer.etag, answer.modified)
        first = 0
        if asked and answer.lies == "416":
            self._begin(0, 416, Content_Range=f"bytes */{total}", **headers)
            return
        if asked and answer.lies != "ignores-range" and (holds or answer.lies):
            first = int(asked[1]) + (7 if answer.lies == "elsewhere" else 0)
            if answer.lies != "no-range":
                headers["Content_Range"] = f"bytes {first}-{total - 1}/{total}"
        self._begin(total - first, 206 if first else 200, **headers)
        part = answer.content[first:]
        self.wfile.write(part[: answer.after])
        if answer.after is None or answer.after >= len(part):
            return
        if answer.end == "drip":
            for at in range(answer.after, len(part)):
                self.wfile.write(part[at : at + 1])
                if self.server.seen.ended.wait(0.05):
                    break
        self._stop(stall=answer.end == "stall", reset=answer.end == "reset")

    def _stop(self, *, stall: bool, reset: bool) -> None:
        if stall:
            self.server.seen.ended.wait()
        if reset:
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
