"""The bytes of an image, once from front to back, from whichever of its sources has them.

A connection that breaks, stalls or is too slow does not end the transfer: the next source, or the
same again after a pause, is asked for what is missing. Nothing that was handed over is taken
back, so the unpacker behind it never has to begin again.

Why the bytes of two connections may be joined, and those of two servers:

* With the part that is missing comes a piece of what is there already, and both must be the same.
  Compressed images that are not the same differ from their first block on: what follows a change
  is moved, or coded otherwise. So a piece in the middle knows its image.
* The total must be the same.
* A server that is asked again gets its own strong validator in If-Range. A validator of one
  server says nothing to another one: mirrors make their own, so they are asked without.
* A server that cannot send a part, or says that it has something else now, is asked for all of it.
  What was handed over is compared by its digest, and then it goes on.
* None of this is the proof. That is the digest of the image, which is over the whole of it and does
  not care where its bytes came from. A wrong piece costs an installation, it never makes one.
"""

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol
from urllib.parse import urlsplit

from hammer import redact
from hammer.stream import failures, http, validators

OVERLAP_BYTES = 16 << 10
"""How much of what is there already is asked for again, to compare it."""

PROGRESS_BYTES = 1 << 20
"""A connection that brought so much has been of use: what failed before it is forgotten."""

MIB = 1 << 20


class Digest(Protocol):
    """A digest of hashlib, as far as it is needed here."""

    @property
    def name(self) -> str: ...

    def digest(self) -> bytes: ...


class Changed(failures.FetchFailed):
    """Another image is there now than the one that was begun."""


class Recoded(failures.FetchFailed):
    """Somebody on the way has put a coding on the bytes."""

    def __init__(self, coding: str) -> None:
        super().__init__(f"somebody on the way has coded it anew (Content-Encoding: {coding})")
        self.coding = coding


class _NoPart(failures.FetchFailed):
    """The part that was asked for cannot be had; all of it may be."""


class _Source:
    """A place that has the image, and how it went there."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.etag: str | None = None
        self.validator: str | None = None
        """For If-Range; None where nothing came from yet, or nothing strong."""
        self.failure: failures.FetchFailed | None = None
        """The last one."""
        self.failures = 0
        """Since there was progress."""
        self.left = False
        """Nothing good can come from here any more."""


class Transfer:
    """Reads like an http.Body, and outlives connections. Made by `transferred`."""

    def __init__(
        self,
        urls: Sequence[str],
        *,
        patience: http.Patience,
        on_retry: http.OnRetry | None,
        size_bytes: int | None,
    ) -> None:
        self._sources = [_Source(url) for url in urls]
        self._source = self._sources[0]
        self._patience = patience
        self._on_retry = on_retry
        self._held = contextlib.ExitStack()
        self._body: http.Body | None = None
        self._begun_at = 0
        self._ahead = b""
        self._tail = b""
        self._failing_since_s: float | None = None
        self._so_far: Callable[[], Digest] | None = None
        self.size_bytes = size_bytes
        """None if nobody said."""
        self.received_bytes = 0
        """Handed over, each byte once."""
        self.url = urls[0]
        """Where the newest bytes came from, after redirects."""

    def compare_with(self, so_far: Callable[[], Digest]) -> None:
        """Who reads tells how to get the digest of all that `read` has returned, as a copy.

        Without, a source that cannot send parts is of no use after its beginning.
        """
        self._so_far = so_far

    def open(self) -> None:
        """Find a source that answers. Raises FetchFailed when none is left, or for too long."""
        self._connect_somewhere()

    def close(self) -> None:
        """Leave no connection behind."""
        self._body = None
        self._held.close()

    def read(self) -> bytes:
        """What has arrived, waiting for a first byte; empty at the end only.

        Raises FetchFailed when no source is left, or nothing got on for too long.
        """
        while True:
            try:
                data = self._read()
            except failures.FetchFailed as error:
                if self.received_bytes == self.size_bytes and may_go_on(error):
                    return b""  # no more than the end of the end was lost
                self._failed(error)
                self._connect_somewhere()
                continue
            self.received_bytes += len(data)
            before = b"" if len(data) >= OVERLAP_BYTES else self._tail
            self._tail = (before + data[-OVERLAP_BYTES:])[-OVERLAP_BYTES:]
            return data

    def _read(self) -> bytes:
        assert self._body is not None
        data, self._ahead = self._ahead or self._body.read(), b""
        at, size = self.received_bytes + len(data), self.size_bytes
        if size is not None and at > size:
            raise Changed(f"more than its {size} bytes come")
        if not data and size is not None and at < size:
            raise _ended_early(at, size)
        return data

    # --- connections ------------------------------------------------------------------------

    def _connect_somewhere(self) -> None:
        while True:
            try:
                try:
                    self._connect()
                except _NoPart:
                    self._connect(whole=True)
                return
            except failures.FetchFailed as error:
                self._failed(error)

    def _connect(self, *, whole: bool = False) -> None:
        """One connection, up to where the next byte is one that is wanted."""
        self.close()
        source, at = self._source, self.received_bytes
        begin = 0 if whole else max(0, at - OVERLAP_BYTES)
        headers = {}
        if begin:
            headers["range"] = f"bytes={begin}-"
            if source.validator:
                headers["if-range"] = source.validator
        answer = http.answered(
            source.url,
            self._held,
            patience=self._patience,
            headers=headers,
            may_leave_tls=True,  # the digest of the image proves what came
        )
        first, total = _first_and_total(answer, begin=begin, etag=source.etag)
        if coding := validators.recoded(answer.headers, path=urlsplit(source.url).path):
            raise Recoded(coding)
        if self.size_bytes is not None and total not in (None, self.size_bytes):
            raise Changed(f"its size is {total} bytes and was {self.size_bytes}")
        self._body, self._begun_at = answer.body, at
        self._skip(answer.body, first)
        if self.size_bytes is None:
            self.size_bytes = total
        self.url = answer.url
        source.etag = answer.headers.get("etag")
        source.validator = validators.for_if_range(answer.headers)

    def _skip(self, body: http.Body, first: int) -> None:
        """Read from byte `first` to what is wanted, and see that it is what was handed over."""
        at = position = self.received_bytes
        if first == at:
            return
        seen, expected = self._compared(first)
        position, rest = first, b""
        while position < at:
            data = body.read()
            if not data:  # it told no length: whether this is its end or a break, nobody knows
                raise _ended_early(position, self.size_bytes)
            data, rest = data[: at - position], data[at - position :]
            position += len(data)
            seen.update(data)
        if seen.digest() != expected:
            raise Changed(f"its first {at} bytes are others than before")
        self._ahead = rest

    def _compared(self, first: int) -> tuple["hashlib._Hash", bytes]:
        """A new digest for the bytes from `first` on, and what it must come to."""
        known = self.received_bytes - len(self._tail)
        if first >= known:
            return hashlib.sha256(), hashlib.sha256(self._tail[first - known :]).digest()
        if self._so_far is None:
            raise failures.Interrupted(
                "the server sends no part of it",
                received_bytes=self.received_bytes,
                expected_bytes=self.size_bytes,
            )
        so_far = self._so_far()
        return hashlib.new(so_far.name, usedforsecurity=False), so_far.digest()

    # --- going on ---------------------------------------------------------------------------

    def _failed(self, error: failures.FetchFailed) -> None:
        """Choose the source to go on with, and wait. Raises what ends the transfer."""
        now_s, source = time.monotonic(), self._source
        if self._made_progress(error):
            self._failing_since_s = None
            for each in self._sources:
                each.failures = 0
        self.close()
        if self._failing_since_s is None:
            self._failing_since_s = now_s
        source.failure, source.failures = self._as_a_whole(error), source.failures + 1
        source.left = not may_go_on(error)
        left_s = self._failing_since_s + self._patience.retry_for_s - now_s
        following = self._next()
        if following is None or left_s <= 0:
            raise self._cause()
        pause_s = 0.0
        if following.failures:
            wanted_s = http.pause_after(
                following.failures, following.failure, patience=self._patience
            )
            pause_s = min(wanted_s, left_s)
        self._tell(source, following, pause_s)
        self._source = following
        http.pause(pause_s, patience=self._patience)

    def _made_progress(self, error: failures.FetchFailed) -> bool:
        """Whether the connection that failed was of use.

        What was too slow over its last window may have brought a lot, slowly, and so may what
        brought some and then stalled. If that counted, a server that drips would be asked again
        for ever.
        """
        least_bytes: float = PROGRESS_BYTES
        if isinstance(error, failures.Stalled):
            least_bytes = max(least_bytes, error.limit_s * self._patience.min_bytes_per_s)
        if self._body is None or self.received_bytes - self._begun_at < least_bytes:
            return False
        return self._body.was_fast or not isinstance(error, failures.TooSlow)

    def _next(self) -> _Source | None:
        """In their order, beginning behind the one that failed; None if none is left."""
        at = self._sources.index(self._source) + 1
        ring = [*self._sources[at:], *self._sources[:at]]
        return next((each for each in ring if not each.left), None)

    def _as_a_whole(self, error: failures.FetchFailed) -> failures.FetchFailed:
        """The error with the bytes of the whole transfer, not of the connection."""
        match error:
            case failures.Stalled():
                return failures.Stalled(error.limit_s, received_bytes=self.received_bytes)
            case failures.Interrupted():
                return failures.Interrupted(
                    error.reason,
                    received_bytes=self.received_bytes,
                    expected_bytes=self.size_bytes,
                )
            case failures.TooSlow():
                error.received_bytes = self.received_bytes
        return error

    def _cause(self) -> failures.FetchFailed:
        """The failure of the first source that has one; those of others are its notes."""
        cause, *others = [each for each in self._sources if each.failure]
        assert cause.failure is not None
        for each in others:
            cause.failure.add_note(f"mirror {redact.url(each.url)}: {each.failure}")
        return cause.failure

    def _tell(self, source: _Source, following: _Source, pause_s: float) -> None:
        if self._on_retry is None:
            return
        where = "again" if following is source else f"on to {http.host_of(following.url)}"
        at = f" at {self.received_bytes // MIB} MiB" if self.received_bytes else ""
        after = f" in {pause_s:.0f} s" if pause_s else ""
        assert source.failure is not None
        self._on_retry(f"{http.host_of(source.url)}: {source.failure.reason}, {where}{at}{after}")


@contextlib.contextmanager
def transferred(
    urls: Sequence[str],
    *,
    patience: http.Patience | None = None,
    on_retry: http.OnRetry | None = None,
    size_bytes: int | None = None,
) -> Iterator[Transfer]:
    """Hold a transfer whose first source has answered; it is at the first byte.

    `urls` are tried in their order, `size_bytes` is what was promised earlier. Raises
    FetchFailed: that of the first source, with those of others as notes.
    """
    transfer = Transfer(
        urls, patience=patience or http.Patience(), on_retry=on_retry, size_bytes=size_bytes
    )
    try:
        transfer.open()
        yield transfer
    finally:
        transfer.close()


def _ended_early(at: int, size_bytes: int | None) -> failures.Interrupted:
    return failures.Interrupted(
        "the server ended it early", received_bytes=at, expected_bytes=size_bytes
    )


def may_go_on(error: failures.FetchFailed) -> bool:
    """Whether the same source may do better when it is asked again."""
    return http.may_pass(error) or isinstance(
        error, failures.Interrupted | failures.Stalled | failures.TooSlow
    )


def _first_and_total(
    answer: http.Answer, *, begin: int, etag: str | None
) -> tuple[int, int | None]:
    """First byte and total of what an answer holds. Raises _NoPart, BadStatus."""
    if answer.status == 200:
        return 0, answer.body.size_bytes
    if not begin or answer.status not in (206, 416):
        raise http.bad_status(answer)
    if answer.status == 416:
        raise _NoPart("it does not have the part that was asked for")
    if etag and answer.headers.get("etag", etag) != etag:
        raise _NoPart("it is of another version than the part before")
    try:
        first, total = validators.part_of(answer.headers)
    except ValueError as error:
        raise _NoPart(str(error)) from None
    if first != begin:
        raise _NoPart("it sends another part than it was asked for")
    return first, total
