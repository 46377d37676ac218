"""What every control plane can do; the agent knows no more of it than this."""

from typing import Protocol

from hammer.console import Failure
from hammer.spec import InstallSpec


class ControlPlane(Protocol):
    """Where orders come from.

    `wait_for_spec` may take days. The others return within seconds and do not
    raise when nobody listens: a report is worth less than the installation.
    """

    def wait_for_spec(self) -> InstallSpec:
        """The machine document of this machine. Raises SpecError, ControlError."""

    def installed(self) -> None:
        """The installation is complete; a new kernel is about to start."""

    def failed(self, failure: Failure) -> None:
        """The installation failed, and nothing of it can boot."""
