"""A guest of the tests: run to its end, with the word of the demo image for a proof."""

import time
from pathlib import Path
from typing import TextIO

from hammer.host.qemu import HOST, OVMF, Disk, Running
from hammer.host.qemu import Guest as QemuGuest
from hammer.image.trial.transcript import plain
from tests.vm.unpacked_kernel import unpacked
from tests.vm.verdict import Verdict, VmLost, events_in, proof_in, tail

__all__ = ["OVMF", "Disk", "Guest", "seen_by_guest"]

# After the verdict: time to power off in order, before the plug is pulled. After
# a failure there is nothing to save, and a shell would wait for a person.
PROVEN_GRACE_S = 60.0
FAILED_GRACE_S = 15.0
POLL_S = 0.1


class Guest(QemuGuest):
    def command(self, cmdline: str = "") -> list[str]:
        """Where there is no EFI stub to test, the kernel is started as it is unpacked."""
        command = super().command(cmdline)
        if self.kernel is not None and self.firmware == "bios":
            command[command.index("-kernel") + 1] = str(unpacked(self.kernel))
        return command

    def run(
        self,
        cmdline: str = "",
        *,
        timeout_s: float,
        linger_s: float | None = None,
        console_to: TextIO | None = None,
    ) -> Verdict:
        """Start the machine and wait for its end, after its verdict not longer than `linger_s`.

        Without `linger_s` that is 60 s after a proof, 15 s after a failure.
        Raises VmLost when it neither fails nor proves that the installed system
        is up: a panic, an end of QEMU, nothing until `timeout_s`.
        """
        self.work.mkdir(parents=True, exist_ok=True)
        with self.started(cmdline) as running:
            why = _watch(
                running,
                self.second_port,
                timeout_s=timeout_s,
                linger_s=linger_s,
                console_to=console_to,
            )
        text = self.second_port.read_text(errors="replace")
        verdict = Verdict(events=tuple(events_in(text)), proof=proof_in(text), console=self.console)
        if why is None and not verdict.failed and not verdict.proof:
            why = "ended without a verdict"
        if why is not None:
            raise VmLost(f"{why}\n--- last lines of {self.console}\n{tail(self.console)}")
        return verdict


def seen_by_guest(url: str) -> str:
    """The URL of a server on our loopback address, as a guest must write it."""
    return url.replace("//127.0.0.1:", f"//{HOST}:")


def _watch(
    running: Running,
    said: Path,
    *,
    timeout_s: float,
    linger_s: float | None,
    console_to: TextIO | None,
) -> str | None:
    """Wait for the end. Returns why the guest is lost, or None."""
    ends_s, decided = time.monotonic() + timeout_s, False
    while True:
        status = running.status()
        new = running.console()
        if console_to is not None and new:
            console_to.write(plain(new).replace("\r", ""))
            console_to.flush()
        if "Kernel panic - not syncing" in new:
            return "the guest's kernel panicked"
        if status is not None:
            return f"QEMU left with status {status}: {running.complaint()}" if status else None
        if not decided and (grace_s := _grace_s(said)) is not None:
            grace_s = grace_s if linger_s is None else linger_s
            ends_s, decided = time.monotonic() + grace_s, True
        if time.monotonic() > ends_s:
            return None if decided else f"no verdict after {timeout_s:g} s"
        time.sleep(POLL_S)


def _grace_s(said: Path) -> float | None:
    """How long a guest that has told its verdict may go on; None: it has not."""
    text = said.read_text(errors="replace")
    if proof_in(text) is not None:
        return PROVEN_GRACE_S
    return FAILED_GRACE_S if any(e["event"] == "failed" for e in events_in(text)) else None
