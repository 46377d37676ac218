"""Bytes to a URL: one POST, one answer, within a time."""

from collections.abc import Mapping
from dataclasses import dataclass

import urllib3
from urllib3.exceptions import HTTPError

from hammer.limited import limited
from hammer.stream.failures import BadStatus, Stalled, unreachable
from hammer.stream.http import address_of, close_connections
from hammer.stream.way import Way, manager_for

ANSWER_LIMIT_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a server says to a POST that it took."""

    status: int
    body: bytes
    """At most ANSWER_LIMIT_BYTES; what comes after is not read."""


def post(
    url: str,
    data: bytes,
    *,
    content_type: str,
    headers: Mapping[str, str] | None = None,
    connect_s: float = 2,
    limit_s: float = 5,
    way: Way = Way(),  # noqa: B008  (it is frozen)
) -> Answer:
    """Send `data` once. Raises FetchFailed without an answer of 200 to 299 after `limit_s`.

    Redirects are not followed: what is sent is for this server alone. A server that
    answers slowly, byte by byte, is left after `limit_s` like one that says nothing.
    """
    bare, ours = address_of(url)
    ours |= {"content-type": content_type, **(headers or {})}

    def sent() -> Answer:
        manager = manager_for(way, bare, connect_s=connect_s, read_s=limit_s)
        try:
            answer = manager.request(
                "POST",
                bare,
                body=data,
                headers=ours,
                preload_content=False,
                decode_content=False,
                retries=urllib3.Retry(total=0, redirect=False, raise_on_status=False),
            )
            try:
                if not 200 <= answer.status < 300:
                    raise BadStatus(answer.status)
                return Answer(status=answer.status, body=_beginning(answer))
            finally:
                answer.close()
        except (HTTPError, OSError) as error:
            raise unreachable(error, stall_s=limit_s) from None
        finally:
            close_connections(manager)

    try:
        return limited(limit_s, sent)
    except TimeoutError:
        raise Stalled(limit_s, received_bytes=0) from None


def _beginning(answer: urllib3.BaseHTTPResponse) -> bytes:
    data = bytearray()
    while len(data) < ANSWER_LIMIT_BYTES and (part := answer.read1(ANSWER_LIMIT_BYTES)):
        data += part
    return bytes(data[:ANSWER_LIMIT_BYTES])
