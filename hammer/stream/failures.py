"""Why there are no bytes, in words for people; never urllib3's own text, which quotes queries."""

import re
import socket
import ssl
from http.client import HTTPException, IncompleteRead, RemoteDisconnected

from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    InvalidHeader,
    LocationValueError,
    MaxRetryError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from hammer.stream.floor import Window

_HUNG_UP = (IncompleteRead, RemoteDisconnected, ssl.SSLEOFError, ssl.SSLZeroReturnError)


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


class NotTrusted(Unreachable):
    """The certificate of the server is not one to accept."""


class BadStatus(FetchFailed):
    """An answer that is not the document."""

    def __init__(self, status: int, *, retry_after_s: float | None = None) -> None:
        super().__init__(f"the server answers with HTTP status {status}")
        self.status = status
        self.retry_after_s = retry_after_s
        """The pause that the server asks for."""


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


class TooSlow(FetchFailed):
    """The connection is open, and too little comes."""

    def __init__(self, window: Window, *, floor_bytes_per_s: int, received_bytes: int) -> None:
        rate, floor = _kib(window.bytes_per_s), _kib(floor_bytes_per_s)
        super().__init__(f"{rate} KiB/s over {window.seconds:.0f} s, {floor} KiB/s is the least")
        self.window = window
        self.floor_bytes_per_s = floor_bytes_per_s
        self.received_bytes = received_bytes


class TooLarge(FetchFailed):
    """More than the caller takes."""


def unreachable(error: HTTPError | OSError, *, stall_s: float) -> FetchFailed:
    cause = error.reason if isinstance(error, MaxRetryError) and error.reason else error
    if isinstance(cause, ReadTimeoutError):
        return Stalled(stall_s, received_bytes=0)
    if isinstance(cause, LocationValueError):
        return Unreachable("this URL, or one that it redirects to, cannot be opened")
    # A certificate that is not trusted now will not be trusted in a minute.
    if isinstance(_innermost(cause), ssl.SSLCertVerificationError):
        return NotTrusted(reason_of(cause))
    if isinstance(cause, ProxyError):
        return Unreachable(f"proxy: {_proxy_reason(cause)}", passing=True)
    # Nor will a server speak TLS then; one that hangs up may be starting again.
    passing = not isinstance(cause, SSLError) or isinstance(_innermost(cause), _HUNG_UP)
    return Unreachable(reason_of(cause), passing=passing)


def reason_of(error: BaseException) -> str:
    """The innermost cause in words; never urllib3's own text, which quotes the URL's query."""
    system = _innermost(error)
    if isinstance(system, ssl.SSLCertVerificationError):
        return f"TLS: the certificate is not accepted: {system.verify_message}"
    if isinstance(system, _HUNG_UP):
        return "the server closed the connection"
    if isinstance(system, ssl.SSLError):
        return f"TLS: {system.reason}"
    if isinstance(system, socket.gaierror):
        return f"the name of the server is not found: {system.strerror}"
    if isinstance(system, TimeoutError):
        return "the connection timed out"
    if isinstance(system, OSError) and system.strerror:
        return system.strerror
    if isinstance(error, ConnectTimeoutError):  # for urllib3 a refused connection is one, too
        return "the connection timed out"
    if isinstance(system, HTTPException | InvalidHeader):
        return "what the server says is not HTTP"
    return type(system).__name__


def _proxy_reason(error: ProxyError) -> str:
    """What the proxy said; http.client has its status in no field, but first in the text."""
    system = _innermost(error)
    said = re.search(r"Tunnel connection failed: ([0-9]{3})\b", str(system))
    return f"it answers with HTTP status {said[1]}" if said else reason_of(error)


def _innermost(error: BaseException) -> BaseException:
    """Down the causes to what the kernel, the resolver or http.client said."""
    while not isinstance(error, OSError | HTTPException):
        inner = [arg for arg in error.args if isinstance(arg, BaseException)]
        below = inner[0] if inner else error.__cause__ or error.__context__
        if below is None:
            break
        error = below
    return error


def _kib(count_bytes: float) -> str:
    """In KiB, with so many digits that 1 byte is not nothing."""
    kib = count_bytes / 1024
    return f"{kib:.0f}" if kib >= 10 else f"{kib:.2g}"
