"""`hammer chroot` for a person at a terminal: the keys, and what is left behind."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hammer.host import resolv_conf
from tests.native.chroot.installed import LIMIT_S, LINK, Installed
from tests.native.machine import REPOSITORY

# Its own /run: the lock there is the machine's, and others may hold it.
PRIVATE = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs run /run && exec "$@"', "sh"]
BASH = ["setsid", "--ctty", "--wait", "bash", "--norc", "--noprofile", "-i"]
OUTSIDE, INSIDE = r"outside \$ ", r"\(target\) # "


class Person:
    """Types on a terminal, and reads what comes."""

    def __init__(self, handle: int, shell: "subprocess.Popen[bytes]") -> None:
        self._handle = handle
        self.shell = shell
        self._new = ""

    def types(self, text: str) -> None:
        os.write(self._handle, text.encode())

    def reads(self, pattern: str) -> str:
        """Wait until this comes; returns what came before it."""
        ends_s = time.monotonic() + LIMIT_S
        while True:
            plain = re.sub(r"\x1b\[[?\d;]*[a-zA-Z]|\r", "", self._new)
            if match := re.search(pattern, plain):
                self._new = plain[match.end() :]
                return plain[: match.start()]
            left_s = ends_s - time.monotonic()
            assert left_s > 0, f"no {pattern!r} after {plain!r}"
            ready, _, _ = select.select([self._handle], [], [], left_s)
            assert ready, f"no {pattern!r} after {plain!r}"
            self._new += os.read(self._handle, 65536).decode(errors="replace")

    def runs(self, line: str, then: str = OUTSIDE) -> str:
        self.types(f"{line}\r")
        self.reads(r"\n")  # the echo
        return self.reads(then)


@pytest.fixture
def person(installed: Installed) -> Iterator[Person]:
    ours, theirs = pty.openpty()
    os.set_inheritable(theirs, True)
    argv = json.dumps(installed.argv())
    shell = subprocess.Popen(
        [*PRIVATE, *BASH],
        cwd=REPOSITORY,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "PS1": "outside $ ", "TERM": "dumb", "HISTFILE": ""},
        start_new_session=True,
    )
    os.close(theirs)
    with shell:
        try:
            someone = Person(ours, shell)
            someone.reads(OUTSIDE)
            words = " ".join(f"'{word}'" for word in json.loads(argv))
            someone.runs(f'enter() {{ {words} "$@"; }}')
            yield someone
        finally:
            os.close(ours)  # hangs up
            shell.kill()


def is_clean(person: Person, installed: Installed) -> bool:
    """Nothing mounted and nothing running; asked in the person's own mount namespace."""
    return person.runs(f"grep -c {installed.target} /proc/self/mounts") == "0\n"


def test_ctrl_c_and_ctrl_z_belong_to_the_shell_inside(person: Person, installed: Installed) -> None:
    person.runs("enter", then=INSIDE)
    person.types("busybox sleep 2718281; echo status $?\r")
    person.reads(r"status \$\?\n")
    await_program(installed, "2718281")
    person.types("\x03")
    person.reads(INSIDE)
    person.types("busybox sleep 2718282\r")
    inside = await_program(installed, "2718282")
    person.types("\x1a")
    person.reads(r"Stopped .*\n")
    person.reads(INSIDE)
    person.types("fg\r")
    person.reads("fg\n.*2718282\n")
    # It has the terminal once it runs.
    wait_for(lambda: state_of(inside) != "T")
    person.types("\x03")
    person.reads(INSIDE)
    person.types("exit 5\r")
    person.reads(OUTSIDE)
    assert person.runs("echo $?") == "5\n"
    assert is_clean(person, installed)


def test_a_command_is_ended_by_ctrl_c_and_woken_when_stopped(
    person: Person, installed: Installed
) -> None:
    person.types("enter busybox sleep 2718281\r")
    await_program(installed, "2718281")
    person.types("\x1a")
    person.types("\x03")
    person.reads(OUTSIDE)
    assert person.runs("echo $?") == f"{128 + signal.SIGINT}\n"
    # Stopped by itself, it goes on: nobody outside could wake it.
    assert person.runs("enter sh -c 'kill -STOP $$; echo awake'").endswith("awake\n")
    assert is_clean(person, installed)


def test_a_command_in_the_background_waits_for_its_turn_to_read(
    person: Person, installed: Installed
) -> None:
    person.types("enter busybox cat & jobs\r")
    person.reads(OUTSIDE)
    wait_for(lambda: "Stopped" in person.runs("jobs"))
    person.types("fg\r")
    person.reads("fg\n.*\n")
    person.types("one line\r")
    person.reads("one line\none line\n")
    person.types("\x04")
    person.reads(OUTSIDE)
    assert is_clean(person, installed)


def wait_for(condition: Callable[[], object]) -> None:
    ends_s = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < ends_s
        time.sleep(0.05)


def state_of(process: Path) -> str:
    return (process / "stat").read_text().rpartition(")")[2].split()[0]


def test_a_shell_that_is_killed_leaves_a_terminal_that_works(
    person: Person, installed: Installed
) -> None:
    person.runs("enter", then=INSIDE)
    person.types("busybox stty -echo -icanon; kill -9 $$\r")
    person.reads(OUTSIDE)
    assert person.runs("echo $?") == f"{128 + signal.SIGKILL}\n"
    settings = person.runs("stty -a").split()
    assert {"echo", "icanon", "isig"} <= set(settings)
    assert is_clean(person, installed)


def test_when_the_shell_outside_ends_nobody_stays_inside(
    person: Person, installed: Installed
) -> None:
    person.runs("enter", then=INSIDE)
    person.types("busybox sleep 2718281\r")
    inside = await_program(installed, "2718281")
    shell = int(Path(f"/proc/{person.shell.pid}/task/{person.shell.pid}/children").read_text())
    os.kill(shell, signal.SIGHUP)
    person.shell.wait(LIMIT_S)
    wait_for(lambda: not inside.exists())
    # The namespace is gone when the last process is, and its mounts with it.
    wait_for(lambda: is_free(installed.disk.device))
    with installed.looked_into() as root:
        assert str((root / "etc/resolv.conf").readlink()) == LINK


def is_free(device: str) -> bool:
    try:
        os.close(os.open(device, os.O_RDONLY | os.O_EXCL))
    except OSError:
        return False
    return True


def test_killed_it_leaves_the_mounts_and_the_next_one_cleans_up(
    person: Person, installed: Installed
) -> None:
    person.types("enter busybox sleep 2718281\r")
    inside = await_program(installed, "2718281")
    os.kill(agent_of(inside), signal.SIGKILL)
    person.reads(OUTSIDE)
    assert not is_clean(person, installed)
    left = person.runs(f"ls -A {installed.target}/etc").split()
    assert {resolv_conf.IMAGE, resolv_conf.LENT} <= set(left)
    person.runs("enter busybox true")
    assert person.runs(f"readlink {installed.target}/etc/resolv.conf") == f"{LINK}\n"
    assert resolv_conf.LENT not in person.runs(f"ls -A {installed.target}/etc")
    person.runs(f"umount -R {installed.target}")
    assert is_clean(person, installed)


def agent_of(process: Path) -> int:
    """The `hammer chroot` above a process."""
    while True:
        words = (process / "cmdline").read_bytes().split(b"\0")
        if b"hammer" in words and b"chroot" in words:
            return int(process.name)
        stat = (process / "stat").read_text()
        process = Path("/proc") / stat.rpartition(")")[2].split()[1]


def await_program(installed: Installed, argument: str) -> Path:
    """Its directory in /proc, once it runs inside the target."""
    ends_s = time.monotonic() + LIMIT_S
    while True:
        for process in Path("/proc").iterdir():
            if process.name.isdigit() and runs_in(installed.target, process, argument):
                return process
        assert time.monotonic() < ends_s, f"no program with {argument}"
        time.sleep(0.02)


def runs_in(target: Path, process: Path, argument: str) -> bool:
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
        return words[:3] == [b"busybox", b"sleep", argument.encode()] and (
            str((process / "root").readlink()) == str(target)
        )
    except OSError:
        return False
