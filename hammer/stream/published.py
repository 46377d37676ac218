"""What is published of an image: where its digest lies, and why a server did not give it.

Without the contract, which takes a while to import: authors check images often.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit, urlunsplit

from hammer.errors import (
    DigestMalformed,
    DigestMissing,
    ImageError,
    ImageHttpStatus,
    ImageInterrupted,
    ImageStalled,
    ImageUnreachable,
)
from hammer.stream import http

_DIGEST_FILE_BYTES = 64 << 10


def digest_url(image_url: str) -> str:
    """The file with the MD5 digest, beside the image."""
    parts = urlsplit(image_url)
    return urlunsplit(parts._replace(path=f"{parts.path}.md5"))


def name_of(url: str) -> str:
    """The name of the file that a URL ends in."""
    return PurePosixPath(unquote(urlsplit(url).path)).name


def digest_file(
    url: str, *, patience: http.Patience | None = None, on_retry: http.OnRetry | None = None
) -> bytes:
    """The digest file of an image as it is. Raises DigestMissing, DigestMalformed, ImageError."""
    beside = digest_url(url)
    try:
        with source_errors(beside):
            return http.fetch(
                beside, limit_bytes=_DIGEST_FILE_BYTES, patience=patience, on_retry=on_retry
            )
    except http.TooLarge as error:
        raise DigestMalformed(url=beside, reason=str(error)) from None
    except ImageHttpStatus as error:
        reason = f"the server answers with HTTP status {error.status}"
        raise DigestMissing(url=beside, reason=reason) from None
    except ImageUnreachable as error:
        if urlsplit(url).scheme != "file":
            raise
        raise DigestMissing(url=beside, reason=error.reason) from None


@contextmanager
def source_errors(url: str) -> Iterator[None]:
    """Map what the transfer raises to errors of the image."""
    try:
        yield
    except http.BadStatus as error:
        raise ImageHttpStatus(url=url, status=error.status) from None
    except http.Unreachable as error:
        raise ImageUnreachable(url=url, reason=str(error)) from None
    except http.Stalled as error:
        mapped: ImageError = ImageStalled(
            url=url, received_bytes=error.received_bytes, limit_s=error.limit_s
        )
        raise _with_notes(mapped, error) from None
    except http.Interrupted as error:
        mapped = ImageInterrupted(
            url=url,
            received_bytes=error.received_bytes,
            expected_bytes=error.expected_bytes,
            reason=str(error),
        )
        raise _with_notes(mapped, error) from None


def _with_notes(mapped: ImageError, error: http.FetchFailed) -> ImageError:
    for note in getattr(error, "__notes__", ()):
        mapped.add_note(note)
    return mapped
