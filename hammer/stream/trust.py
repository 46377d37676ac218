"""A CA of one's own, in addition to those of the ramdisk: hammer.ca=URL or PATH."""

import ssl
import threading
from pathlib import Path

from hammer import redact
from hammer.stream import failures, http

CA_LIMIT_BYTES = 1 << 20


class MoreCa:
    """Reads the certificates when they are needed for the first time: the network is up then."""

    def __init__(self, where: str, *, patience: http.Patience) -> None:
        """`patience` must not lead here again."""
        self._where = where
        self._patience = patience
        self._pem: str | None = None
        self._one = threading.Lock()

    def __call__(self) -> str:
        """Certificates in PEM. Raises Unreachable with the reason."""
        with self._one:
            if self._pem is None:
                self._pem = self._read()
        return self._pem

    def _read(self) -> str:
        try:
            text = self._text().decode("ascii", "replace")
            # What is no certificate would look like a fault of the server later on.
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
        except failures.FetchFailed as error:
            raise self._unusable(error.reason, passing=http.may_pass(error)) from None
        except OSError as error:  # ssl.SSLError is one, too
            no_certificate = isinstance(error, ssl.SSLError)
            reason = "holds no certificate in PEM" if no_certificate else error.strerror
            raise self._unusable(reason or "cannot be read") from None
        except ValueError:
            raise self._unusable("holds no certificate in PEM") from None
        return text

    def _text(self) -> bytes:
        if "://" in self._where:
            return http.fetch(self._where, limit_bytes=CA_LIMIT_BYTES, patience=self._patience)
        with Path(self._where).open("rb") as file:
            return file.read(CA_LIMIT_BYTES)

    def _unusable(self, reason: str, *, passing: bool = False) -> failures.Unreachable:
        return failures.Unreachable(
            f"hammer.ca={redact.url(self._where)}: {reason}", passing=passing
        )
