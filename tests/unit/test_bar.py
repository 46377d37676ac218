"""Progress on a terminal with a cursor."""

import os
import signal
from collections.abc import Iterator

import pytest

from hammer.bar import bar, bar_sink
from hammer.console import MIB, Console, Event, text_sink
from hammer.errors import Interrupted
from hammer.host.terminal import Terminal, columns_of, has_cursor
from hammer.install_command import console_of
from hammer.report import raise_on_signals, reported
from hammer.step import Step
from tests.unit.screen import Screen, rows

HALF: Event = {
    "event": "progress",
    "step": "image",
    "number": 6,
    "done_bytes": 100 * MIB,
    "total_bytes": 200 * MIB,
    "bytes_per_s": 83 * MIB,
    "left_s": 8,
}


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    monkeypatch.setenv("TERM", "xterm")
    screen = Screen()
    yield screen
    screen.close()


# --- its line -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (200, " 6/10 image      50 % [##############..............]   83.0 MiB/s      8 s left"),
        (80, " 6/10 image      50 % [##############..............]   83.0 MiB/s      8 s left"),
        (60, " 6/10 image      50 % [####....]   83.0 MiB/s      8 s left"),
        (59, " 6/10 image      50 %   83.0 MiB/s      8 s left"),
        (40, " 50 %   83.0 MiB/s      8 s left"),
        (20, " 50 %   83.0 MiB/s"),
        (6, " 50 %"),
        (1, ""),
    ],
)
def test_the_line_is_shorter_than_the_terminal_is_wide(columns: int, line: str) -> None:
    assert bar(HALF, columns=columns).rstrip() == line


def test_it_has_the_same_width_from_the_beginning_to_the_end() -> None:
    widths = {
        len(bar({**HALF, "done_bytes": done * MIB, "left_s": left}, columns=80))
        for done, left in [(0, None), (1, 60000), (100, 179), (200, 0)]
    }
    assert widths == {79}


def test_without_a_total_there_are_bytes_and_rate() -> None:
    event = {**HALF, "total_bytes": None, "left_s": None}
    assert bar(event, columns=80) == " 6/10 image     100 MiB, 83.0 MiB/s"
    assert bar(event, columns=30) == "100 MiB, 83.0 MiB/s"


# --- how often ----------------------------------------------------------------------------


def test_live_sinks_hear_of_progress_often_and_the_others_by_time() -> None:
    lines: list[Event] = []
    often: list[Event] = []
    times = iter([0.0, *(n / 10 for n in range(1, 121))])
    console = Console([lines.append], live=[often.append], clock=lambda: next(times))
    report = console.progress(Step.IMAGE, total_bytes=120 * MIB)
    for n in range(1, 121):
        report(n * MIB)
    assert [event["done_bytes"] for event in lines] == [50 * MIB, 100 * MIB]
    assert 40 <= len(often) <= 60
    assert {event["bytes_per_s"] for event in (*lines, *often)} == {10 * MIB}
    console.say("hello")
    assert lines[-1] == often[-1] == {"event": "say", "text": "hello"}


# --- on a terminal ------------------------------------------------------------------------


def test_lines_between_are_whole_and_nothing_of_the_bar_is_left(screen: Screen) -> None:
    terminal = Terminal(screen.stdout)
    sink = bar_sink(
        text_sink(terminal.write), terminal.draw, columns=lambda: columns_of(screen.stdout)
    )
    console = Console([], live=[sink], clock=lambda: 0.0)
    with console.step(Step.IMAGE):
        sink(HALF)
        first = screen.raw(until="left\x1b[K\r")
        sink({**HALF, "done_bytes": 150 * MIB})
        console.say("images.test: the connection timed out, again")
        sink(HALF)
        screen.resize(30)
        sink(HALF)
    said = first + screen.raw(until="done in 0.0 s\r\n")
    assert rows(first) == [" 6/10 image     begins", bar(HALF, columns=80)]
    assert rows(said) == [
        " 6/10 image     begins",
        "      images.test: the connection timed out, again",
        " 6/10 image     done in 0.0 s",
        "",
    ]
    assert said.count("\x1b[K") == 6


@pytest.mark.parametrize("columns", [1, 20, 40, 0])
def test_a_narrow_terminal_does_not_wrap(screen: Screen, columns: int) -> None:
    screen.resize(columns)
    terminal = Terminal(screen.stdout)
    bar_sink(lambda _: None, terminal.draw, columns=lambda: columns_of(screen.stdout))(HALF)
    assert len(rows(screen.raw(until="\x1b[K\r"), columns=columns or 80)) == 1


def test_who_holds_the_terminal_holds_no_bar_up(screen: Screen) -> None:
    terminal = Terminal(screen.stdout)
    screen.typed(b"\x13")  # Ctrl-S
    for _ in range(10_000):
        terminal.draw("x" * 79)
    screen.typed(b"\x11")
    terminal.write("end\n")
    assert len(screen.raw(until="end\r\n")) < 1000


def test_ctrl_c_in_the_middle_leaves_a_clean_line(screen: Screen) -> None:
    terminal = Terminal(screen.stdout)
    sink = bar_sink(
        text_sink(terminal.write), terminal.draw, columns=lambda: columns_of(screen.stdout)
    )
    console = Console([], live=[sink], clock=lambda: 0.0)
    raise_on_signals()

    def life() -> None:
        with console.step(Step.IMAGE):
            sink(HALF)
            os.write(screen.stdout.fileno(), b"^C")  # as the terminal does where the cursor is
            os.kill(os.getpid(), signal.SIGINT)

    assert reported(console, life) == Interrupted.exit_status
    assert rows(screen.raw(until="again when you are ready\r\n"))[:4] == [
        " 6/10 image     begins",
        " 6/10 image         0.0 s  FAILED",
        "      total         0.0 s",
        "FAILED [interrupted]",
    ]


# --- where there is none ------------------------------------------------------------------


def test_a_terminal_of_a_person_has_a_cursor(screen: Screen) -> None:
    assert has_cursor(screen.stdout)


@pytest.mark.parametrize("term", ["", "dumb", None])
def test_a_terminal_that_knows_no_sequences(
    screen: Screen, term: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if term is None:
        monkeypatch.delenv("TERM")
    else:
        monkeypatch.setenv("TERM", term)
    assert not has_cursor(screen.stdout)


@pytest.mark.parametrize("name", ["/dev/console", "/dev/ttyS0", "/dev/tty1", "/dev/hvc0"])
def test_a_console_is_only_written_to(
    screen: Screen, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.ttyname", lambda _: name)
    assert not has_cursor(screen.stdout)


def test_neither_a_pipe_nor_what_is_closed_has_one() -> None:
    read, write = os.pipe()
    with os.fdopen(write, "w") as pipe:
        assert not has_cursor(pipe)
    assert not has_cursor(pipe)
    os.close(read)


@pytest.mark.parametrize(
    ("form", "term", "drawn"),
    [("text", "xterm", True), ("text", "dumb", False), ("json", "xterm", False)],
)
def test_hammer_install_draws_for_people_with_a_cursor(
    screen: Screen, form: str, term: str, drawn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr("sys.stdout", screen.stdout)
    monkeypatch.setattr("hammer.console.LIVE_EVERY_S", 0)
    console = console_of(form)
    console.progress(Step.IMAGE, total_bytes=200 * MIB)(100 * MIB)
    console.say("end")
    said = screen.raw(until="end")
    assert ("\x1b" in said, "50 %" in said) == (drawn, drawn)
