"""What is published of an image: its digest, and why a server did not give it.

Without the contract, which takes a while to import: authors check images often.
"""

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit, urlunsplit

from hammer import redact
from hammer.algorithm import Algorithm
from hammer.errors import (
    DigestMalformed,
    DigestMissing,
    ImageChanged,
    ImageError,
    ImageHttpStatus,
    ImageInterrupted,
    ImageNotTrusted,
    ImageRecoded,
    ImageStalled,
    ImageTooSlow,
    ImageUnreachable,
)
from hammer.stream import digest, failures, http, transfer
from hammer.stream.digest import Digest

SIDE_CARS = {
    ".sha512": Algorithm.SHA512,
    ".sha512sum": Algorithm.SHA512,
    ".sha256": Algorithm.SHA256,
    ".sha256sum": Algorithm.SHA256,
    ".md5": Algorithm.MD5,
}
"""What the file with the digest may be called beside the image, the strongest first."""

SIDE_CAR_BYTES = 64 << 10
CHECKSUM_FILE_BYTES = 4 << 20
"""One that a document names may hold the digests of a whole mirror."""

# What servers answer of something that is not there; a bucket that may not be listed says 403.
_ABSENT = (403, 404, 410)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A digest that a document names."""

    text: str
    """A digest, `sha256:` and a digest, or the URL of a checksum file."""
    algorithm: Algorithm | None = None
    """As the document says; None: the text tells."""
    where: str
    """Which document, for people."""


@dataclass(frozen=True, kw_only=True)
class Publisher:
    """Asks for what is published of an image, with the patience of whoever wants it."""

    patience: http.Patience | None = None
    on_retry: http.OnRetry | None = None

    def digest_beside(self, image_url: str, *, mirrors: Sequence[str] = ()) -> Digest:
        """The strongest digest in a file beside the image, there or at a mirror.

        A mirror stands in for a server that is away, and for nothing else: no digest, and one
        that is malformed, are the publisher's word. They are asked in turns, for as long as one
        of them would be, and each until it fails, not for every name. Raises what is wrong at
        the image's own place, as `_digest_at` does, with the failures of mirrors as notes.
        """
        if not mirrors:
            return self._digest_at(image_url)
        patience = self.patience or http.Patience()
        hasty = replace(self, patience=replace(patience, retry_for_s=0))
        give_up_s = time.monotonic() + patience.retry_for_s
        places, failed, rounds = deque([image_url, *mirrors]), dict[str, ImageError](), 0
        while True:
            place = places.popleft()
            try:
                return hasty._digest_at(place)
            except ImageError as error:
                if _is_away(error):
                    places.append(place)
                elif place == image_url:
                    raise
                failed[place] = error
            following, pause_s = places[0], 0.0
            if following == image_url:
                rounds += 1
                left_s = give_up_s - time.monotonic()
                if left_s <= 0:
                    raise _with_others(failed.pop(image_url), failed.values())
                why = failed[image_url].__cause__
                pause_s = min(http.pause_after(rounds, why, patience=patience), left_s)
            if self.on_retry:
                where = "again" if following == place else f"on to {http.host_of(following)}"
                after = f" in {pause_s:.0f} s" if pause_s else ""
                self.on_retry(f"{failed[place]}, {where}{after}")
            http.pause(pause_s, patience=patience)

    def _digest_at(self, image_url: str) -> Digest:
        """The strongest digest in a file beside the image at one place.

        The names of SIDE_CARS are tried in their order, and the first that is there decides:
        an image with a .sha512 costs one request, one with nothing but its .md5, as
        metal-stack publishes them, costs five, of a few hundred bytes each. Raises
        DigestMissing when none is there; DigestMalformed, also of the first one, because a
        weaker one must not stand in for it; ImageError when the server fails.
        """
        for suffix, algorithm in SIDE_CARS.items():
            try:
                return self.digest_in_side_car(image_url, suffix, algorithm)
            except Absent as absent:
                missing = absent
        others = ", ".join(list(SIDE_CARS)[:-1])
        raise DigestMissing(url=missing.url, reason=f"{missing.reason}; nor is there {others}")

    def digest_in_side_car(self, image_url: str, suffix: str, algorithm: Algorithm) -> Digest:
        """The digest in one of the files beside the image. Raises Absent, ImageError."""
        url = beside(image_url, suffix)
        text = self.text_of(url, limit_bytes=SIDE_CAR_BYTES)
        return digest_in(text, url=url, name=name_of(image_url), algorithm=algorithm)

    def digest_named(self, wanted: Wanted, *, image_url: str) -> Digest:
        """The digest that a document names, in one request at most.

        Raises DigestMissing, DigestMalformed, ImageError.
        """
        if urlsplit(wanted.text).scheme not in ("http", "https", "file"):
            try:
                return digest.of_value(wanted.text, algorithm=wanted.algorithm, source=wanted.where)
            except ValueError as error:
                raise DigestMalformed(url=wanted.where, reason=str(error)) from None
        try:
            text = self.text_of(wanted.text, limit_bytes=CHECKSUM_FILE_BYTES)
        except Absent as absent:
            raise DigestMissing(url=absent.url, reason=absent.reason) from None
        return digest_in(text, url=wanted.text, name=name_of(image_url), algorithm=wanted.algorithm)

    def text_of(self, url: str, *, limit_bytes: int) -> bytes:
        """A checksum file as it is. Raises Absent, DigestMalformed, ImageError."""
        try:
            with source_errors(url):
                return http.fetch(
                    url,
                    limit_bytes=limit_bytes,
                    patience=self.patience,
                    on_retry=self.on_retry,
                )
        except failures.TooLarge as error:
            raise DigestMalformed(url=url, reason=str(error)) from None
        except ImageHttpStatus as error:
            reason = f"the server answers with HTTP status {error.status}"
            if error.status in _ABSENT:
                raise Absent(url, reason) from None
            raise DigestMissing(url=url, reason=reason) from error.__cause__
        except ImageUnreachable as error:
            if urlsplit(url).scheme == "file":
                raise Absent(url, error.reason) from None
            raise


class Absent(Exception):
    """There is no such file; nobody is at fault yet."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(reason)
        self.url = url
        self.reason = reason


def digest_in(text: bytes, *, url: str, name: str, algorithm: Algorithm | None) -> Digest:
    """The digest of the file `name` in the text behind a URL. Raises DigestMalformed."""
    try:
        return digest.of_text(text, name=name, algorithm=algorithm, source=redact.url(url))
    except ValueError as error:
        raise DigestMalformed(url=url, reason=str(error)) from None


def _is_away(error: ImageError) -> bool:
    """Whether the server said nothing of what it has, and may do so later."""
    return isinstance(error.__cause__, failures.FetchFailed) and transfer.may_go_on(error.__cause__)


def _with_others(error: ImageError, others: Iterable[ImageError]) -> ImageError:
    for each in others:
        error.add_note(f"mirror {each}")
    return error


def beside(image_url: str, suffix: str) -> str:
    """The file beside the image whose name has this suffix; a query stays behind the path."""
    parts = urlsplit(image_url)
    return urlunsplit(parts._replace(path=f"{parts.path}{suffix}"))


def name_of(url: str) -> str:
    """The name of the file that a URL ends in."""
    return PurePosixPath(unquote(urlsplit(url).path)).name


@contextmanager
def source_errors(url: str) -> Iterator[None]:
    """Map what the transfer raises to errors of the image, whose cause it is then."""
    try:
        yield
    except failures.TooLarge:
        raise
    except failures.FetchFailed as error:
        raise _with_notes(_mapped(url, error), error) from error


def _mapped(url: str, error: failures.FetchFailed) -> ImageError:
    match error:
        case failures.BadStatus():
            return ImageHttpStatus(url=url, status=error.status)
        case failures.NotTrusted():
            return ImageNotTrusted(url=url, reason=error.reason)
        case failures.Stalled():
            return ImageStalled(url=url, received_bytes=error.received_bytes, limit_s=error.limit_s)
        case failures.TooSlow():
            return ImageTooSlow(url=url, received_bytes=error.received_bytes, reason=error.reason)
        case failures.Interrupted():
            return ImageInterrupted(
                url=url,
                received_bytes=error.received_bytes,
                expected_bytes=error.expected_bytes,
                reason=error.reason,
            )
        case transfer.Changed():
            return ImageChanged(url=url, reason=error.reason)
        case transfer.Recoded():
            return ImageRecoded(url=url, coding=error.coding)
    return ImageUnreachable(url=url, reason=error.reason)


def _with_notes(mapped: ImageError, error: failures.FetchFailed) -> ImageError:
    for note in getattr(error, "__notes__", ()):
        mapped.add_note(note)
    return mapped
