"""Signs of life: what the file says, by a clock that the test moves."""

import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hammer.errors import ProgramTimeout
from hammer.host import pulse as pulses
from hammer.host.programs import DEFAULT_PATH, HostPrograms, Program
from hammer.host.pulse import HostPulse, NoPulse


@dataclass
class Clock:
    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Watched:
    alive: Path
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.pulse = HostPulse(self.alive, grace_s=60.0, clock=self.clock)

    def until(self, now_s: float) -> float:
        """What the file says at this time."""
        self.clock.now_s = now_s
        self.pulse.tell()
        return float(self.alive.read_text())


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "alive")


def test_it_lives_from_the_beginning(watched: Watched) -> None:
    assert float(watched.alive.read_text()) == 160.0
    assert watched.alive.stat().st_mode & 0o777 == 0o600


def test_a_beat_gives_a_grace_and_silence_gives_none(watched: Watched) -> None:
    watched.clock.now_s = 130.0
    watched.pulse.beat()
    assert watched.until(130.5) == 190.0
    assert watched.until(9999.0) == 190.0


def test_a_wait_is_excused_up_to_its_limit_and_no_longer(watched: Watched) -> None:
    with watched.pulse.within(600):
        assert watched.until(400.0) == 460.0, "not at once for the whole of the wait"
        assert watched.until(700.0) == 760.0
        assert watched.until(5000.0) == 760.0
    assert watched.until(5000.0) == 5060.0, "it came to its end"
    assert watched.until(5100.0) == 5060.0


def test_a_wait_inside_of_another_does_not_shorten_it(watched: Watched) -> None:
    with watched.pulse.within(600):
        with watched.pulse.within(10):
            watched.pulse.beat()
        assert watched.until(650.0) == 710.0


def test_waits_of_two_threads_end_in_any_order(watched: Watched) -> None:
    short, long = watched.pulse.within(10), watched.pulse.within(600)
    with short:
        long.__enter__()
    assert watched.until(650.0) == 710.0
    long.__exit__(None, None, None)
    assert watched.until(5000.0) == 710.0


def test_a_wait_that_fails_is_over(watched: Watched) -> None:
    with pytest.raises(KeyError), watched.pulse.within(600):
        raise KeyError
    assert watched.until(300.0) == 160.0


def test_another_process_takes_the_file_over(watched: Watched) -> None:
    watched.alive.write_text("7\n")  # as initramfs/init writes it
    assert watched.until(100.0) == 160.0
    HostPulse(watched.alive, grace_s=60.0, clock=Clock(200.0))
    assert float(watched.alive.read_text()) == 260.0


def test_the_thread_writes_without_being_asked(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = threading.Event()
    enough = threading.Event()

    def tell() -> None:
        told.set()
        enough.wait()

    monkeypatch.setattr(watched.pulse, "tell", tell)
    watched.pulse.start()
    try:
        assert told.wait(60)
    finally:
        monkeypatch.setattr(pulses, "TELL_EVERY_S", 1e6)
        enough.set()


def test_nobody_listens_outside_of_the_ramdisk() -> None:
    nobody = NoPulse()
    nobody.beat()
    with nobody.within(60):
        nobody.beat()


class RecordedPulse(NoPulse):
    def __init__(self) -> None:
        self.limits_s: list[float] = []

    def within(self, limit_s: float) -> AbstractContextManager[object]:
        self.limits_s.append(limit_s)
        return super().within(limit_s)


@pytest.mark.programs
def test_a_program_is_waited_for_as_long_as_it_may_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:{DEFAULT_PATH}")
    path = tmp_path / Program.UMOUNT
    path.write_text("#!/bin/sh\nexec /bin/sleep 3141592\n")
    path.chmod(0o755)
    pulse = RecordedPulse()
    with pytest.raises(ProgramTimeout):
        HostPrograms(pulse=pulse).run(Program.UMOUNT, timeout_s=0.2)
    (limit_s,) = pulse.limits_s
    assert limit_s > 0.2
