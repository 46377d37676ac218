"""The one place that starts programs, tried with programs of the test's own on PATH."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hammer.errors import ProgramFailed, ProgramMissing, ProgramTimeout
from hammer.host.programs import DEFAULT_PATH, HostPrograms, Program

pytestmark = pytest.mark.programs


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that is all of PATH; what ends a program with us is in it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    setpriv = shutil.which(Program.SETPRIV, path=DEFAULT_PATH)
    assert setpriv is not None
    (tmp_path / Program.SETPRIV).symlink_to(setpriv)
    return tmp_path


def script(folder: Path, program: Program, text: str) -> None:
    path = folder / program
    path.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{text}\n")
    path.chmod(0o755)


def test_arguments_arrive_as_they_are(put: Path) -> None:
    script(put, Program.SGDISK, 'printf "<%s>" "$@"')
    told = HostPrograms().run(Program.SGDISK, "a b", "", "$(id)", Path("/dev/x"))
    assert told == "<a b><><$(id)></dev/x>"


def test_nothing_of_our_environment(put: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "hunter2")
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    script(put, Program.BLKID, "env")
    told = HostPrograms().run(Program.BLKID)
    assert "hunter2" not in told
    assert "LANG=" not in told
    assert "LC_ALL=C.UTF-8" in told


def test_stdin_is_what_was_given_or_empty(put: Path) -> None:
    script(put, Program.MKSWAP, "cat")
    assert HostPrograms().run(Program.MKSWAP) == ""
    assert HostPrograms().run(Program.MKSWAP, stdin="secret") == "secret"


def test_a_failure_names_command_status_and_last_word(put: Path) -> None:
    script(put, Program.WIPEFS, "echo first >&2; echo 'probing failed' >&2; exit 3")
    with pytest.raises(ProgramFailed) as caught:
        HostPrograms().run(Program.WIPEFS, "--all", "/dev/a b")
    assert str(caught.value) == "`wipefs --all '/dev/a b'` left with status 3: probing failed"


def test_a_killed_program_is_told_as_such(put: Path) -> None:
    script(put, Program.WIPEFS, "kill -9 $$")
    with pytest.raises(ProgramFailed, match=r"was killed by signal 9: \(no message\)"):
        HostPrograms().run(Program.WIPEFS)


def test_a_time_out_ends_the_whole_family(put: Path) -> None:
    # Of this test alone: others may run beside it, on the same machine.
    nap = f"31{os.getpid()}"
    script(put, Program.MKFS_EXT4, f"sleep {nap} & wait")
    with pytest.raises(ProgramTimeout, match=r"did not end within 0\.2 s and was killed"):
        HostPrograms().run(Program.MKFS_EXT4, timeout_s=0.2)
    # A process that was killed is there until init has taken notice.
    while any(nap in _command_line(process) for process in Path("/proc").glob("[0-9]*")):
        time.sleep(0.01)


AGENT = """
from hammer.host.programs import HostPrograms, Program
HostPrograms().run(Program.MKFS_EXT4)
"""


def test_a_program_ends_with_us_however_that_is(put: Path) -> None:
    """What is left of it would write to disks that are cleared then."""
    fifo = put / "fifo"
    os.mkfifo(fifo)
    script(put, Program.MKFS_EXT4, f"exec 3>{fifo}; echo begun >&3; exec sleep 600")
    with subprocess.Popen([sys.executable, "-c", AGENT]) as agent, fifo.open() as told:
        assert told.readline() == "begun\n"
        agent.kill()
        assert told.read() == ""  # nobody has it open any more


def _command_line(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def test_a_missing_program(put: Path) -> None:
    with pytest.raises(ProgramMissing, match="not on PATH: sgdisk"):
        HostPrograms().run(Program.SGDISK)
    script(put, Program.SGDISK, "exit 0")
    missing = HostPrograms().missing()
    assert "sgdisk" not in missing
    assert "mount" in missing


def test_output_is_read_while_the_program_runs(put: Path) -> None:
    script(put, Program.BLKID, "echo one; echo two; exit $1")
    with HostPrograms().output_of(Program.BLKID, "0") as stdout:
        assert stdout.read() == b"one\ntwo\n"
    with (
        pytest.raises(ProgramFailed, match="left with status 5"),
        HostPrograms().output_of(Program.BLKID, "5") as stdout,
    ):
        stdout.read()


def test_a_reader_that_fails_ends_the_program(put: Path) -> None:
    script(put, Program.BLKID, "while :; do echo x; done")
    with pytest.raises(KeyError), HostPrograms().output_of(Program.BLKID):
        raise KeyError
