"""What a guest said on its second serial port, and what that means."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Firmware writes to every serial port it finds, and in colours: a line of ours
# can begin in the middle of one of its.
EVENT = re.compile(r'\{"event".*\}')
PROOF = re.compile(r"METAL-PROOF (.*)")
ANSI = re.compile(r"\x1b(?:\[[0-9;?=]*[A-Za-z]|[()][0-9A-Za-z]|[=>78c])")


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
    events: tuple[dict[str, Any], ...]
    """What the agent reported, in the order it did."""
    proof: Proof | None
    """None: the installation failed, and `failed` says how."""
    console: Path

    @property
    def failed(self) -> dict[str, Any] | None:
        failures = self.named("failed")
        return failures[-1] if failures else None

    @property
    def code(self) -> str | None:
        return self.failed["code"] if self.failed else None

    def named(self, event: str) -> list[dict[str, Any]]:
        return [said for said in self.events if said["event"] == event]

    def seconds(self) -> dict[str, float]:
        """How long each step took that ended."""
        return {
            said["step"]: said["seconds"] for said in self.named("step") if said["state"] == "end"
        }


def events_in(text: str) -> Iterator[dict[str, Any]]:
    for line in plain(text).splitlines():
        if found := EVENT.search(line):
            try:
                yield json.loads(found.group())
            except json.JSONDecodeError:
                continue  # cut by the end of the guest


def proof_in(text: str) -> Proof | None:
    found = PROOF.findall(plain(text))
    if not found:
        return None
    values = dict(word.split("=", 1) for word in found[-1].split())
    return Proof(**values)


def plain(text: str) -> str:
    """Without the control sequences that firmware and systemd draw with."""
    return ANSI.sub("", text)


def tail(console: Path, *, lines: int = 30) -> str:
    text = plain(console.read_text(errors="replace")) if console.exists() else ""
    said = [line.rstrip() for line in text.splitlines() if line.strip()]
    return "\n".join(said[-lines:]) or "(the console is empty)"
