"""A machine in QEMU: started, listened to, and gone when we are."""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TextIO

from tests.vm.verdict import Verdict, VmLost, events_in, plain, proof_in, tail

# Not "kvm if /dev/kvm opens": hosts exist where it opens, QEMU starts, and the
# guest never prints a line. Software emulation works everywhere.
ACCEL = os.environ.get("HAMMER_VM_ACCEL", "tcg")

OVMF = Path("/usr/share/OVMF")

# Where a guest finds the loopback address of the host (QEMU, "-nic user").
HOST = "10.0.2.2"

# panic=-1 with -no-reboot: a panic ends QEMU at once instead of the time-out.
CMDLINE = "console=ttyS0,115200 loglevel=4 panic=-1 oops=panic hammer.events=/dev/ttyS1"

# After the verdict: time to power off in order, before the plug is pulled. After
# a failure there is nothing to save, and a shell would wait for a person.
PROVEN_GRACE_S = 60.0
FAILED_GRACE_S = 15.0
POLL_S = 0.1


@dataclass(frozen=True, kw_only=True)
class Disk:
    path: Path
    bus: Literal["virtio", "nvme"] = "virtio"
    serial: str = "disk0"

    def options(self, number: int) -> list[str]:
        device = {"virtio": "virtio-blk-pci", "nvme": "nvme"}[self.bus]
        # The host may lose the disk in a power cut, the guest's flushes cost nothing.
        drive = f"id=d{number},file={self.path},if=none,format=raw,cache=unsafe,discard=unmap"
        return ["-drive", drive, "-device", f"{device},drive=d{number},serial={self.serial}"]


@dataclass(frozen=True, kw_only=True)
class Guest:
    work: Path
    """A directory of this guest alone: console.log, verdict.log, the firmware's memory."""
    kernel: Path | None = None
    """None: the firmware boots a disk."""
    initrd: Path | None = None
    disks: tuple[Disk, ...] = ()
    memory_mib: int = 1024
    cpus: int = 2
    firmware: Literal["bios", "uefi"] = "bios"
    uuid: str = "00000000-0000-4000-8000-000000000001"
    nic: str = "virtio-net-pci"
    more: tuple[str, ...] = field(default=())
    """Options of QEMU as they are, for what only one test needs."""

    @property
    def console(self) -> Path:
        return self.work / "console.log"

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
        said = self.work / "verdict.log"
        for log in (self.console, said):
            log.write_bytes(b"")
        with _running(self._command(cmdline, said), stderr=self.work / "qemu.log") as qemu:
            why = self._watch(
                qemu, said, timeout_s=timeout_s, linger_s=linger_s, console_to=console_to
            )
        text = said.read_text(errors="replace")
        verdict = Verdict(events=tuple(events_in(text)), proof=proof_in(text), console=self.console)
        if why is None and not verdict.failed and not verdict.proof:
            why = "ended without a verdict"
        if why is not None:
            raise VmLost(f"{why}\n--- last lines of {self.console}\n{tail(self.console)}")
        return verdict

    def _watch(
        self,
        qemu: "subprocess.Popen[bytes]",
        said: Path,
        *,
        timeout_s: float,
        linger_s: float | None,
        console_to: TextIO | None,
    ) -> str | None:
        """Wait for the end. Returns why the guest is lost, or None."""
        ends_s, decided = time.monotonic() + timeout_s, False
        with self.console.open(errors="replace", newline="") as console:
            while True:
                status = qemu.poll()
                new = console.read()
                if console_to is not None and new:
                    console_to.write(plain(new).replace("\r", ""))
                    console_to.flush()
                if "Kernel panic - not syncing" in new:
                    return "the guest's kernel panicked"
                if status is not None:
                    return self._oddly(status) if status else None
                if not decided and (grace_s := _grace_s(said)) is not None:
                    grace_s = grace_s if linger_s is None else linger_s
                    ends_s, decided = time.monotonic() + grace_s, True
                if time.monotonic() > ends_s:
                    return None if decided else f"no verdict after {timeout_s:g} s"
                time.sleep(POLL_S)

    def _oddly(self, status: int) -> str:
        stderr = (self.work / "qemu.log").read_text(errors="replace").strip()
        return f"QEMU left with status {status}: {stderr or '(no message)'}"

    def _command(self, cmdline: str, said: Path) -> list[str]:
        qemu = ["qemu-system-x86_64", "-nodefaults", "-display", "none", "-no-reboot"]
        qemu += ["-machine", "q35", "-accel", ACCEL, "-cpu", "max" if ACCEL == "tcg" else "host"]
        qemu += ["-smp", str(self.cpus), "-m", str(self.memory_mib), "-uuid", self.uuid]
        qemu += ["-serial", f"file:{self.console}", "-serial", f"file:{said}"]
        qemu += ["-nic", f"user,model={self.nic}"]
        for number, disk in enumerate(self.disks):
            qemu += disk.options(number)
        if self.firmware == "uefi":
            qemu += self._uefi()
        if self.kernel is not None:
            qemu += ["-kernel", str(self.kernel), "-append", f"{CMDLINE} {cmdline}".strip()]
        if self.initrd is not None:
            qemu += ["-initrd", str(self.initrd)]
        return [*qemu, *self.more]

    def _uefi(self) -> list[str]:
        memory = self.work / "OVMF_VARS.fd"
        if not memory.exists():  # kept over the runs of a guest, as a machine keeps it
            shutil.copyfile(OVMF / "OVMF_VARS_4M.fd", memory)
        pflash = "if=pflash,format=raw"
        return [
            *("-drive", f"{pflash},unit=0,readonly=on,file={OVMF / 'OVMF_CODE_4M.fd'}"),
            *("-drive", f"{pflash},unit=1,file={memory}"),
        ]


def seen_by_guest(url: str) -> str:
    """The URL of a server on our loopback address, as a guest must write it."""
    return url.replace("//127.0.0.1:", f"//{HOST}:")


def _grace_s(said: Path) -> float | None:
    """How long a guest that has told its verdict may go on; None: it has not."""
    text = said.read_text(errors="replace")
    if proof_in(text) is not None:
        return PROVEN_GRACE_S
    return FAILED_GRACE_S if any(e["event"] == "failed" for e in events_in(text)) else None


@contextlib.contextmanager
def _running(command: list[str], *, stderr: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Hold a QEMU that does not outlive us, not even when we are killed (prctl(2), PDEATHSIG)."""
    with stderr.open("wb") as log:
        qemu = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        with qemu:
            try:
                yield qemu
            finally:
                qemu.kill()
