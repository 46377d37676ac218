"""What runs before and after the agent: init and the script of the DHCP client."""

import argparse
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from hammer.cmdline import OnFailure
from hammer.errors import Interrupted
from hammer.shell import commands as shell_commands
from hammer.step import Step
from initramfs.tree import HERE

BUSYBOX = shutil.which("busybox")
pytestmark = [
    pytest.mark.programs,
    pytest.mark.skipif(BUSYBOX is None, reason="no busybox to run the scripts with"),
]

# Everything that init would do to the machine, told instead of done.
HARMLESS = """
on_console() { echo "console: $*"; }
sync() { echo sync; }
reboot() { echo "reboot $*"; exit 0; }
poweroff() { echo "poweroff $*"; exit 0; }
sleep() { echo "sleep $*"; }
rm() { echo "rm $*"; }
enter_is_pressed() { echo 'Enter?'; [ -z "$nobody" ] || { nobody=; return 1; }; }
stop_guard() { echo "the guard is stopped"; }
alive_for() { echo "alive for $1 s"; }
"""


def shell(script: str, *args: str) -> str:
    assert BUSYBOX is not None
    done = subprocess.run(
        [BUSYBOX, "sh", "-eu", "-c", script, "sh", *args],
        env={},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not done.stderr
    return done.stdout


def on_failure(cmdline: str) -> str:
    return shell(f'. {HERE}/init; on_failure_of "$1"', cmdline).strip()


def after_agent(
    status: int, *, on_failure: str = "reboot", person: int = 1, decision: str = ""
) -> list[str]:
    """What init does when the agent has left with `status`; a person leaves the shell with that.

    `decision` is what the agent wrote. Enter is pressed in the second minute.
    """
    told = (
        f'on_failure() {{ echo {on_failure}; }}; person() {{ echo "person $1"; return {person}; }}'
    )
    told += f"; decision() {{ echo {decision}; }}; nobody=1"
    then = 'if goes_on_after "$1" || give_up "$1"; then echo goes on; fi'
    return shell(f". {HERE}/init; {HARMLESS} {told}; {then}", str(status)).splitlines()


@pytest.mark.parametrize("name", ["init", "profile", "shell", "shellrc", "udhcpc-script"])
def test_syntax(name: str) -> None:
    assert BUSYBOX is not None
    subprocess.run([BUSYBOX, "sh", "-n", HERE / name], check=True)


@pytest.mark.parametrize("word", OnFailure)
def test_every_word_that_the_agent_knows(word: OnFailure) -> None:
    assert on_failure(f"console=ttyS0 hammer.on_failure={word} quiet") == word


@pytest.mark.parametrize(
    ("cmdline", "answer"),
    [
        ("", "reboot"),
        ("console=ttyS0", "reboot"),
        ("hammer.on_failure=", "reboot"),
        ("hammer.on_failure=typo", "reboot"),
        ("hammer.on_failure=shell hammer.on_failure=halt", "halt"),
        ("hammer.on_failure=shell hammer.on_failure=typo", "reboot"),
        ("xhammer.on_failure=shell hammer.on_failure_=shell", "reboot"),
        ("hammer.on_failure=shell\n", "shell"),
        ("* /* hammer.on_failure=shell $(echo no) `echo no`", "shell"),
    ],
)
def test_the_last_word_wins_and_unknown_ones_restart(cmdline: str, answer: str) -> None:
    assert on_failure(cmdline) == answer


def test_a_failure_restarts_and_says_when() -> None:
    lines = after_agent(30)
    assert lines[0].startswith("The machine restarts in 60 s;")
    assert lines[1:] == ["alive for 60 s", "sleep 60", "sync", "reboot -f"]


@pytest.mark.parametrize("seconds", [0, 240])
def test_a_failure_restarts_when_the_agent_has_said_so(seconds: int) -> None:
    lines = after_agent(30, decision=f"restart {seconds}")
    assert lines[0].startswith(f"The machine restarts in {seconds} s;")
    assert lines[1:] == [f"alive for {seconds} s", f"sleep {seconds}", "sync", "reboot -f"]


def test_a_machine_that_has_stopped_waits_for_a_person_and_restarts_after() -> None:
    lines = after_agent(30, decision="stop")
    assert lines[0] == "Several failures in a row: this machine has stopped, and does not restart."
    fed = "alive for 120 s"
    assert lines[2:6] == [fed, "Enter?", fed, "Enter?"]
    assert lines[6:] == ["person restart", "sync", "reboot -f"]


def test_a_machine_that_has_stopped_is_gone_on_with_by_a_person() -> None:
    lines = after_agent(30, decision="stop", person=0)
    assert lines[-3:] == ["person restart", "rm -f /run/hammer/next", "goes on"]


def test_a_guard_that_was_let_go_is_started_again() -> None:
    script = f"""
    . {HERE}/init
    start_guard() {{ echo started; guard_pid=$$; }}
    (exit) & guard_pid=$!
    wait "$guard_pid"
    guarded; guarded
    """
    assert shell(script) == "started\n"


def test_a_failure_halts() -> None:
    assert after_agent(30, on_failure="halt") == [*("sync", "the guard is stopped", "poweroff -f")]


def test_a_failure_opens_a_shell_and_its_end_restarts_at_once() -> None:
    assert after_agent(30, on_failure="shell") == ["person restart", "sync", "reboot -f"]


def test_a_failure_is_mended_in_the_shell() -> None:
    assert after_agent(30, on_failure="shell", person=0) == ["person restart", "goes on"]


@pytest.mark.parametrize("status", [Interrupted.exit_status, 128 + 2])
@pytest.mark.parametrize("what", OnFailure)
def test_a_stop_opens_a_shell_whatever_a_failure_would_do(status: int, what: OnFailure) -> None:
    assert after_agent(status, on_failure=what, person=0) == ["person continue", "goes on"]


@pytest.mark.parametrize("status", [Interrupted.exit_status, 128 + 2])
@pytest.mark.parametrize("what", OnFailure)
def test_a_person_who_stopped_it_and_leaves_restarts_at_once(status: int, what: OnFailure) -> None:
    lines = after_agent(status, on_failure=what)
    assert lines == ["person continue", "sync", "reboot -f"]


@pytest.mark.parametrize(
    ("statuses", "tries"), [("0", 1), ("130 0", 2), ("75 130 0", 3), ("1 1 1 1", 3)]
)
def test_a_clean_up_that_was_interrupted_is_begun_again(
    tmp_path: Path, statuses: str, tries: int
) -> None:
    (tmp_path / "journal.json").touch()
    init = (HERE / "init").read_text()
    assert "/run/hammer" in init
    (tmp_path / "init").write_text(init.replace("/run/hammer", str(tmp_path)))
    fake = f"""
    left="{statuses}"
    on_console() {{ echo "$*"; status=${{left%% *}}; left=${{left#* }}; return $status; }}
    """
    lines = shell(f". {tmp_path}/init\n{fake}\nclean_up 30; echo after").splitlines()
    assert lines == ["hammer abandon --agent-left-with 30"] * tries + ["after"]


def test_nothing_is_left_of_what_was_begun_by_ssh_before_a_restart() -> None:
    told = 'on_failure() { echo reboot; }; clean_up() { echo "clean up after $1"; }'
    lines = shell(f". {HERE}/init; {HARMLESS} {told}; give_up 30").splitlines()
    assert lines[0] == "clean up after 30"
    assert lines[-4:] == ["sleep 60", "clean up after 75", "sync", "reboot -f"]


@pytest.mark.parametrize("what", OnFailure)
def test_lines_fit_the_console(what: OnFailure) -> None:
    lines = after_agent(30, on_failure=what) + after_agent(30, decision="stop")
    assert all(len(line) <= 80 and line.isascii() for line in lines)


def leaves_shell(answer: str, default: str = "restart", *, bash: int = 0) -> int:
    """The status of hammer-shell for an answer to its question."""
    assert BUSYBOX is not None
    fakes = f"bash() {{ return {bash}; }}"
    fakes += "".join(
        f"; {name}() {{ :; }}" for name in ("help", "know_terminal", "alive_for", "rm")
    )
    command = [BUSYBOX, "sh", "-c", f". {HERE}/shell; {fakes}; main {default}"]
    done = subprocess.run(
        command, env={}, input=answer, capture_output=True, text=True, check=False
    )
    return done.returncode


@pytest.mark.parametrize(
    ("answer", "default", "status"),
    [
        ("g\n", "restart", 0),
        ("r\n", "continue", 1),
        ("\n", "restart", 1),
        ("\n", "continue", 0),
        ("", "restart", 1),  # nobody is there
        ("", "continue", 0),
        ("s\ns\ng\n", "restart", 0),
        ("what?\nr\n", "continue", 1),
        ("what?\n", "continue", 0),
        ("yes\nG\n", "restart", 0),
        ("x\n" * 5 + "r\n", "continue", 0),
        ("x\n" * 5 + "g\n", "restart", 1),
    ],
)
def test_the_question_at_the_end_of_the_shell(answer: str, default: str, status: int) -> None:
    assert leaves_shell(answer, default) == status


def test_a_shell_that_was_ended_asks_nobody() -> None:
    assert leaves_shell("g\n", bash=129) == 1


def prompt(tmp_path: Path, *, holder: str, locks: str) -> str:
    """What the prompt says of an installation, with that pid in the lock's file."""
    (tmp_path / "where").write_text("stopped in 6/10 image")
    (tmp_path / "lock").write_text(holder)
    (tmp_path / "locks").write_text(locks)
    functions = (HERE / "shellrc").read_text().partition("PS1=")[0]
    functions = functions[functions.index("# Whether") :]
    for name, path in (
        ("/run/hammer/where", "where"),
        ("/run/hammer.lock", "lock"),
        ("/proc/locks", "locks"),
    ):
        assert name in functions
        functions = functions.replace(name, str(tmp_path / path))
    return shell(f"{functions}\nwhere_it_stands").strip()


@pytest.mark.parametrize(
    ("holder", "locks", "said"),
    [
        ("123", "1: FLOCK  ADVISORY  WRITE 123 00:17:9 0 EOF\n", "running"),
        ("123", "1: FLOCK  ADVISORY  WRITE 1234 00:17:9 0 EOF\n", "stopped in 6/10 image"),
        ("123", "1: POSIX  ADVISORY  WRITE 123 00:17:9 0 EOF\n", "stopped in 6/10 image"),
        ("123", "", "stopped in 6/10 image"),
        ("", "1: FLOCK  ADVISORY  WRITE 123 00:17:9 0 EOF\n", "stopped in 6/10 image"),
    ],
)
def test_the_prompt_tells_an_agent_that_runs(
    tmp_path: Path, holder: str, locks: str, said: str
) -> None:
    assert prompt(tmp_path, holder=holder, locks=locks) == said


def test_the_shell_completes_every_command_and_step() -> None:
    words = (HERE / "shellrc").read_text()
    commands = re.search(r"hammer_commands='(.*)'", words)
    steps = re.search(r"hammer_steps='(.*)'", words)
    assert commands
    assert steps
    assert steps[1].split() == list(Step)
    top = argparse.ArgumentParser()
    below = top.add_subparsers()
    shell_commands.add_to(below)
    assert sorted(commands[1].split()) == sorted(below.choices)
    told = re.findall(r"^  hammer (\w+)", (HERE / "help").read_text(), re.MULTILINE)
    assert sorted(told) == sorted(below.choices)


def dhcp(event: str, *, folder: Path, **lease: str) -> None:
    assert BUSYBOX is not None
    script = (HERE / "udhcpc-script").read_text()
    assert "/run/hammer" in script
    subprocess.run(
        [BUSYBOX, "sh", "-c", script.replace("/run/hammer", str(folder)), "sh", event],
        env={"interface": "eth0", **lease},
        check=True,
    )


def test_a_lease_is_written_renewed_and_removed(tmp_path: Path) -> None:
    folder = tmp_path / "hammer"
    dhcp("deconfig", folder=folder)
    dhcp("bound", folder=folder, ip="10.0.2.15", dns="10.0.2.3 10.0.2.4", lease="86400")
    assert (folder / "lease.eth0").read_text() == (
        "interface=eth0\nip=10.0.2.15\nsubnet=\nrouter=\ndns=10.0.2.3 10.0.2.4\n"
        "domain=\nntpsrv=\nlease=86400\n"
    )
    dhcp("renew", folder=folder, ip="10.0.2.16")
    assert "ip=10.0.2.16\n" in (folder / "lease.eth0").read_text()
    assert [path.name for path in folder.iterdir()] == ["lease.eth0"]
    dhcp("deconfig", folder=folder)
    assert list(folder.iterdir()) == []
