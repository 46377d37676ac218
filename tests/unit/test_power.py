"""What is seen before kexec is tried, and what becomes of a refusal."""

import ctypes
import errno
from pathlib import Path

import pytest

from hammer.errors import KernelInvalid, KexecRefused, RestartRefused
from hammer.host.power import LINUX_REBOOT_CMD_RESTART, MIB, HostPower

UNLOCKED = "[none] integrity confidentiality\n"
LOCKED = "none [integrity] confidentiality\n"


class Refusing:
    """A C library whose system calls fail."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.called: list[object] = []

    def syscall(self, *arguments: object) -> int:
        ctypes.set_errno(self.number)
        return -1

    def reboot(self, command: int) -> int:
        self.called.append(command)
        return self.syscall()


class Machine:
    """/sys and /proc of a machine that has kexec, and 100 MiB of memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("sys/kernel/kexec_loaded", "0\n")
        self.write("sys/kernel/security/lockdown", UNLOCKED)
        self.write("proc/sys/kernel/kexec_load_disabled", "0\n")
        self.write("proc/meminfo", "MemTotal: 999999 kB\nMemAvailable:     102400 kB\n")
        self.kernel = self.file("vmlinuz", size_mib=10)
        self.initrd = self.file("initrd.img", size_mib=90)

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def file(self, name: str, *, size_mib: int) -> Path:
        path = self.folder / name
        with path.open("wb") as stream:
            stream.truncate(size_mib * MIB)
        return path

    def power(self, number: int = errno.EPERM) -> HostPower:
        power = HostPower(sys=self.folder / "sys", proc=self.folder / "proc")
        self.libc = Refusing(number)
        power._libc = self.libc  # type: ignore[assignment]
        return power

    def refusal(self, number: int = errno.EPERM) -> str:
        with pytest.raises(KexecRefused) as caught:
            self.power(number).load_kernel(self.kernel, self.initrd, "quiet")
        return caught.value.reason


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_machine_as_it_should_be(machine: Machine) -> None:
    assert machine.power().obstacle() is None
    assert machine.refusal() == "Operation not permitted"


def test_lockdown_is_known_before_and_named_after(machine: Machine) -> None:
    machine.write("sys/kernel/security/lockdown", LOCKED)
    assert machine.power().obstacle() == "kernel lockdown: integrity"
    assert machine.refusal() == "Operation not permitted (kernel lockdown: integrity)"


def test_a_kernel_without_lockdown(machine: Machine) -> None:
    (machine.folder / "sys/kernel/security/lockdown").unlink()
    assert machine.power().obstacle() is None


def test_a_kernel_without_kexec(machine: Machine) -> None:
    (machine.folder / "sys/kernel/kexec_loaded").unlink()
    assert machine.power().obstacle() == "the running kernel has no kexec"
    assert machine.refusal() == "the running kernel has no kexec"


def test_kexec_that_was_disabled(machine: Machine) -> None:
    machine.write("proc/sys/kernel/kexec_load_disabled", "1\n")
    assert machine.power().obstacle() == "kernel.kexec_load_disabled is set"
    assert machine.refusal() == "kernel.kexec_load_disabled is set"


def test_memory_must_hold_both(machine: Machine) -> None:
    machine.file("initrd.img", size_mib=91)
    assert machine.refusal() == ("kernel and initrd take 101 MiB of memory, 100 MiB are available")


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOKEY, errno.ENOMEM, errno.ENOSYS])
def test_the_machine_refuses(machine: Machine, number: int) -> None:
    assert machine.refusal(number)


def test_a_kernel_that_is_none_is_no_refusal(machine: Machine) -> None:
    with pytest.raises(KernelInvalid):
        machine.power(errno.ENOEXEC).load_kernel(machine.kernel, None, "quiet")


def test_a_restart_that_is_refused(machine: Machine) -> None:
    power = machine.power()
    with pytest.raises(RestartRefused, match="Operation not permitted"):
        power.restart()
    assert machine.libc.called == [LINUX_REBOOT_CMD_RESTART]


def test_the_guard_stays_where_there_is_nothing_to_start(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks then, in a shell, needs somebody who feeds the watchdog."""
    asked: list[str] = []
    monkeypatch.setattr("hammer.host.guard.let_go", lambda: asked.append("let go"))
    power = machine.power()
    with pytest.raises(KexecRefused, match="no kernel is loaded"):
        power.kexec()
    assert (asked, machine.libc.called) == ([], [])
