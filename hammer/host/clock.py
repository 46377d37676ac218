"""The clock of a machine whose battery is empty: without the time no certificate is valid.

It is asked of NTP servers, and of HTTP servers where there is none. Neither proves who it is, so
the clock goes forward only, and only to a time in which this program can be running.
"""

import os
import socket
import struct
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol
from urllib.parse import urlsplit

from hammer.limited import limited

NOT_BEFORE = datetime(2026, 11, 1, tzinfo=UTC)
"""This version is not older: its files have one fixed time, so that a build can be repeated."""
NOT_AFTER = NOT_BEFORE + timedelta(days=20 * 365)
NEAR_S = 5.0
"""A difference that does no harm, and a Date of HTTP is no better than this."""

NTP_PORT = 123
NTP_LIMIT_S = 2.0
NTP_SERVERS_MAX = 3
_NTP_TRIES = 2
_NAME_LIMIT_S = 3.0
LIMIT_S = 60.0
"""More than all of it takes."""

# Figure 8 of RFC 5905: leap indicator with version and mode, stratum, poll, precision, root delay,
# root dispersion, reference id, and the times reference, originate, receive, transmit.
_PACKET = struct.Struct("!BBbb3I4Q")
_REQUEST = (4 << 3) | 3  # version 4, mode client
_SERVER = 4
_UNSYNCHRONISED = 3
_EPOCH_S = 2_208_988_800  # from 1900 to 1970
_ERA_S = 1 << 32


class Clock(Protocol):
    def now_s(self) -> float:
        """Seconds since 1970."""

    def set_s(self, time_s: float) -> None:
        """Raises OSError."""


class HostClock:
    """The clock of this machine."""

    def now_s(self) -> float:
        return time.time()

    def set_s(self, time_s: float) -> None:
        time.clock_settime(time.CLOCK_REALTIME, time_s)


Told = tuple[str, float]
"""Who says it, and which time it is now, in seconds since 1970."""


def set_right(
    clock: Clock,
    *,
    ntp: Sequence[str],
    dates: Callable[[], Iterable[Told]],
    say: Callable[[str], None],
) -> None:
    """Set the clock if it is behind; what is done or left undone is one line. Never raises.

    `ntp` are servers as HOST or HOST:PORT, `dates` asks others when none of them answers.
    """
    for who, told_s in _told(ntp, dates):
        behind_s = told_s - clock.now_s()
        if not NOT_BEFORE.timestamp() <= told_s <= NOT_AFTER.timestamp():
            say(f"the clock stays: {who} says that it is {_shown(told_s)}")
            continue
        if behind_s < -NEAR_S:
            say(f"the clock stays, {_span(-behind_s)} ahead of {who}: it is only set forward")
        elif behind_s > NEAR_S:
            try:
                clock.set_s(told_s)
            except OSError as error:
                say(f"the clock stays, {_span(behind_s)} behind {who}: {error.strerror}")
            else:
                say(f"the clock was {_span(behind_s)} behind {who}, now it is {_shown(told_s)}")
        return


def _told(ntp: Sequence[str], dates: Callable[[], Iterable[Told]]) -> Iterable[Told]:
    for server in ntp[:NTP_SERVERS_MAX]:
        for _ in range(_NTP_TRIES):
            try:
                time_s = limited(NTP_LIMIT_S + _NAME_LIMIT_S, partial(ask, server))
            except (OSError, ValueError):  # TimeoutError is an OSError
                continue
            yield server, time_s
            break
    yield from dates()


def ask(server: str, *, limit_s: float = NTP_LIMIT_S) -> float:
    """The time by an NTP server, in seconds since 1970. Raises OSError, ValueError.

    A client of SNTP (RFC 5905, 14). Its transmit timestamp is a random number: the server gives
    it back, and who cannot see the question cannot answer it.
    """
    parts = urlsplit(f"//{server}")
    deadline_s = time.monotonic() + limit_s
    family, kind, protocol, _, address = socket.getaddrinfo(
        parts.hostname, parts.port or NTP_PORT, type=socket.SOCK_DGRAM
    )[0]
    cookie = int.from_bytes(os.urandom(8)) | 1  # not 0, which is no timestamp
    with socket.socket(family, kind, protocol) as sock:
        sock.connect(address)  # from now on the kernel drops what others send
        began_s = time.monotonic()
        sock.send(_PACKET.pack(_REQUEST, 0, 0, 0, 0, 0, 0, 0, 0, 0, cookie))
        while (left_s := deadline_s - time.monotonic()) > 0:
            sock.settimeout(left_s)
            packet = sock.recv(1024)
            now_s = time.monotonic()
            try:
                return read_answer(packet, cookie=cookie) + (now_s - began_s) / 2
            except ValueError:
                continue  # perhaps forged, and the true one is on its way
    raise TimeoutError(f"{server} does not answer")


def read_answer(packet: bytes, *, cookie: int) -> float:
    """The time that the server sent, in seconds since 1970. Raises ValueError for what is none."""
    if len(packet) < _PACKET.size:
        raise ValueError("too short for NTP")
    flags, stratum, _, _, _, _, _, _, originate, _, transmit = _PACKET.unpack_from(packet)
    if originate != cookie:
        raise ValueError("the answer to another question")
    if flags & 7 != _SERVER:
        raise ValueError("not from a server")
    if flags >> 6 == _UNSYNCHRONISED or not 1 <= stratum <= 15 or not transmit:
        raise ValueError("from a server that does not know the time itself")
    seconds: float = (transmit >> 32) + (transmit & 0xFFFFFFFF) / _ERA_S - _EPOCH_S
    # The seconds begin again in February 2036 (RFC 5905, 6): which era is meant, we know.
    return seconds if seconds >= NOT_BEFORE.timestamp() else seconds + _ERA_S


def _span(seconds: float) -> str:
    return f"{seconds / 86400:.0f} days" if seconds >= 2 * 86400 else f"{seconds:.0f} s"


def _shown(time_s: float) -> str:
    try:
        return f"{datetime.fromtimestamp(time_s, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return f"{time_s:.0f} s after 1970"
