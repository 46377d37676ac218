"""What is told of a failure, and what of it must not be."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hammer.cmdline import parse
from hammer.commands import main, parser
from hammer.console import Console, Event
from hammer.control.spec_file import SpecFile
from hammer.errors import (
    AgentRunning,
    ControlUnsupported,
    DocumentInvalid,
    DocumentMissing,
    NotRoot,
)
from hammer.host.identity import in_ramdisk
from hammer.host.lock import only_agent, running_agent
from hammer.host.pulse import NoPulse
from hammer.report import failure_of, reported
from hammer.this_machine import control_plane

SECRET = "hunter2"


def test_an_expected_failure_is_told_in_its_own_words() -> None:
    error = NotRoot(uid=7)
    error.add_note("and more")
    failure = failure_of(error)
    assert (failure.code, failure.exit_status) == ("not-root", 30)
    assert failure.message == "this needs root, and the user is uid 7"
    assert failure.notes == ("and more",)


def test_a_bug_is_told_without_its_text() -> None:
    events: list[Event] = []

    def life() -> None:
        raise ValueError(SECRET)

    assert reported(Console([events.append]), life) == 70
    assert events[0]["code"] == "bug"
    assert str(events[0]["message"]).startswith("ValueError at test_commands.py:")
    assert SECRET not in str(events)


def test_no_failure_is_status_0() -> None:
    assert reported(Console([]), lambda: None) == 0


def test_pixie_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ControlUnsupported):
        control_plane(parse("PIXIE_API_URL=http://pixie/certs"), Console([]), NoPulse())
    control_plane(parse("PIXIE_API_URL=http://pixie/certs hammer.spec=/x"), Console([]), NoPulse())


def spec_file(text: bytes, tmp_path: Path) -> SpecFile:
    path = tmp_path / "machine.yaml"
    path.write_bytes(text)
    control = control_plane(parse(f"hammer.spec={path}"), Console([]), NoPulse())
    assert isinstance(control, SpecFile)
    return control


def test_a_document_that_is_a_directory(tmp_path: Path) -> None:
    with pytest.raises(DocumentMissing, match="Is a directory"):
        control_plane(parse(f"hammer.spec={tmp_path}"), Console([]), NoPulse()).wait_for_spec()


def test_a_document_that_is_too_large(tmp_path: Path) -> None:
    control = spec_file(b"# " + b"x" * (5 << 20), tmp_path)
    with pytest.raises(DocumentInvalid, match="larger than"):
        control.wait_for_spec()


def test_every_problem_of_a_document_is_told(tmp_path: Path) -> None:
    control = spec_file(b"allocation: {hostname: 7, image: {url: ftp://x}}", tmp_path)
    with pytest.raises(DocumentInvalid) as caught:
        control.wait_for_spec()
    paths = [line.split(": ")[1] for line in str(caught.value).splitlines()]
    assert paths == ["allocation.filesystemlayout", "allocation.hostname", "allocation.image.url"]


@pytest.mark.parametrize("words", [[], ["instal"], ["install"], ["install", "x", "--retry-s", "y"]])
def test_wrong_usage_is_status_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parser().parse_args(words)
    assert caught.value.code == 2
    assert "usage: hammer" in capsys.readouterr().err


def test_run_refuses_a_machine_with_a_system(capsys: pytest.CaptureFixture[str]) -> None:
    if in_ramdisk():
        pytest.skip("this host is a ramdisk itself")
    assert main(["run"]) == 30
    assert "FAILED [not-ramdisk]" in capsys.readouterr().out


HOLDER = """
import sys
from pathlib import Path
from hammer.host.lock import only_agent
with only_agent(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_agent(lock: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process that holds the machine until its stdin ends."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, lock],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


@dataclass
class Lives:
    """What becomes of commands in a ramdisk, without what they would do to this machine."""

    lock: Path
    lived: list[object] = field(default_factory=list)

    def live(self, life: object) -> int:
        self.lived.append(life)
        return 0


@pytest.fixture
def lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lives:
    lives = Lives(lock=tmp_path / "lock")
    monkeypatch.setattr("hammer.life.in_ramdisk", lambda: True)
    monkeypatch.setattr("hammer.life.LOCK", lives.lock)
    monkeypatch.setattr("hammer.life._lived", lives.live)
    return lives


@pytest.mark.programs
@pytest.mark.parametrize("command", ["run", "retry", "continue", "boot", "abandon"])
def test_what_changes_something_is_refused_while_an_agent_is_at_work(
    command: str, lives: Lives, capsys: pytest.CaptureFixture[str]
) -> None:
    with another_agent(lives.lock) as other:
        assert main([command]) == AgentRunning.exit_status
        said = capsys.readouterr().out
        assert "FAILED [agent-running]" in said
        assert str(other.pid) in said
        assert lives.lived == []
    assert main([command]) == 0
    assert len(lives.lived) == 1


@pytest.mark.programs
@pytest.mark.parametrize("command", ["continue --wait", "abandon --agent-left-with 75"])
def test_init_waits_for_an_agent_that_is_at_work(
    command: str, lives: Lives, monkeypatch: pytest.MonkeyPatch
) -> None:
    with another_agent(lives.lock) as other:
        said: list[str] = []

        def write(text: str) -> None:
            said.append(text)
            assert lives.lived == []
            assert other.stdin is not None
            other.stdin.close()  # it comes to its end

        monkeypatch.setattr("hammer.life.stdout", write)
        assert main(command.split()) == 0
    assert f"waiting for the end of process {other.pid}" in said[0]
    assert len(lives.lived) == 1


@pytest.mark.programs
def test_an_agent_is_seen_without_taking_its_lock(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    assert running_agent(lock) is None
    with another_agent(lock) as other:
        assert running_agent(lock) == other.pid
    assert running_agent(lock) is None
    with only_agent(lock):
        assert running_agent(lock) == os.getpid()
        assert running_agent(lock, locks=tmp_path / "none") is None


@pytest.mark.programs
def test_who_has_waited_for_the_lock_is_told_by_its_number(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with another_agent(lock) as other, only_agent(lock, on_wait=lambda _: other.kill()):
        assert lock.read_text() == str(os.getpid())


def test_one_agent_at_a_time(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    mine = pytest.raises(AgentRunning, match=str(os.getpid()))
    with only_agent(lock), mine, only_agent(lock):
        pytest.fail("two of them")
    with only_agent(lock):
        pass
