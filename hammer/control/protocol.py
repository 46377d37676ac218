"""What every control plane can do; the agent knows no more of it than this."""

from typing import Literal, Protocol

from hammer.console import Event, Failure, Sink
from hammer.spec import InstallSpec
from hammer.step import Step

How = Literal["kexec", "firmware"]


class Attachment(Protocol):
    """A file in memory, such as a failure bundle."""

    @property
    def name(self) -> str: ...

    @property
    def data(self) -> bytes: ...


class ControlPlane(Protocol):
    """Where orders come from, and where it is told how they are carried out.

    `wait_for_spec` may take days. The others return within seconds and do not
    raise when nobody listens: a report is worth less than the installation.
    """

    def begun(self, begin: Step) -> None:
        """The agent is there, has a network, and is about to install from step `begin` on."""

    def wait_for_spec(self) -> InstallSpec:
        """The machine document of this machine. Raises SpecError, ControlError."""

    def step_begun(self, step: Step) -> None:
        """A step begins. Never waits."""

    def step_ended(self, step: Step, *, seconds: float) -> None:
        """A step came to its end. Never waits."""

    def installed(self) -> None:
        """The disks are as specified; a new kernel may start."""

    def about_to_start(self, kernel: str, *, how: How) -> None:
        """The last word of this kernel. Waits until it is acknowledged, for some seconds."""

    def failed(self, failure: Failure, *, bundle: Attachment | None) -> None:
        """The installation failed, and nothing of it can boot, or will without a person."""


def step_sink(control: ControlPlane) -> Sink:
    """Tells the control plane of the steps that the console tells of."""

    def sink(event: Event) -> None:
        if event["event"] != "step":
            return
        step = Step(str(event["step"]))
        if event["state"] == "begin":
            control.step_begun(step)
        else:
            control.step_ended(step, seconds=float(str(event["seconds"])))

    return sink
