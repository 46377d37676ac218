"""The control plane that needs no server: one machine document, at a URL or a path."""

from dataclasses import asdict
from pathlib import Path

from hammer import redact, spec
from hammer.console import Failure
from hammer.control.protocol import Attachment, How
from hammer.control.report_server import ReportServer
from hammer.errors import DocumentMissing, SpecUnreachable
from hammer.spec import InstallSpec
from hammer.step import Step
from hammer.stream.failures import FetchFailed
from hammer.stream.http import OnRetry, Patience, fetch

DOCUMENT_LIMIT_BYTES = 4 * 1024 * 1024
# What the server of hammer.report= may cost an installation, at most.
BEGUN_LIMIT_S = 5.0
INSTALLED_LIMIT_S = 5.0
START_LIMIT_S = 15.0
FAILED_LIMIT_S = 15.0
BUNDLE_LIMIT_S = 30.0


class SpecFile:
    """Reads the document once; `server`, if there is one, is told how it goes."""

    def __init__(
        self,
        where: str,
        *,
        patience: Patience,
        on_retry: OnRetry,
        server: ReportServer | None = None,
    ) -> None:
        self._where = where
        self._patience = patience
        self._on_retry = on_retry
        self._server = server

    def begun(self, begin: Step) -> None:
        self._told("start", limit_s=BEGUN_LIMIT_S, begin=begin.value, spec=redact.url(self._where))

    def wait_for_spec(self) -> InstallSpec:
        return spec.read(self._text(), where=self._where)

    def step_begun(self, step: Step) -> None:
        if self._server is not None:
            self._server.tell("step", step=step.value, number=step.number, state="begin")

    def step_ended(self, step: Step, *, seconds: float) -> None:
        if self._server is not None:
            place = {"step": step.value, "number": step.number}
            self._server.tell("step", **place, state="end", seconds=seconds)

    def installed(self) -> None:
        self._told("installed", limit_s=INSTALLED_LIMIT_S)

    def about_to_start(self, kernel: str, *, how: How) -> None:
        event = "kexec" if how == "kexec" else "firmware-boot"
        if not self._told(event, limit_s=START_LIMIT_S, kernel=kernel):
            self._on_retry(f"hammer.report: nobody acknowledged the {event}, going on")

    def failed(self, failure: Failure, *, bundle: Attachment | None) -> None:
        attached = bundle.name if bundle else None
        self._told("failed", limit_s=FAILED_LIMIT_S, bundle=attached, **asdict(failure))
        if self._server is not None and bundle is not None:
            with self._patience.waiting(BUNDLE_LIMIT_S):
                self._server.send_bundle(bundle.name, bundle.data, limit_s=BUNDLE_LIMIT_S)

    def _told(self, event: str, *, limit_s: float, **fields: object) -> bool:
        """Whether the server has it in time; where there is none, there is nothing to wait for."""
        if self._server is None:
            return True
        with self._patience.waiting(limit_s):
            return self._server.tell_and_wait(event, limit_s=limit_s, **fields) is not None

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
