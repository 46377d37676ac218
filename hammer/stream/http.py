"""Bytes from a URL: http, https and file, with time-outs, redirects and a patient beginning.

What it raises is in failures.py.
"""

import contextlib
import os
import random
import stat
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

import tenacity
import urllib3
from urllib3.exceptions import (
    HTTPError,
    ReadTimeoutError,
)

from hammer.limited import limited
from hammer.stream.failures import (
    BadStatus,
    Interrupted,
    Stalled,
    TooLarge,
    TooSlow,
    Unreachable,
    reason_of,
    unreachable,
)
from hammer.stream.floor import Floor, Window
from hammer.stream.validators import time_of
from hammer.stream.way import Way, manager_for

READ_BYTES = 1 << 20
"""At most: with fewer of them network, digest and lz4 wait for each other less often."""

_MAX_REDIRECTS = 10
CLOSE_LIMIT_S = 1.0
_ADDRESSES = 4

SMALL_BYTES_PER_S = 1 << 10
"""What a document must come with, which is small: even a slow line has more."""

RETRY_AFTER_LIMIT_S = 60.0
"""A server may ask for a pause, but not for how long a machine stands still."""

# Of 4xx those that say `not now` (RFC 9110, 15.5.9; RFC 6585, 4), and 421, which is said to
# the connection.
_PASSING = (408, 421, 429)


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to wait for what."""

    connect_s: float = 10
    stall_s: float = 60
    """The longest time without a single byte, before the answer or inside of it."""
    min_bytes_per_s: int = 256 << 10
    """An image that comes more slowly is asked for again; 0: however slow it is."""
    window_s: float = 30
    """Over so many seconds of waiting the throughput is measured."""
    retry_for_s: float = 120
    """How long to try again while nothing gets on."""
    first_pause_s: float = 1
    longest_pause_s: float = 15
    way: Way = field(default_factory=Way)
    waiting: Callable[[float], AbstractContextManager[object]] = contextlib.nullcontext
    """Held around each wait, with the longest that it may take: for a watchdog."""


OnRetry = Callable[[str], None]
"""Is given a line for people: whose connection failed, why, and when it is tried again."""


class Body:
    """What a URL answers with, read once from front to back."""

    def __init__(
        self, read: Callable[[int], bytes], *, size_bytes: int | None, patience: Patience
    ) -> None:
        self._read = read
        self._stall_s = patience.stall_s
        self._waiting = patience.waiting
        self._floor_bytes_per_s = patience.min_bytes_per_s
        self._floor = Floor(patience.min_bytes_per_s, window_s=patience.window_s)
        self._slow: Window | None = None
        self.size_bytes = size_bytes
        """As promised; None if the server did not say."""
        self.received_bytes = 0
        self.was_fast = False
        """Whether it was fast enough over a window."""

    def read(self) -> bytes:
        """What has arrived, waiting for a first byte; empty at the end only.

        Raises Interrupted, Stalled or TooSlow.
        """
        if self._slow:  # the bytes that it was measured by have been handed over first
            raise TooSlow(
                self._slow,
                floor_bytes_per_s=self._floor_bytes_per_s,
                received_bytes=self.received_bytes,
            )
        began = time.monotonic()
        try:
            with self._waiting(self._stall_s):
                data = self._read(READ_BYTES)
        except (ReadTimeoutError, TimeoutError):
            raise Stalled(self._stall_s, received_bytes=self.received_bytes) from None
        except (HTTPError, OSError) as error:
            raise Interrupted(
                reason_of(error),
                received_bytes=self.received_bytes,
                expected_bytes=self.size_bytes,
            ) from None
        self.received_bytes += len(data)
        if window := self._floor.add(time.monotonic() - began, len(data)):
            self.was_fast = self.was_fast or window.enough
            self._slow = None if window.enough else window
        return data


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a server says to one request, whatever its status is."""

    status: int
    headers: Mapping[str, str]
    """Their names may be asked for in any case."""
    url: str
    """Where it came from, after all redirects; without user and password."""
    body: Body


@contextlib.contextmanager
def opened(
    url: str,
    *,
    patience: Patience | None = None,
    on_retry: OnRetry | None = None,
    may_leave_tls: bool = False,
) -> Iterator[Body]:
    """Hold an answer of status 200. Refusals that may pass are tried again for a while.

    For what is small: what breaks later is not mended. Raises Unreachable, BadStatus or
    Stalled. Redirects are followed, as `answered` says; bytes come as they are stored,
    without a content coding.
    """
    patience = _for_small(patience)
    again = _again(url, may_pass, patience=patience, on_retry=on_retry)
    with contextlib.ExitStack() as held:
        yield again(_open, url, held, patience=patience, may_leave_tls=may_leave_tls)


def fetch(
    url: str, *, limit_bytes: int, patience: Patience | None = None, on_retry: OnRetry | None = None
) -> bytes:
    """A small document as a whole; begun again if it breaks off. Raises any FetchFailed."""
    patience = _for_small(patience)

    def fetched() -> bytes:
        data = bytearray()
        with contextlib.ExitStack() as held:
            body = _open(url, held, patience=patience, may_leave_tls=False)
            while part := body.read():
                data += part
                if len(data) > limit_bytes:
                    raise TooLarge(f"it is larger than {limit_bytes} bytes")
        return bytes(data)

    def may_be_better(error: BaseException) -> bool:
        return may_pass(error) or isinstance(error, Interrupted)

    return _again(url, may_be_better, patience=patience, on_retry=on_retry)(fetched)


def _for_small(patience: Patience | None) -> Patience:
    patience = patience or Patience()
    return replace(patience, min_bytes_per_s=min(SMALL_BYTES_PER_S, patience.min_bytes_per_s))


def _again(
    url: str,
    may_be_better: Callable[[BaseException], bool],
    *,
    patience: Patience,
    on_retry: OnRetry | None,
) -> tenacity.Retrying:
    """Calls what it is given, and again after such errors, for as long as patience has it."""

    def pause_s(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        left_s = patience.retry_for_s - (state.seconds_since_start or 0)
        return min(pause_after(state.attempt_number, error, patience=patience), max(left_s, 0))

    def tell(state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        pause_s = state.next_action.sleep if state.next_action else 0
        if on_retry:
            on_retry(f"{host_of(url)}: {error}, again in {pause_s:.0f} s")

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(may_be_better),
        wait=pause_s,
        stop=tenacity.stop_after_delay(patience.retry_for_s),
        before_sleep=tell,
        sleep=lambda seconds: pause(seconds, patience=patience),
        reraise=True,
    )


def host_of(url: str) -> str:
    """The host and port of a URL, for people."""
    return urlsplit(url).netloc.rpartition("@")[2]


def may_pass(error: BaseException) -> bool:
    """A refused or lost connection, and what servers say of themselves: 429 and 5xx."""
    if isinstance(error, BadStatus):
        return error.status in _PASSING or error.status >= 500
    if isinstance(error, Unreachable):
        return error.passing
    return False


def pause_after(failures: int, error: BaseException | None, *, patience: Patience) -> float:
    """How long to wait after so many failures in a row, of which `error` is the last; seconds.

    It grows, and half of it is chance: machines that failed together would come back together,
    to a server that could not serve all of them.
    """
    grown_s = min(patience.first_pause_s * 2.0 ** min(failures - 1, 30), patience.longest_pause_s)
    wanted_s = (error.retry_after_s if isinstance(error, BadStatus) else None) or 0
    return max(grown_s * random.uniform(0.5, 1), min(wanted_s, RETRY_AFTER_LIMIT_S))


def pause(seconds: float, *, patience: Patience) -> None:
    """Do nothing for a while, as somebody who is alive."""
    with patience.waiting(seconds):
        time.sleep(seconds)


def answered(
    url: str,
    held: contextlib.ExitStack,
    *,
    patience: Patience,
    may_leave_tls: bool,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Ask once, with these headers as well; what is open is closed with `held`.

    Redirects are followed, those from https to http only for what is compared with a digest
    that came otherwise (`may_leave_tls`): of all else nobody would know who wrote it. An answer
    of any other status is returned. Raises Unreachable or Stalled.
    """
    seen: set[str] = set()
    ours: dict[str, str] = {}
    for _ in range(_MAX_REDIRECTS + 1):
        bare, needed = address_of(url)
        if urlsplit(bare).scheme == "file":
            if seen:
                raise Unreachable("this URL, or one that it redirects to, cannot be opened")
            body = _file_body(Path(unquote(urlsplit(bare).path)), held, patience=patience)
            return Answer(status=200, headers={}, url=bare, body=body)
        if bare in seen:
            raise Unreachable(f"it redirects in a circle, over {host_of(bare)}")
        if not seen or "authorization" in needed:
            ours = needed
        seen.add(bare)
        answer = _ask(bare, held, patience=patience, headers={**ours, **(headers or {})})
        location = answer.get_redirect_location()
        if not location:
            return Answer(
                status=answer.status,
                headers=answer.headers,
                url=bare,
                body=Body(
                    _reads_of(answer, limit_s=patience.stall_s),
                    size_bytes=answer.length_remaining,
                    patience=patience,
                ),
            )
        answer.close()
        url = _redirected(bare, location)
        leaves_tls = urlsplit(bare).scheme == "https" and urlsplit(url).scheme == "http"
        if leaves_tls and not may_leave_tls:
            raise Unreachable(f"it redirects from https to http, at {host_of(bare)}")
        if _origin(url) != _origin(bare):  # a password is for the server that it was given for
            ours = {name: value for name, value in ours.items() if name != "authorization"}
    raise Unreachable(f"it redirects more than {_MAX_REDIRECTS} times")


def _open(url: str, held: contextlib.ExitStack, *, patience: Patience, may_leave_tls: bool) -> Body:
    answer = answered(url, held, patience=patience, may_leave_tls=may_leave_tls)
    if answer.status != 200:
        raise bad_status(answer)
    return answer.body


def bad_status(answer: Answer) -> BadStatus:
    """The error of an answer that is of no use."""
    return BadStatus(answer.status, retry_after_s=_retry_after_s(answer.headers))


def _ask(
    bare: str, held: contextlib.ExitStack, *, patience: Patience, headers: Mapping[str, str]
) -> urllib3.BaseHTTPResponse:
    manager = manager_for(patience.way, bare, connect_s=patience.connect_s, read_s=patience.stall_s)
    held.callback(_let_go, lambda: close_connections(manager))
    # Of a server with several addresses each one may take its time, and before them the names.
    limit_s = _ADDRESSES * (patience.connect_s + patience.stall_s)
    too_late = False

    def asked() -> urllib3.BaseHTTPResponse:
        answer = manager.request(
            "GET",
            bare,
            headers=headers,
            preload_content=False,
            decode_content=False,
            redirect=False,
            retries=urllib3.Retry(total=0, redirect=0, raise_on_status=False),
        )
        if too_late:
            answer.close()
        return answer

    try:
        with patience.waiting(limit_s):
            # The time-out of a read begins anew with each byte, and headers may come for ever.
            answer = limited(limit_s, asked)
    except TimeoutError:
        too_late = True
        raise Stalled(limit_s, received_bytes=0) from None
    except (HTTPError, OSError) as error:
        raise unreachable(error, stall_s=patience.stall_s) from None
    except ValueError:
        raise Unreachable("it leads to something that is not a URL") from None
    held.callback(_let_go, answer.close)
    return answer


def _let_go(close: Callable[[], None]) -> None:
    """Close it, or leave it to the thread that still reads from it and does not give it free."""
    with contextlib.suppress(TimeoutError):
        limited(CLOSE_LIMIT_S, close)


def _reads_of(answer: urllib3.BaseHTTPResponse, *, limit_s: float) -> Callable[[int], bytes]:
    """Of the body, each with a limit. Raises TimeoutError, HTTPError, OSError."""
    if not answer.chunked:
        return answer.read1

    def read(count: int) -> bytes:
        try:
            # The line that says how much follows is no byte of the body, and may come for ever.
            return limited(limit_s, lambda: answer.read1(count))
        except BaseException:  # also a signal
            # Wakes up who still reads. At its end an answer has no socket, and TLS inside of TLS,
            # to a server behind a proxy, has none that urllib3 could shut down.
            with contextlib.suppress(OSError, RuntimeError, ValueError):
                answer.shutdown()
            raise

    return read


def _redirected(url: str, location: str) -> str:
    try:
        target = urljoin(url, location)
        usable = urlsplit(target).scheme in ("http", "https")
    except ValueError:
        usable = False
    if not usable:
        raise Unreachable("this URL, or one that it redirects to, cannot be opened")
    return target


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.rpartition("@")[2]


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Retry-After as seconds or as a time (RFC 9110, 10.2.3), by the clock of the server."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text[:9]), 1 << 30))
    try:
        now = time_of(headers["date"]) if "date" in headers else datetime.now(UTC)
        return max((time_of(text) - now).total_seconds(), 0)
    except ValueError:
        return None


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


def close_connections(manager: urllib3.PoolManager) -> None:
    """At once: its own `clear` leaves it to the collection of garbage."""
    for key in manager.pools.keys():  # noqa: SIM118  (it is no mapping to iterate over)
        manager.pools[key].close()


def _file_body(path: Path, held: contextlib.ExitStack, *, patience: Patience) -> Body:
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
