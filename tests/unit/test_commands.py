"""What is told of a failure, and what of it must not be."""

import os
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
from hammer.host.lock import only_agent
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


def test_one_agent_at_a_time(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    mine = pytest.raises(AgentRunning, match=str(os.getpid()))
    with only_agent(lock), mine, only_agent(lock):
        pytest.fail("two of them")
    with only_agent(lock):
        pass
