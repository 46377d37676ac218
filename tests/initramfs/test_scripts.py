"""What runs before and after the agent: init and the script of the DHCP client."""

import shutil
import subprocess
from pathlib import Path

import pytest

from hammer.cmdline import OnFailure
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


def after_agent(what: str) -> list[str]:
    return shell(f'. {HERE}/init; {HARMLESS} after_agent "$1"', what).splitlines()


@pytest.mark.parametrize("name", ["init", "udhcpc-script"])
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


def test_reboot_is_announced() -> None:
    lines = after_agent("reboot")
    assert lines[0].startswith("The machine restarts in 60 s.")
    assert lines[1:] == ["sleep 60", "sync", "reboot -f"]


def test_halt() -> None:
    assert after_agent("halt") == ["sync", "poweroff -f"]


def test_a_shell_and_then_a_restart() -> None:
    lines = after_agent("shell")
    assert "exit" in lines[0]
    assert lines[1:] == ["console: sh -l", "sync", "reboot -f"]


@pytest.mark.parametrize("what", ["reboot", "shell"])
def test_lines_fit_the_console(what: str) -> None:
    assert all(len(line) <= 80 and line.isascii() for line in after_agent(what))


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
