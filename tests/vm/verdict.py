"""What a guest said on its second serial port, and what that means."""

import re
from dataclasses import dataclass
from pathlib import Path

from hammer.image.trial.events import Event, events_in, seconds
from hammer.image.trial.transcript import plain

__all__ = ["Proof", "Verdict", "VmLost", "events_in", "plain", "proof_in", "tail"]

PROOF = re.compile(r"METAL-PROOF (.*)")


class VmLost(Exception):
    """The guest ended, or never ended, without a verdict. That is not a failed installation."""


@dataclass(frozen=True, kw_only=True)
class Proof:
    """The line by which the installed system says that it is up."""

    kernel: str
    root: str
    """UUID of the filesystem that is mounted on /."""
    expected: str
    """UUID that install.yaml names."""
    match: str
    hostname: str
    image_md5: str

    def __str__(self) -> str:
        return "METAL-PROOF " + " ".join(f"{name}={value}" for name, value in vars(self).items())


@dataclass(frozen=True, kw_only=True)
class Verdict:
    events: tuple[Event, ...]
    """What the agent reported, in the order it did."""
    proof: Proof | None
    """None: the installation failed, and `failed` says how."""
    console: Path

    @property
    def failed(self) -> Event | None:
        failures = self.named("failed")
        return failures[-1] if failures else None

    @property
    def code(self) -> str | None:
        return self.failed["code"] if self.failed else None

    def named(self, event: str) -> list[Event]:
        return [said for said in self.events if said["event"] == event]

    def seconds(self) -> dict[str, float]:
        """How long each step took that ended."""
        return seconds(self.events)


def proof_in(text: str) -> Proof | None:
    found = PROOF.findall(plain(text))
    if not found:
        return None
    values = dict(word.split("=", 1) for word in found[-1].split())
    return Proof(**values)


def tail(console: Path, *, lines: int = 30) -> str:
    text = plain(console.read_text(errors="replace")) if console.exists() else ""
    said = [line.rstrip() for line in text.splitlines() if line.strip()]
    return "\n".join(said[-lines:]) or "(the console is empty)"
