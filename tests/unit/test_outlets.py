"""Where the words go in the ramdisk: all of them into the logs, to the lines what they can take."""

import io
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from hammer.outlets import Outlets
from hammer.report import ConsoleHandler, log_to
from hammer.step import Step
from tests.unit.screen import Screen, rows


@pytest.fixture(autouse=True)
def _handlers_as_before() -> Iterator[None]:
    ours = logging.getLogger("hammer")
    before = ours.handlers[:]
    yield
    ours.handlers[:] = before


@pytest.fixture
def stdout(tmp_path: Path) -> Iterator[TextIO]:
    with (tmp_path / "console").open("w") as stdout:
        yield stdout


def without_times(log: str) -> list[str]:
    return [line.split(" ", 1)[1] for line in log.splitlines()]


def test_the_log_has_the_console_and_the_commands_in_order(tmp_path: Path, stdout: TextIO) -> None:
    outlets = Outlets(tmp_path, stdout)
    with outlets.console.step(Step.WIPE):
        logging.getLogger("hammer.host.programs").debug("+ wipefs /dev/vda")
        outlets.console.say("/dev/vda is empty")
    outlets.end()
    assert without_times((tmp_path / "hammer.log").read_text()) == [
        " 2/10 wipe      begins",
        "hammer.host.programs + wipefs /dev/vda",
        "      /dev/vda is empty",
        " 2/10 wipe      done in 0.0 s",
    ]
    assert (tmp_path / "console").read_text().splitlines() == [
        " 2/10 wipe      begins",
        "      /dev/vda is empty",
        " 2/10 wipe      done in 0.0 s",
    ]
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert [event["event"] for event in events] == ["step", "say", "step"]


def test_what_is_shown_for_debugging_is_in_the_log_once(tmp_path: Path, stdout: TextIO) -> None:
    outlets = Outlets(tmp_path, stdout)
    log_to(ConsoleHandler(outlets.console))
    logging.getLogger("hammer.host.programs").debug("+ wipefs /dev/vda")
    outlets.end()
    assert (tmp_path / "hammer.log").read_text().count("wipefs") == 1
    assert (tmp_path / "console").read_text() == "      + wipefs /dev/vda\n"


def test_events_go_to_a_file_and_to_a_line(tmp_path: Path, stdout: TextIO) -> None:
    read, write = os.pipe()
    outlets = Outlets(tmp_path, stdout)
    outlets.add_events(Path(f"/proc/self/fd/{write}"))
    outlets.add_events(tmp_path / "more")
    outlets.console.say("hello")
    outlets.end()
    assert json.loads(os.read(read, 4096))["text"] == "hello"
    assert json.loads((tmp_path / "more").read_text())["text"] == "hello"
    os.close(read)
    os.close(write)


def test_events_that_cannot_be_written_stop_nothing(tmp_path: Path, stdout: TextIO) -> None:
    outlets = Outlets(tmp_path, stdout)
    outlets.add_events(tmp_path / "no/such/folder")
    outlets.add_events(tmp_path)
    outlets.console.say("hello")
    outlets.end()
    assert (tmp_path / "console").read_text() == "      hello\n"


def test_no_standard_output_at_all(tmp_path: Path) -> None:
    outlets = Outlets(tmp_path, None)
    outlets.console.say("hello")
    outlets.end()
    assert "hello" in (tmp_path / "hammer.log").read_text()


def test_a_person_with_a_cursor_sees_a_bar_and_the_logs_have_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("hammer.console.LIVE_EVERY_S", 0)
    screen = Screen()
    outlets = Outlets(tmp_path, screen.stdout)
    with outlets.console.step(Step.IMAGE):
        report = outlets.console.progress(Step.IMAGE, total_bytes=100)
        report(50)
        said = screen.raw(until=" left\x1b[K\r")
        monkeypatch.setattr("hammer.console.PROGRESS_EVERY_S", 0)
        report(60)
        said += screen.raw(until=" left\x1b[K\r")
    outlets.end()
    said += screen.raw(until=" s\r\n")
    screen.close()
    assert " 50 % [####" in said
    assert rows(said) == [" 6/10 image     begins", " 6/10 image     done in 0.0 s", ""]
    log = without_times((tmp_path / "hammer.log").read_text())
    assert [line[:22] for line in log] == [
        " 6/10 image     begins",
        " 6/10 image      60 %,",
        " 6/10 image     done i",
    ]
    assert "\\u001b" not in (tmp_path / "events.jsonl").read_text()
    assert (tmp_path / "events.jsonl").read_text().count('"progress"') == 1


def test_a_log_that_cannot_be_written_says_nothing_on_the_console(
    tmp_path: Path, stdout: TextIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    complaints = io.StringIO()
    monkeypatch.setattr("sys.stderr", complaints)
    outlets = Outlets(tmp_path / "missing", stdout)
    logging.getLogger("hammer.host.programs").debug("+ wipefs /dev/vda")
    outlets.console.say("hello")
    outlets.end()
    assert complaints.getvalue() == ""
    assert (tmp_path / "console").read_text() == "      hello\n"
