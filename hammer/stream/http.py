"""Bytes from a URL: http, https and file, with time-outs, redirects and a patient beginning."""

import contextlib
import os
import socket
import ssl
import stat
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from http.client import IncompleteRead, RemoteDisconnected
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit, urlunsplit

import tenacity
import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationValueError,
    MaxRetryError,
    ReadTimeoutError,
    ResponseError,
    SSLError,
)

READ_BYTES = 256 << 10
_MAX_REDIRECTS = 10


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to wait for what. Only the beginning is repeated, never a transfer."""

    connect_s: float = 10
    stall_s: float = 60
    """The longest time without a single byte, before the answer or inside of it."""
    retry_for_s: float = 120
    first_pause_s: float = 1
    longest_pause_s: float = 15
    ca_file: Path = Path("/etc/ssl/certs/ca-certificates.crt")
    waiting: Callable[[float], AbstractContextManager[object]] = contextlib.nullcontext
    """Held around each wait, with the longest that it may take: for a watchdog."""


OnRetry = Callable[[str], None]
"""Is given a line for people: whose connection failed, why, and when it is tried again."""


class FetchFailed(Exception):
    """Why there are no bytes. Neutral: who asked makes an error of their own of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        """In words, without the URL."""


class Unreachable(FetchFailed):
    """No answer at all, or a URL that cannot work."""

    def __init__(self, reason: str, *, passing: bool = False) -> None:
        super().__init__(reason)
        self.passing = passing
        """Whether it may go away by itself: a server that starts, a link that comes up."""


class BadStatus(FetchFailed):
    """An answer that is not the document."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the server answers with HTTP status {status}")
        self.status = status


class Interrupted(FetchFailed):
    """The end came before the end."""

    def __init__(self, reason: str, *, received_bytes: int, expected_bytes: int | None) -> None:
        super().__init__(reason)
        self.received_bytes = received_bytes
        self.expected_bytes = expected_bytes


class Stalled(FetchFailed):
    """The connection is open and nothing comes."""

    def __init__(self, limit_s: float, *, received_bytes: int) -> None:
        super().__init__(f"nothing for {limit_s:g} s after {received_bytes} bytes")
        self.limit_s = limit_s
        self.received_bytes = received_bytes


class TooLarge(FetchFailed):
    """More than the caller takes."""


class Body:
    """What a URL answers with, read once from front to back."""

    def __init__(
        self, read: Callable[[int], bytes], *, size_bytes: int | None, patience: Patience
    ) -> None:
        self._read = read
        self._stall_s = patience.stall_s
        self._waiting = patience.waiting
        self.size_bytes = size_bytes
        """As promised; None if the server did not say."""
        self.received_bytes = 0

    def read(self) -> bytes:
        """What has arrived, waiting for a first byte; empty at the end only.

        Raises Interrupted or Stalled.
        """
        try:
            with self._waiting(self._stall_s):
                data = self._read(READ_BYTES)
        except ReadTimeoutError:
            raise Stalled(self._stall_s, received_bytes=self.received_bytes) from None
        except (HTTPError, OSError) as error:
            raise Interrupted(
                _reason(error),
                received_bytes=self.received_bytes,
                expected_bytes=self.size_bytes,
            ) from None
        self.received_bytes += len(data)
        return data


@contextlib.contextmanager
def opened(
    url: str, *, patience: Patience | None = None, on_retry: OnRetry | None = None
) -> Iterator[Body]:
    """Hold an answer of status 200. Refusals that may pass are tried again for a while.

    Raises Unreachable, BadStatus or Stalled. Redirects are followed, also from
    http to https; bytes come as they are stored, without a content coding.
    """
    patience = patience or Patience()

    def tell(state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        pause_s = state.next_action.sleep if state.next_action else 0
        if on_retry:
            on_retry(f"{_host(url)}: {error}, again in {pause_s:.0f} s")

    attempts = tenacity.Retrying(
        retry=tenacity.retry_if_exception(_may_pass),
        wait=tenacity.wait_exponential(
            multiplier=patience.first_pause_s, max=patience.longest_pause_s
        ),
        stop=tenacity.stop_after_delay(patience.retry_for_s),
        before_sleep=tell,
        reraise=True,
    )
    with contextlib.ExitStack() as held:
        yield attempts(_open, url, held, patience=patience)


def fetch(
    url: str, *, limit_bytes: int, patience: Patience | None = None, on_retry: OnRetry | None = None
) -> bytes:
    """A small document as a whole. Raises any FetchFailed."""
    data = bytearray()
    with opened(url, patience=patience, on_retry=on_retry) as body:
        while part := body.read():
            data += part
            if len(data) > limit_bytes:
                raise TooLarge(f"it is larger than {limit_bytes} bytes")
    return bytes(data)


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


def _may_pass(error: BaseException) -> bool:
    """A refused or lost connection, and what servers say of themselves: 429 and 5xx."""
    if isinstance(error, BadStatus):
        return error.status == 429 or error.status >= 500
    return isinstance(error, Unreachable) and error.passing


def _open(url: str, held: contextlib.ExitStack, *, patience: Patience) -> Body:
    bare, headers = address_of(url)
    parts = urlsplit(bare)
    if parts.scheme == "file":
        return _open_file(Path(unquote(parts.path)), held, patience=patience)
    manager = manager_for(patience.ca_file, connect_s=patience.connect_s, read_s=patience.stall_s)
    held.callback(close_connections, manager)
    try:
        with patience.waiting((_MAX_REDIRECTS + 1) * (patience.connect_s + patience.stall_s)):
            answer = manager.request(
                "GET",
                bare,
                headers=headers,
                preload_content=False,
                decode_content=False,
                retries=urllib3.Retry(
                    total=None,
                    connect=0,
                    read=0,
                    status=0,
                    other=0,
                    redirect=_MAX_REDIRECTS,
                    raise_on_status=False,
                ),
            )
    except (HTTPError, OSError) as error:
        raise unreachable(error, stall_s=patience.stall_s) from None
    except ValueError:
        raise Unreachable("it leads to something that is not a URL") from None
    held.callback(answer.close)
    if answer.status != 200:
        raise BadStatus(answer.status)
    return Body(answer.read1, size_bytes=answer.length_remaining, patience=patience)


def address_of(url: str) -> tuple[str, dict[str, str]]:
    """The URL without user and password, and headers that hold these. Raises Unreachable."""
    try:
        parts = urlsplit(url)
        credentials = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    except ValueError:
        raise Unreachable("this is not a URL") from None
    if parts.scheme not in ("http", "https", "file"):
        raise Unreachable(f"URLs of the scheme {parts.scheme!r} are not supported")
    headers = urllib3.make_headers(accept_encoding="identity", user_agent="metal-hammer")
    if parts.username:
        # In UTF-8 (RFC 7617, 2.1); urllib3 itself would take Latin-1 only.
        headers["authorization"] = f"Basic {b64encode(credentials.encode()).decode()}"
    return bare, headers


def manager_for(ca_file: Path, *, connect_s: float, read_s: float) -> urllib3.PoolManager:
    return urllib3.PoolManager(
        ca_certs=str(ca_file) if ca_file.exists() else None,
        timeout=urllib3.Timeout(connect=connect_s, read=read_s),
    )


def close_connections(manager: urllib3.PoolManager) -> None:
    """At once: its own `clear` leaves it to the collection of garbage."""
    for key in manager.pools.keys():  # noqa: SIM118  (it is no mapping to iterate over)
        manager.pools[key].close()


def _open_file(path: Path, held: contextlib.ExitStack, *, patience: Patience) -> Body:
    def without_waiting(name: str, flags: int) -> int:
        return os.open(name, flags | os.O_NONBLOCK)  # or a FIFO waits for its writer

    try:
        file: IO[bytes] = held.enter_context(
            open(path, "rb", 0, opener=without_waiting)  # noqa: SIM115
        )
    except OSError as error:
        raise Unreachable(error.strerror or str(error)) from None
    except ValueError:  # a NUL in the name
        raise Unreachable("this is not a path") from None
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise Unreachable("is not a regular file")
    return Body(file.read, size_bytes=status.st_size, patience=patience)


def unreachable(error: HTTPError | OSError, *, stall_s: float) -> FetchFailed:
    cause = error.reason if isinstance(error, MaxRetryError) and error.reason else error
    if isinstance(cause, ReadTimeoutError):
        return Stalled(stall_s, received_bytes=0)
    if isinstance(cause, LocationValueError):
        return Unreachable("this URL, or one that it redirects to, cannot be opened")
    # A certificate that is not trusted now will not be trusted in a minute.
    passing = not isinstance(cause, SSLError | ResponseError)
    return Unreachable(_reason(cause), passing=passing)


def _reason(error: BaseException) -> str:
    """The innermost cause in words; never urllib3's own text, which quotes the URL's query."""
    system = _innermost(error)
    if isinstance(system, ssl.SSLCertVerificationError):
        return f"TLS: the certificate is not accepted: {system.verify_message}"
    if isinstance(system, ssl.SSLError):
        return f"TLS: {system.reason}"
    if isinstance(system, socket.gaierror):
        return f"the name of the server is not found: {system.strerror}"
    if isinstance(system, TimeoutError):
        return "the connection timed out"
    if isinstance(system, IncompleteRead | RemoteDisconnected):
        return "the server closed the connection"
    if isinstance(system, OSError) and system.strerror:
        return system.strerror
    if isinstance(error, ConnectTimeoutError):  # for urllib3 a refused connection is one, too
        return "the connection timed out"
    if isinstance(error, ResponseError):
        return str(error)
    return type(system).__name__


def _innermost(error: BaseException) -> BaseException:
    """Down the causes to what the kernel, the resolver or http.client said."""
    while not isinstance(error, OSError | IncompleteRead):
        inner = [arg for arg in error.args if isinstance(arg, BaseException)]
        below = inner[0] if inner else error.__cause__ or error.__context__
        if below is None:
            break
        error = below
    return error
