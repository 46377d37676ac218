"""Which watchdog is taken, and what its driver is told; the driver is recorded."""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hammer.host import guard, watchdog
from hammer.host.watchdog import Watchdog, armed, nodes


@dataclass
class RecordedDriver:
    """What ioctl(2) of a watchdog driver does."""

    identity: str = "i6300ESB timer"
    limit_s: int = 2046
    timeout_s: int = 30
    mute: bool = False
    """It knows none of the calls."""

    def __call__(self, _handle: int, request: int, data: bytearray) -> None:
        if self.mute:
            raise OSError(25, "Inappropriate ioctl for device")
        if request == watchdog.WDIOC_GETSUPPORT:
            data[:] = struct.pack("II32s", 0x8180, 0, self.identity.encode())
        elif request == watchdog.WDIOC_SETTIMEOUT:
            (wanted_s,) = struct.unpack("i", data)
            if wanted_s > self.limit_s:
                raise OSError(22, "Invalid argument")
            self.timeout_s = wanted_s
        elif request == watchdog.WDIOC_GETTIMEOUT:
            data[:] = struct.pack("i", self.timeout_s)
        else:
            raise AssertionError(hex(request))


@pytest.fixture
def node(tmp_path: Path) -> Path:
    path = tmp_path / "watchdog0"
    path.touch()
    return path


def test_a_watchdog_is_armed_fed_and_stopped_by_the_letter(node: Path) -> None:
    dog = Watchdog(node, timeout_s=20, ioctl=RecordedDriver())
    assert (dog.name, dog.timeout_s, dog.is_software) == ("i6300ESB timer", 20, False)
    dog.feed()
    dog.feed()
    assert node.read_bytes() == b"\0\0"
    dog.stop()
    assert node.read_bytes() == b"\0\0V"


def test_a_driver_that_refuses_the_timeout_keeps_its_own(node: Path) -> None:
    assert Watchdog(node, timeout_s=3000, ioctl=RecordedDriver()).timeout_s == 30


def test_a_driver_that_knows_no_call_is_fed_as_well(node: Path) -> None:
    dog = Watchdog(node, timeout_s=20, ioctl=RecordedDriver(mute=True))
    assert (dog.name, dog.timeout_s) == ("watchdog0", 20)


def test_the_numbers_of_the_calls_are_those_of_the_header() -> None:
    """_IOR and _IOWR of asm-generic/ioctl.h: direction, size, type W, number."""
    read, write, group = 2 << 30, 1 << 30, ord("W") << 8
    calls = (watchdog.WDIOC_GETSUPPORT, watchdog.WDIOC_SETTIMEOUT, watchdog.WDIOC_GETTIMEOUT)
    assert calls == (
        read | 40 << 16 | group,
        read | write | 4 << 16 | group | 6,
        read | 4 << 16 | group | 7,
    )


@dataclass
class Machine:
    """Folders with the names that a machine has its watchdogs under."""

    dev: Path
    sys: Path
    modules: dict[str, Callable[[], None]] = field(default_factory=dict)
    loaded: list[str] = field(default_factory=list)

    def add(self, name: str, identity: str | None) -> None:
        (self.dev / name).touch()
        if identity is not None:
            (self.sys / name).mkdir()
            (self.sys / name / "identity").write_text(f"{identity}\n")

    def load(self, module: str) -> None:
        self.loaded.append(module)
        self.modules.get(module, lambda: None)()

    def armed(self) -> Watchdog | None:
        return armed(
            20,
            dev=self.dev,
            sys_watchdogs=self.sys,
            load=self.load,
            ioctl=RecordedDriver(mute=True),
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    (tmp_path / "dev").mkdir()
    (tmp_path / "sys").mkdir()
    return Machine(dev=tmp_path / "dev", sys=tmp_path / "sys")


def test_hardware_comes_before_softdog(machine: Machine) -> None:
    machine.add("watchdog", None)
    machine.add("watchdog0", watchdog.SOFTWARE)
    machine.add("watchdog10", "hpwdt")
    machine.add("watchdog2", "iTCO_wdt")
    found = [path.name for path in nodes(dev=machine.dev, sys_watchdogs=machine.sys)]
    assert found == ["watchdog2", "watchdog10", "watchdog0"]
    dog = machine.armed()
    assert dog is not None
    assert dog.name == "watchdog2"
    assert machine.loaded == []


def test_a_watchdog_that_does_not_open_is_passed_over(machine: Machine) -> None:
    machine.add("watchdog0", "iTCO_wdt")
    machine.add("watchdog1", "hpwdt")
    (machine.dev / "watchdog0").unlink()
    dog = machine.armed()
    assert dog is not None
    assert dog.name == "watchdog1"


def test_a_management_controller_comes_before_softdog(machine: Machine) -> None:
    machine.modules["ipmi_watchdog"] = lambda: machine.add("watchdog", None)
    dog = machine.armed()
    assert dog is not None
    assert dog.name == "watchdog"
    assert machine.loaded == ["ipmi_watchdog"]


def test_softdog_is_the_last_one(machine: Machine) -> None:
    machine.modules["softdog"] = lambda: machine.add("watchdog0", watchdog.SOFTWARE)
    assert machine.armed() is not None
    assert machine.loaded == ["ipmi_watchdog", "softdog"]


def test_no_watchdog_at_all(machine: Machine) -> None:
    assert machine.armed() is None
    assert guard.introduced(None, 60).startswith("no watchdog: ")
    assert guard.introduced(None, 0) == "watchdog: left alone, as hammer.watchdog_s=0 asks for"


def test_a_watchdog_is_introduced(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "SYS_WATCHDOGS", node.parent)
    hard = Watchdog(node, timeout_s=20, ioctl=RecordedDriver())
    assert guard.introduced(hard, 20) == "watchdog: i6300ESB timer, 20 s"
    soft = Watchdog(node, timeout_s=20, ioctl=RecordedDriver(identity=watchdog.SOFTWARE))
    told = guard.introduced(soft, 20)
    assert "a hung kernel is not reset" in told
    node.unlink()
    node.mkdir()
    (node / "nowayout").write_text("1\n")
    assert guard.introduced(hard, 20).endswith(", cannot be stopped (nowayout)")
