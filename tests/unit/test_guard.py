"""What the guard decides: with a recorded watchdog, and a clock that the test moves."""

import fcntl
import os
import signal
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from hammer.cmdline import Settings
from hammer.host import guard
from hammer.host.guard import Guard, duration, grace_s, let_go, process_started_s, settings_of

HOUR_S = 3600.0
SETTINGS = Settings(watchdog_s=20, shell_max_h=8)


@dataclass
class RecordedDog:
    name: str = "recorded"
    timeout_s: int = 20
    fed: list[float] = field(default_factory=list)
    now_s: float = 0.0

    def feed(self) -> None:
        self.fed.append(self.now_s)


@dataclass
class World:
    """A guard, and all that it sees and does. It began at the 100th second after the boot."""

    run: Path
    settings: Settings = SETTINGS
    dog: RecordedDog | None = field(default_factory=RecordedDog)
    shells: dict[int, float] = field(default_factory=dict)
    """Living processes and when they were started."""
    said: list[str] = field(default_factory=list)
    killed: list[tuple[int, int]] = field(default_factory=list)
    restarts: int = 0
    now_s: float = 100.0

    def __post_init__(self) -> None:
        self.guard = Guard(
            settings=self.settings,
            dog=self.dog,
            run=self.run,
            say=self.said.append,
            started_s=self.shells.get,
            kill=lambda pid, number: self.killed.append((pid, number)),
            restart=self._restart,
            now_s=self.now_s,
        )

    def _restart(self) -> None:
        self.restarts += 1

    def alive_until(self, until_s: float) -> None:
        (self.run / "alive").write_text(f"{until_s:013.2f}\n")

    def shell(self, pid: int, *, opened_s: float) -> None:
        with (self.run / "shell").open("a") as file:
            file.write(f"{pid}\n")
        self.shells[pid] = opened_s

    def look_until(self, end_s: float) -> None:
        """Let time pass, as main() of the guard does."""
        while self.now_s < end_s:
            self.now_s = min(end_s, self.now_s + self.guard.every_s)
            if self.dog:
                self.dog.now_s = self.now_s
            self.guard.look(self.now_s)

    def last_feed(self) -> float:
        assert self.dog is not None
        return self.dog.fed[-1]

    def longest_hunger(self) -> float:
        assert self.dog is not None
        return max(b - a for a, b in zip([100.0, *self.dog.fed], self.dog.fed, strict=False))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(run=tmp_path)


def test_an_agent_that_says_so_is_fed_for(world: World) -> None:
    for until_s in range(160, 1000, 10):
        world.alive_until(until_s)
        world.look_until(until_s - 50)
    assert world.longest_hunger() <= 5.0
    assert world.said == []
    assert world.restarts == 0


def test_what_is_no_pid_ends_no_guard(world: World) -> None:
    (world.run / "shell").write_bytes(b"\xff\n\xc2\xb2\n" + b"9" * 5000 + b"\n\n")
    world.shell(7, opened_s=100)
    world.look_until(400)
    assert world.longest_hunger() <= 5.0
    assert world.said == []


def test_an_agent_that_is_silent_is_fed_for_no_longer_than_it_said(world: World) -> None:
    world.alive_until(160)
    world.look_until(219)
    assert 155 <= world.last_feed() < 160
    assert len(world.said) == 1
    assert "no sign of life from the agent for 55 s" in world.said[0]
    assert world.restarts == 0, "the watchdog has its time"


def test_a_watchdog_that_does_not_bite_is_replaced(world: World) -> None:
    world.alive_until(160)
    world.look_until(219)
    assert world.restarts == 0
    world.look_until(226)
    assert world.restarts > 0


def test_without_a_watchdog_the_guard_is_one(tmp_path: Path) -> None:
    world = World(run=tmp_path, dog=None)
    world.alive_until(160)
    world.look_until(159)
    assert world.restarts == 0
    world.look_until(166)
    assert world.restarts > 0
    assert len(world.said) == 1


def test_with_watchdog_s_0_nothing_is_reset(tmp_path: Path) -> None:
    world = World(run=tmp_path, dog=None, settings=replace(SETTINGS, watchdog_s=0))
    world.alive_until(160)
    world.look_until(5000)
    assert (world.restarts, world.said) == (0, [])


def test_the_agent_may_take_its_time_to_begin(world: World) -> None:
    world.look_until(100 + guard.START_S - 1)
    assert world.said == []
    world.look_until(100 + guard.START_S + 6)
    assert len(world.said) == 1


def test_an_agent_that_comes_back_is_fed_for_again(world: World) -> None:
    world.alive_until(160)
    world.look_until(170)
    fed = world.last_feed()
    world.alive_until(300)
    world.look_until(176)
    assert world.last_feed() > fed
    assert "fed again" in world.said[-1]


@pytest.mark.parametrize("text", ["", "soon", "12"])
def test_a_file_that_says_nothing_is_no_news(world: World, text: str) -> None:
    """As it is while it is being written; and an old time is one that is over."""
    world.alive_until(300)
    world.look_until(110)
    (world.run / "alive").write_text(text)
    world.look_until(120)
    assert (world.last_feed() == 120) == (text != "12")


def test_what_is_left_of_a_longer_text_is_ignored(world: World) -> None:
    (world.run / "alive").write_text("160.00\n99999\n")
    world.look_until(170)
    assert world.last_feed() < 160


def test_a_shell_is_fed_for_without_any_agent(world: World) -> None:
    world.alive_until(160)
    world.shell(77, opened_s=120.0)
    world.look_until(120 + 7 * HOUR_S)
    assert world.longest_hunger() <= 5.0
    assert world.restarts == 0
    assert world.killed == []


def test_a_shell_is_reminded_every_ten_minutes(world: World) -> None:
    world.shell(77, opened_s=120.0)
    world.look_until(120 + 3 * 600 + 10)
    assert len(world.said) == 3
    assert (
        world.said[1] == "\nthis shell is open for 20 min and ends in 7 h 40 min; `exit` leaves it"
    )


def test_a_shell_ends_after_its_hours_and_is_not_fed_for(world: World) -> None:
    world.shell(77, opened_s=120.0)
    end_s = 120 + 8 * HOUR_S
    world.look_until(end_s - 5)
    assert world.killed == []
    world.look_until(end_s + 5)
    assert world.killed == [(77, signal.SIGHUP)]
    assert "hammer.shell_max_h=8 is over" in world.said[-1]
    world.look_until(end_s + 20)
    assert world.killed[1] == (77, signal.SIGKILL)
    del world.shells[77]
    # Whoever goes on after the shell has the grace of an agent to begin.
    world.look_until(end_s + 200)
    assert end_s + grace_s(20) - 10 <= world.last_feed() < end_s + grace_s(20)


def test_a_new_shell_has_hours_of_its_own(world: World) -> None:
    world.shell(77, opened_s=120.0)
    world.look_until(120 + 7 * HOUR_S)
    del world.shells[77]
    world.shell(78, opened_s=120 + 7 * HOUR_S)
    world.look_until(120 + 14 * HOUR_S)
    assert world.killed == []
    assert world.longest_hunger() <= 5.0


def test_one_of_two_shells_is_enough(world: World) -> None:
    world.shell(77, opened_s=120.0)
    world.shell(78, opened_s=130.0)
    world.look_until(400)
    del world.shells[78]
    world.look_until(1000)
    assert world.longest_hunger() <= 5.0


def test_a_shell_that_is_gone_leaves_a_grace(world: World) -> None:
    world.shell(77, opened_s=120.0)
    world.look_until(400)
    (world.run / "shell").unlink()
    world.look_until(1000)
    assert 455 <= world.last_feed() < 460


def test_a_driver_that_wants_it_often_is_fed_often(tmp_path: Path) -> None:
    assert World(run=tmp_path, dog=RecordedDog(timeout_s=8)).guard.every_s == 2.0
    assert World(run=tmp_path, dog=RecordedDog(timeout_s=600)).guard.every_s == 10.0
    assert World(run=tmp_path, dog=RecordedDog(timeout_s=0)).guard.every_s == 0.5


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 min"), (600, "10 min"), (3599, "1 h 0 min"), (27000, "7 h 30 min")],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("text", "watchdog_s", "shell_max_h"),
    [
        ("", 60, 8),
        ("hammer.watchdog_s=20 quiet hammer.shell_max_h=2\n", 20, 2),
        ("hammer.spek=/x hammer.watchdog_s=0 hammer.shell_max_h=", 0, 8),
        ("hammer.watchdog_s=never hammer.shell_max_h=0", 60, 8),
        ("hammer.watchdog_s=20 hammer.watchdog_s=-1 hammer.watchdog_s", 20, 8),
    ],
)
def test_a_command_line_that_makes_no_sense_still_has_a_guard(
    text: str, watchdog_s: int, shell_max_h: int
) -> None:
    settings = settings_of(text)
    assert (settings.watchdog_s, settings.shell_max_h) == (watchdog_s, shell_max_h)


# --- processes ------------------------------------------------------------------------------


def test_when_a_process_was_started() -> None:
    ours, first = process_started_s(os.getpid()), process_started_s(1)
    assert ours is not None
    assert first is not None
    assert first < ours
    assert process_started_s(2**22 + 1) is None  # beyond the largest pid, proc(5)


def test_a_process_that_has_ended_and_is_not_waited_for_is_gone() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert process_started_s(pid) is None
    os.waitpid(pid, 0)


@pytest.mark.parametrize("word", ["", "watchdog.stop_on_reboot=1", "watchdog.stop_on_reboot=0"])
def test_the_guard_lets_go_before_kexec_unless_told_otherwise(tmp_path: Path, word: str) -> None:
    # Its number is that of no process: it has ended at once.
    (tmp_path / "guard").write_text(f"{2**22 + 1}\n")
    killed: list[tuple[int, int]] = []
    let_go(
        tmp_path,
        cmdline_text=f"quiet {word}\n",
        kill=lambda pid, number: killed.append((pid, number)),
    )
    assert killed == ([] if word.endswith("=0") else [(2**22 + 1, signal.SIGTERM)])


def test_without_a_guard_there_is_nothing_to_let_go(tmp_path: Path) -> None:
    let_go(tmp_path, cmdline_text="", kill=lambda *_: pytest.fail("killed"))


def test_lines_fit_the_console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    console = tmp_path / "console"
    console.touch()
    monkeypatch.setattr(guard, "CONSOLE", str(console))
    monkeypatch.setattr(guard, "KERNEL_LOG", os.devnull)
    guard.Teller().say("a word " * 30)
    lines = console.read_text().splitlines()
    assert len(lines) == 3
    assert all(len(line) <= 80 and line.startswith("      ") for line in lines)


def test_a_console_that_takes_nothing_does_not_stop_the_guard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    log = tmp_path / "log"
    log.touch()
    monkeypatch.setattr(guard, "CONSOLE", f"/proc/self/fd/{writer}")
    monkeypatch.setattr(guard, "KERNEL_LOG", str(log))
    tell = guard.Teller()
    for _ in range(200):
        tell.say("it is late" * 5)
    os.close(reader)
    os.close(writer)
    assert log.read_text().count("hammer guard: it is late") == 200
