"""The control plane that needs no server: one machine document, at a URL or a path."""

from pathlib import Path

from hammer import spec
from hammer.console import Failure
from hammer.errors import DocumentMissing, SpecUnreachable
from hammer.spec import InstallSpec
from hammer.stream.http import FetchFailed, OnRetry, Patience, fetch

DOCUMENT_LIMIT_BYTES = 4 * 1024 * 1024


class SpecFile:
    """Reads the document once. Nobody is told how it went: the console has told it."""

    def __init__(self, where: str, *, patience: Patience, on_retry: OnRetry) -> None:
        self._where = where
        self._patience = patience
        self._on_retry = on_retry

    def wait_for_spec(self) -> InstallSpec:
        return spec.read(self._text(), where=self._where)

    def installed(self) -> None:
        pass

    def failed(self, failure: Failure) -> None:
        pass

    def _text(self) -> bytes:
        if "://" in self._where:
            try:
                return fetch(
                    self._where,
                    limit_bytes=DOCUMENT_LIMIT_BYTES,
                    patience=self._patience,
                    on_retry=self._on_retry,
                )
            except FetchFailed as failure:
                raise SpecUnreachable(url=self._where, reason=failure.reason) from None
        try:
            with Path(self._where).open("rb") as stream:
                # One byte more than is allowed: the reader of the document refuses it.
                return stream.read(DOCUMENT_LIMIT_BYTES + 1)
        except OSError as failure:
            reason = failure.strerror or "cannot be read"
            raise DocumentMissing(where=self._where, reason=reason) from None
