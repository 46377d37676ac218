"""Failures in a row, systems that never were up, and what a machine does about them."""

import json
from pathlib import Path

import pytest

from hammer import boots
from hammer.backoff import Next, after
from hammer.console import Console, Event, Failure
from hammer.errors import SystemNeverUp
from hammer.host.memory import VARIABLE, EfiMemory, Memory, NoMemory, Remembered, Started
from hammer.step import Step

BACKOFF_S = 60
SIGNED = "http://me:hunter2@images.test/img?sig=hunter2"
FAILURE = Failure(code="image-http-status", exit_status=20, message=f"{SIGNED}: 404", hint="mend")


class Boots:
    """A machine that boots the ramdisk again and again, with the time between."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.now_s = 1_800_000_000.0
        self.said: list[str] = []

    def memory(self) -> Memory:
        if self.folder is None:
            return NoMemory()
        return EfiMemory(tell=self.said.append, folder=self.folder)

    def begin(self) -> int:
        self.now_s += 60
        self.said = []

        def say(event: Event) -> None:
            self.said.append(str(event["text"]))

        return boots.begin(self.memory(), Console([say]), backoff_s=BACKOFF_S, now_s=self.now_s)

    def fail(self, failure: Failure = FAILURE) -> str:
        decision = boots.decided(
            self.memory(), failure, step=Step.CHECK, backoff_s=BACKOFF_S, now_s=self.now_s
        )
        return str(decision)

    def start(self) -> None:
        boots.started(
            self.memory(),
            Started(how="kexec", image="tiny-1.0", kernel="/boot/vmlinuz", time_s=int(self.now_s)),
        )


@pytest.fixture
def machine(tmp_path: Path) -> Boots:
    return Boots(tmp_path)


@pytest.mark.parametrize(
    ("failures", "line"),
    [(1, "restart 60"), (2, "restart 240"), (3, "stop"), (4, "stop"), (999, "stop")],
)
def test_the_back_off_grows_and_ends(failures: int, line: str) -> None:
    assert str(after(failures, backoff_s=60)) == line


def test_no_pause_is_no_pause() -> None:
    assert after(2, backoff_s=0) == Next(restart_s=0)


def test_three_failures_in_a_row_and_then_a_good_one(machine: Boots) -> None:
    assert (machine.begin(), machine.said) == (0, [])
    assert machine.fail() == "restart 60"
    assert machine.begin() == 0
    assert machine.said == [
        "the last attempt (2027-01-15 08:01 UTC) FAILED [image-http-status] in step check: "
        "http://images.test/img?... 404"
    ]
    assert machine.fail() == "restart 240"
    assert machine.begin() == 0
    assert machine.fail() == "stop"
    assert machine.begin() == 0, "whoever turns the machine on again wants it tried at once"
    assert ", 3 in a row) FAILED" in machine.said[0]
    machine.start()
    assert machine.memory().recall().failures == 0
    assert machine.memory().recall().last is None


def test_a_failure_after_a_stop_stops_again(machine: Boots) -> None:
    decisions = []
    for _ in range(5):
        machine.begin()
        decisions.append(machine.fail())
    assert decisions == ["restart 60", "restart 240", "stop", "stop", "stop"]


def test_a_system_that_removes_the_record_was_up(machine: Boots) -> None:
    assert machine.folder is not None
    machine.begin()
    machine.start()
    (machine.folder / VARIABLE).unlink()
    assert (machine.begin(), machine.said) == (0, [])
    assert machine.fail() == "restart 60"


def test_systems_that_never_are_up_back_off_and_stop(machine: Boots) -> None:
    machine.begin()
    machine.start()
    assert machine.begin() == 60
    assert machine.said == [
        "tiny-1.0 was started by kexec (2027-01-15 08:01 UTC, 1 min ago) and has not said "
        "that it is up; the next attempt begins in 60 s"
    ]
    machine.start()
    assert machine.begin() == 240
    machine.start()
    with pytest.raises(SystemNeverUp) as caught:
        machine.begin()
    assert str(caught.value).endswith("is up; 3 attempts in a row came to nothing")
    never_up = Failure(code=SystemNeverUp.code, exit_status=20, message="", hint="")
    assert machine.fail(never_up) == "stop"
    assert machine.memory().recall().failures == 3, "it is counted once"
    assert machine.begin() == 0, "whoever turns the machine on again wants it tried at once"
    machine.start()
    with pytest.raises(SystemNeverUp):
        machine.begin()


def test_a_system_that_never_was_up_and_failures_are_one_row(machine: Boots) -> None:
    machine.begin()
    machine.start()
    assert machine.begin() == 60
    assert machine.fail() == "restart 240"
    machine.begin()
    assert machine.fail() == "stop"


def test_a_good_system_between_them_ends_a_row(machine: Boots) -> None:
    machine.begin()
    assert machine.fail() == "restart 60"
    machine.begin()
    machine.start()
    assert machine.begin() == 60, "the first that never was up, not the second failure"


@pytest.mark.parametrize("later_s", [16 * 60, 30 * 86400, -30 * 86400])
def test_a_reinstallation_is_no_failure(machine: Boots, later_s: int) -> None:
    machine.begin()
    machine.start()
    machine.now_s += later_s
    assert machine.begin() == 0
    (said,) = machine.said
    assert "tiny-1.0 was started by kexec (2027-01-15 08:01 UTC) and has not said" in said
    assert machine.memory().recall() == Remembered()
    assert machine.fail() == "restart 60"


def test_a_clock_that_begins_anew_at_every_boot_hides_no_loop(machine: Boots) -> None:
    machine.begin()
    machine.start()
    machine.now_s -= 120
    assert machine.begin() == 60


def test_who_is_stopped_by_a_person_has_not_failed(machine: Boots) -> None:
    machine.begin()
    stopped = Failure(code="interrupted", exit_status=30, message="stopped", hint="")
    assert machine.fail(stopped) == "restart 60"
    assert machine.memory().recall() == Remembered()


def test_without_a_memory_every_failure_is_the_first() -> None:
    machine = Boots(None)
    for _ in range(4):
        assert machine.begin() == 0
        assert machine.said == ["nothing remembers failures over a boot on this machine"]
        assert machine.fail() == "restart 60"


def test_nothing_secret_is_remembered(machine: Boots) -> None:
    assert machine.folder is not None
    machine.begin()
    lines = f"fetch {SIGNED}: no\x1b[2J\u00e9\nuser_data: hunter2"
    machine.fail(Failure(code="bug", exit_status=70, message=lines, hint=""))
    data = (machine.folder / VARIABLE).read_bytes()[4:]
    assert b"hunter2" not in data
    assert json.loads(data)["last"]["message"] == (
        "fetch http://images.test/img?... no\\x1b[2J\\xe9"
    )


def test_a_kexec_that_does_not_jump_is_one_failure(machine: Boots) -> None:
    machine.begin()
    machine.start()
    assert machine.fail() == "restart 60"
    assert machine.begin() == 0
