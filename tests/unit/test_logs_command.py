"""`hammer logs`: the end of the log, all of it, or what comes."""

import itertools
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from hammer.commands import main
from hammer.host.ring import Ring, older
from hammer.shell import logs_command
from hammer.shell.logs_command import said


@pytest.fixture
def ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ring:
    monkeypatch.setattr(logs_command, "RUN_DIRECTORY", tmp_path)
    return Ring(tmp_path / "hammer.log", limit_bytes=4000)


def numbered(first: int, last: int) -> str:
    return "".join(f"line {number}\n" for number in range(first, last))


def test_the_last_lines_over_both_files(
    ring: Ring, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(300):
        ring.write(f"line {number}\n")
    assert older(tmp_path / "hammer.log").exists()
    assert main(["logs"]) == 0
    assert capsys.readouterr().out == numbered(100, 300)
    assert main(["logs", "-n", "3"]) == 0
    assert capsys.readouterr().out == numbered(297, 300)
    assert main(["logs", "-n", "0"]) == 0
    assert capsys.readouterr().out == ""
    assert main(["logs", "--all"]) == 0
    assert capsys.readouterr().out == numbered(0, 300)


def test_events(ring: Ring, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "events.jsonl").write_text('{"event": "start"}\n')
    assert main(["logs", "--events"]) == 0
    assert capsys.readouterr().out == '{"event": "start"}\n'


def test_what_others_print_does_not_steer_the_terminal(
    ring: Ring, capsys: pytest.CaptureFixture[str]
) -> None:
    ring.write("\x1b[2Jgrün\r\n")
    assert main(["logs"]) == 0
    assert capsys.readouterr().out == "\\x1b[2Jgr\\xfcn\n"


def test_there_is_no_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logs_command, "RUN_DIRECTORY", tmp_path)
    assert main(["logs"]) == 2
    assert "FAILED [journal-missing]" in capsys.readouterr().out


def on_each_pause(monkeypatch: pytest.MonkeyPatch, actions: list[Callable[[], object]]) -> None:
    """What happens while `-f` waits for more."""
    left = iter(actions)
    monkeypatch.setattr("time.sleep", lambda _: next(left)())


def test_following_through_a_turn_of_the_ring(
    ring: Ring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(first: int) -> None:
        for number in range(first, first + 100):
            ring.write(f"line {number}\n")

    ring.write(numbered(0, 10))
    # 2000 bytes are half of the ring: it turns over more than once, but not twice in a pause.
    on_each_pause(monkeypatch, [partial(write, first) for first in range(10, 910, 100)])
    text = ""
    for part in said(tmp_path / "hammer.log", last=5, follow=True):
        text += part
        if "line 909\n" in text:
            break
    assert text == numbered(5, 910)


def test_half_a_line_is_shown_when_it_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "hammer.log"
    with path.open("w", buffering=1) as log:
        log.write("one\ntw")
        log.flush()
        on_each_pause(monkeypatch, [lambda: log.write("o\n"), lambda: log.write("three\n")])
        parts = said(path, last=5, follow=True)
        assert list(itertools.islice(parts, 3)) == ["one\n", "two\n", "three\n"]
        parts.close()  # type: ignore[attr-defined]


def test_ctrl_c_is_its_end(
    ring: Ring, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ring.write("one\n")
    on_each_pause(monkeypatch, [lambda: os.kill(os.getpid(), signal.SIGINT)])
    assert main(["logs", "-f"]) == 0
    assert capsys.readouterr().out == "one\n\n"
