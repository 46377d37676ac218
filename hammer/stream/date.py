"""What time it is by an HTTP server."""

import warnings
from urllib.parse import urljoin

import urllib3
from urllib3.exceptions import HTTPError, InsecureRequestWarning

from hammer.limited import limited
from hammer.stream.failures import FetchFailed
from hammer.stream.http import address_of, close_connections
from hammer.stream.validators import time_of
from hammer.stream.way import Way, manager_for

LIMIT_S = 5.0


def date_of(url: str, *, way: Way, limit_s: float = LIMIT_S) -> float | None:
    """The Date of whatever the server answers, in seconds since 1970; None if it gives none.

    A certificate is not checked: that is what the time is needed for. So of the URL no more
    than the host is told, nothing but the time is read, and it is believed as far as NTP is.
    """

    def asked() -> str | None:
        bare, _ = address_of(url)
        root = urljoin(bare, "/")
        manager = manager_for(way, root, connect_s=limit_s, read_s=limit_s, checked=False)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", InsecureRequestWarning)
                answer = manager.request(
                    "HEAD",
                    root,
                    redirect=False,
                    retries=urllib3.Retry(total=0, redirect=0, raise_on_status=False),
                )
            return answer.headers.get("date")
        finally:
            close_connections(manager)

    try:
        told = limited(limit_s, asked)
        return time_of(told).timestamp() if told else None
    except (FetchFailed, HTTPError, OSError, ValueError):
        return None
