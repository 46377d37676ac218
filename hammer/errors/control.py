"""Why there are no orders."""

from dataclasses import dataclass

from hammer import redact
from hammer.errors.base import ControlError


@dataclass(eq=False, kw_only=True)
class SpecUnreachable(ControlError):
    """The server of the machine document does not answer as it should."""

    code = "spec-unreachable"
    hint = "check hammer.spec= and the server behind it"

    url: str
    reason: str

    def __str__(self) -> str:
        return f"machine document {redact.url(self.url)}: {self.reason}"


@dataclass(eq=False, kw_only=True)
class ControlUnsupported(ControlError):
    """The command line names a control plane that this version cannot speak to."""

    code = "control-unsupported"
    hint = "give the machine document with hammer.spec=URL or PATH"

    name: str

    def __str__(self) -> str:
        return f"{self.name} is not supported by this version"


@dataclass(eq=False, kw_only=True)
class ReportUndelivered(ControlError):
    """A server did not take a failure bundle that it was sent by `hammer report`."""

    code = "report-undelivered"
    hint = "check the server, or take the bundle with `hammer report DEVICE` or `... --console`"

    url: str
    reason: str

    def __str__(self) -> str:
        return f"{redact.url(self.url)} does not take the bundle: {self.reason}"
