"""A virtual machine in QEMU: started, listened to, and gone when we are."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from hammer.errors import FirmwareMissing, ProgramMissing
from hammer.host.programs import AuthorProgram, Program, environment

# Not "kvm if /dev/kvm opens": hosts exist where it opens, QEMU starts, and the
# guest never prints a line. Software emulation works everywhere.
DEFAULT_ACCEL = os.environ.get("HAMMER_VM_ACCEL", "tcg")

OVMF = Path("/usr/share/OVMF")
OVMF_CODE = "OVMF_CODE_4M.fd"
OVMF_VARS = "OVMF_VARS_4M.fd"

# Where a guest finds the loopback address of the host (QEMU, "-nic user").
HOST = "10.0.2.2"

EMULATED_CPU = "max,la57=off,erms=off"
"""Without what is slow to emulate: page tables of five levels, and memory that is cleared and
copied byte by byte (ERMS)."""

# panic=-1 with -no-reboot: a panic ends QEMU at once instead of the time-out.
CMDLINE = "console=ttyS0,115200 loglevel=4 panic=-1 oops=panic hammer.events=/dev/ttyS1"

Bus = Literal["virtio", "scsi", "nvme"]


@dataclass(frozen=True, kw_only=True)
class Disk:
    path: Path
    bus: Bus = "virtio"
    serial: str = "disk0"

    def options(self, number: int) -> list[str]:
        device = {"virtio": "virtio-blk-pci", "scsi": "scsi-hd", "nvme": "nvme"}[self.bus]
        # The host may lose the disk in a power cut, the guest's flushes cost nothing.
        drive = f"id=d{number},file={_escaped(self.path)},if=none,format=raw"
        drive += ",cache=unsafe,discard=unmap"
        return ["-drive", drive, "-device", f"{device},drive=d{number},serial={self.serial}"]


@dataclass(frozen=True, kw_only=True)
class Guest:
    """A machine, and what it is started with."""

    work: Path
    """A directory of this guest alone: its logs, the firmware's memory."""
    kernel: Path | None = None
    """None: the firmware boots a disk."""
    initrd: Path | None = None
    disks: tuple[Disk, ...] = ()
    memory_mib: int = 1024
    cpus: int = 1
    """Emulated ones share less well than guests do: several of these need cores to spare."""
    accel: str = DEFAULT_ACCEL
    firmware: Literal["bios", "uefi"] = "bios"
    uuid: str = "00000000-0000-4000-8000-000000000001"
    nic: str = "virtio-net-pci"
    line_fd: int | None = None
    """A connected stream socket, the other end of the first serial port, or None: nobody types
    there. A guest whose line is not read is held up, as one with a slow terminal is."""
    macs: tuple[str, ...] = ("52:54:00:12:34:56",)
    """Addresses of its interfaces, each in a network of its own with DHCP and a way out."""
    more: tuple[str, ...] = ()
    """Options of QEMU as they are, for what only one test needs."""

    @property
    def console(self) -> Path:
        """What came out of the first serial port."""
        return self.work / "console.log"

    @property
    def second_port(self) -> Path:
        """What came out of the second serial port, which gets the agent's events."""
        return self.work / "events.log"

    @property
    def complaints(self) -> Path:
        """What QEMU itself said."""
        return self.work / "qemu.log"

    @property
    def logs(self) -> tuple[Path, ...]:
        return (self.console, self.second_port, self.complaints)

    @contextlib.contextmanager
    def started(self, cmdline: str = "") -> Iterator["Running"]:
        """Hold the running machine; on any way out the plug is pulled.

        It does not outlive us, not even when we are killed (prctl(2), PDEATHSIG), and
        Ctrl-C on our terminal does not reach it. Raises ProgramMissing, FirmwareMissing.
        """
        needed = (Program.SETPRIV, AuthorProgram.QEMU)
        path = environment()["PATH"]
        if missing := tuple(each.value for each in needed if not shutil.which(each, path=path)):
            raise ProgramMissing(programs=missing)
        command = self.command(cmdline)
        if self.firmware == "uefi":
            self._remember_firmware()
        for log in self.logs:
            log.write_bytes(b"")
        with self.complaints.open("wb") as complaints:
            qemu = subprocess.Popen(
                [Program.SETPRIV.value, "--pdeathsig", "KILL", "--", *command],
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=complaints,
                stderr=complaints,
                pass_fds=() if self.line_fd is None else (self.line_fd,),
                start_new_session=True,
            )
        with qemu:
            try:
                with Running(qemu, self) as running:
                    yield running
            finally:
                qemu.kill()

    def command(self, cmdline: str = "") -> list[str]:
        """QEMU and its options; `cmdline` follows the words that every guest gets."""
        qemu = [AuthorProgram.QEMU.value, "-nodefaults", "-display", "none", "-no-reboot"]
        qemu += ["-machine", "q35", "-accel", self.accel]
        qemu += ["-cpu", EMULATED_CPU if self.accel == "tcg" else "host"]
        qemu += ["-smp", str(self.cpus), "-m", str(self.memory_mib), "-uuid", self.uuid]
        if self.line_fd is None:
            qemu += ["-serial", f"file:{_escaped(self.console)}"]
        else:
            line = f"socket,id=line,fd={self.line_fd},logfile={_escaped(self.console)}"
            qemu += ["-chardev", line, "-serial", "chardev:line"]
        qemu += ["-serial", f"file:{_escaped(self.second_port)}"]
        for mac in self.macs:
            qemu += ["-nic", f"user,model={self.nic},mac={mac}"]
        if any(disk.bus == "scsi" for disk in self.disks):
            qemu += ["-device", "virtio-scsi-pci"]
        for number, disk in enumerate(self.disks):
            qemu += disk.options(number)
        if self.firmware == "uefi":
            pflash = "if=pflash,format=raw"
            qemu += ["-drive", f"{pflash},unit=0,readonly=on,file={OVMF / OVMF_CODE}"]
            qemu += ["-drive", f"{pflash},unit=1,file={_escaped(self._firmware_memory)}"]
        if self.kernel is not None:
            words = f"{CMDLINE} {cmdline}".strip()
            qemu += ["-kernel", str(self.kernel), "-append", words]
        if self.initrd is not None:
            qemu += ["-initrd", str(self.initrd)]
        return [*qemu, *self.more]

    @property
    def _firmware_memory(self) -> Path:
        return self.work / "OVMF_VARS.fd"

    def _remember_firmware(self) -> None:
        """Give the firmware its memory, kept over the runs of a guest as a machine keeps it."""
        for name in (OVMF_CODE, OVMF_VARS):
            if not (OVMF / name).is_file():
                raise FirmwareMissing(path=str(OVMF / name))
        if not self._firmware_memory.exists():
            shutil.copyfile(OVMF / OVMF_VARS, self._firmware_memory)


class Running:
    """A machine that runs, and what it says."""

    def __init__(self, qemu: "subprocess.Popen[bytes]", guest: Guest) -> None:
        self._qemu = qemu
        self._guest = guest
        self._console = guest.console.open(errors="replace", newline="")
        self._second = guest.second_port.open(errors="replace", newline="")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._console.close()
        self._second.close()

    def console(self) -> str:
        """What came on the console since the last call."""
        return self._console.read()

    def second_port(self) -> str:
        """What came on the second serial port since the last call."""
        return self._second.read()

    def status(self) -> int | None:
        """The exit status of QEMU, 0 for a guest that is off; None while it runs."""
        return self._qemu.poll()

    def complaint(self) -> str:
        """What QEMU said, on one line."""
        said = self._guest.complaints.read_text(errors="replace").split()
        return " ".join(said) or "(no message)"


def empty_disk(path: Path, *, size_mib: int) -> Path:
    """A sparse file that a guest takes for a new disk. OSError when it cannot be that large."""
    with path.open("wb") as file:
        file.truncate(size_mib * 1024 * 1024)
    return path


def _escaped(path: Path) -> str:
    """A comma ends an option of QEMU, two of them are one of the name."""
    return str(path).replace(",", ",,")
