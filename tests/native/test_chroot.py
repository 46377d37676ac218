"""`hammer chroot` on loop devices: what is found, what is mounted, and what is left of it."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

from hammer.console import Console, Event
from hammer.errors import (
    ShellMissing,
    SystemAmbiguous,
    SystemMissing,
    TargetInUse,
    TargetReadOnly,
    UnmountBusy,
)
from hammer.host import mounts, resolv_conf
from hammer.host.disks import HostDisks
from hammer.host.mounts import HostMounts
from hammer.host.programs import HostPrograms
from hammer.shell import systems
from hammer.shell.chroot_command import login_shell
from hammer.shell.target import Seams, held_target
from hammer.steps.format import Volume
from tests.images import Directory, File
from tests.native.machine import (
    REPOSITORY,
    LoopDisk,
    base_image,
    loop_disk,
    mounted_below,
    output,
)

LINK = "../run/systemd/resolve/stub-resolv.conf"
OURS = Path("/etc/resolv.conf")
LIMIT_S = 60


def plant(tree: Path, files: dict[str, str]) -> Path:
    """A system that can run a shell, as a directory."""
    for name, entry in base_image().items():
        where = tree / name
        if isinstance(entry, Directory):
            where.mkdir(parents=True, exist_ok=True)
            continue
        where.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(entry, File):
            where.write_bytes(entry.content)
            where.chmod(entry.mode)
    for name, text in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    (tree / "etc/resolv.conf").symlink_to(LINK)
    return tree


def make_filesystem(disk: LoopDisk, tree: Path, label: str) -> None:
    # Without lazy initialisation the kernel writes only what it is told to.
    lazy = "lazy_itable_init=0,lazy_journal_init=0"
    output("mkfs.ext4", "-q", "-F", "-E", lazy, "-L", label, "-d", tree, disk.device)


def system_files(label: str) -> dict[str, str]:
    return {
        "etc/os-release": f'NAME=x\nPRETTY_NAME="System {label}"\n',
        "etc/fstab": f"LABEL={label} / ext4 defaults 0 1\n",
        "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
    }


@dataclass(frozen=True)
class Installed:
    """A system on one disk, with a second filesystem on another one."""

    disk: LoopDisk
    data: LoopDisk
    target: Path

    def argv(self, *words: str) -> list[str]:
        root = ("--root", self.disk.device, "--target", str(self.target))
        return [sys.executable, "-m", "hammer", "chroot", *root, *words]

    def run(self, *words: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.argv(*words),
            cwd=REPOSITORY,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )

    @contextmanager
    def looked_into(self, device: str | None = None) -> Iterator[Path]:
        self.target.mkdir(exist_ok=True)
        output("mount", "-o", "ro,noload", device or self.disk.device, self.target)
        try:
            yield self.target
        finally:
            output("umount", self.target)


@pytest.fixture
def held() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def installed(held: ExitStack, tmp_path: Path) -> Installed:
    disk = held.enter_context(loop_disk(tmp_path / "disk", size_mib=48))
    data = held.enter_context(loop_disk(tmp_path / "data", size_mib=16))
    (tmp_path / "of-data").mkdir()
    (tmp_path / "of-data/here").write_text("the data")
    label = f"data{os.getpid()}"  # of this test alone: others may have one on this machine
    make_filesystem(data, tmp_path / "of-data", label)
    root = f"root{os.getpid()}"
    files = system_files(root)
    files["etc/fstab"] += f"LABEL={label} /data ext4 noatime,x-systemd.automount 0 2\n"
    files["etc/fstab"] += "UUID=no-such /gone ext4 defaults 0 2\nLABEL=swap none swap sw 0 0\n"
    files["data/hidden"] = "below the mount"
    make_filesystem(disk, plant(tmp_path / "tree", files), root)
    return Installed(disk, data, tmp_path / "target")


def seams(events: list[Event] | None = None) -> Seams:
    programs = HostPrograms()
    return Seams(
        console=Console([(events if events is not None else []).append]),
        programs=programs,
        disks=HostDisks(programs),
        mounts=HostMounts(programs),
    )


LOOKS = """
busybox cat /data/here && echo
busybox test -d /proc/1 -a -d /sys/class -a -c /dev/null && echo kernel filesystems
busybox cat /etc/resolv.conf
busybox touch /data/written /written
exit 7
"""


def test_all_of_the_system_is_there_and_nothing_is_left(installed: Installed) -> None:
    ended = installed.run("sh", "-c", LOOKS)
    assert ended.returncode == 7, ended.stderr
    assert ended.stdout == "the data\nkernel filesystems\n" + OURS.read_text()
    said = " ".join(ended.stderr.split())
    assert f"{installed.disk.device}: System root{os.getpid()}" in said
    assert "WARNING /gone is missing: cannot mount UUID=no-such" in said
    assert mounted_below(installed.target) == []
    with installed.looked_into() as root:
        assert str((root / "etc/resolv.conf").readlink()) == LINK
        assert sorted(path.name for path in (root / "etc").glob(".*")) == []
        assert (root / "written").exists()
    with installed.looked_into(installed.data.device) as root:
        assert (root / "written").exists()


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["busybox", "true"], 0, ""),
        (["--", "busybox", "false"], 1, ""),
        (["nonsense"], 127, "nonsense: No such file or directory\n"),
        (["/etc/fstab"], 126, "/etc/fstab: Permission denied\n"),
        (["sh", "-c", "kill -9 $$"], 128 + 9, ""),
        # Python ignores it; a program finds it as it should be.
        (["sh", "-c", "kill -PIPE $$"], 128 + 13, ""),
    ],
)
def test_the_status_of_a_command(
    words: list[str], status: int, says: str, installed: Installed
) -> None:
    ended = installed.run(*words)
    assert ended.returncode == status
    assert ended.stdout == ""
    assert ended.stderr.endswith(says)


def test_a_shell_and_what_it_leaves_behind(installed: Installed) -> None:
    script = "busybox sleep 2718281 &\necho $0 $debian_chroot $HISTFILE\nexit 3\n"
    ended = installed.run(stdin=script)
    assert ended.returncode == 3
    assert ended.stdout == "/bin/sh target /tmp/.history\n"
    assert "WARNING left behind, killed: " in ended.stderr
    assert mounted_below(installed.target) == []


def test_read_only_changes_no_byte(installed: Installed) -> None:
    before = installed.disk.sha256(), installed.data.sha256()
    ended = installed.run("--read-only", "sh", "-c", "busybox cat /data/here; echo > /x || exit 4")
    assert (ended.returncode, ended.stdout) == (4, "the data")
    assert (installed.disk.sha256(), installed.data.sha256()) == before


def test_what_was_mounted_stays_and_what_is_missing_comes(installed: Installed) -> None:
    installed.target.mkdir()
    output("mount", installed.disk.device, installed.target)
    try:
        ended = installed.run("busybox", "cat", "/data/here")
        assert ended.stdout == "the data", ended.stderr
        assert mounted_below(installed.target) == [str(installed.target)]
        assert (installed.target / "data/hidden").exists()
        assert str((installed.target / "etc/resolv.conf").readlink()) == LINK
        with pytest.raises(TargetInUse, match=f"{installed.disk.device} is mounted there"):
            hold(installed.target, installed.data.device)
        output("mount", "-o", "remount,ro", installed.target)
        with pytest.raises(TargetReadOnly):
            hold(installed.target)
        assert mounted_below(installed.target) == [str(installed.target)]
    finally:
        output("umount", installed.target)


def volume(device: str, path: str | None, format_name: str = "ext4") -> Volume:
    where = PurePosixPath(path) if path else None
    return Volume(
        device=device, format=format_name, label="", uuid="", path=where, mountoptions=("noatime",)
    )


def test_the_volumes_of_an_installation_whatever_fstab_says(installed: Installed) -> None:
    device, target = installed.disk.device, installed.target
    data = volume(installed.data.device, "/var/data")
    volumes = (data, volume("/dev/none", "/gone", "swap"), volume(device, "/"))
    with held_target(seams(), target, volumes=volumes) as root:
        assert (root / "var/data/here").read_text() == "the data"
        assert (root / "data/hidden").exists()
    assert mounted_below(target) == []
    output("mount", device, target)
    try:
        with held_target(seams(), target, volumes=volumes) as root:
            assert (root / "var/data/here").exists()
        assert mounted_below(target) == [str(target)]
    finally:
        output("umount", target)
    with held_target(seams(), target, volumes=volumes, device=device) as root:
        assert (root / "data/here").exists(), "whoever names a device gets its own fstab"
    (target / "of-somebody").touch()
    with pytest.raises(TargetInUse, match="is not an empty directory"):
        hold(target, device)


def hold(target: Path, device: str | None = None, events: list[Event] | None = None) -> None:
    with held_target(seams(events), target, volumes=(), device=device):
        pass


def test_whoever_stays_in_it_is_named(
    installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mounts, "BUSY_LIMIT_S", 0.2)
    with ExitStack() as stack:
        try:
            with (
                pytest.raises(UnmountBusy, match=rf"process {os.getpid()} "),
                held_target(seams(), installed.target, volumes=(), device=installed.disk.device),
            ):
                stack.enter_context((installed.target / "etc/fstab").open())
        finally:
            stack.close()
            output("umount", installed.target)
    with installed.looked_into() as root:
        assert str((root / "etc/resolv.conf").readlink()) == LINK


def test_a_disk_without_a_system_can_be_entered_by_name(installed: Installed) -> None:
    events: list[Event] = []
    device = installed.data.device
    with held_target(seams(events), installed.target, volumes=(), device=device) as root:
        assert (root / "here").exists()
        with pytest.raises(ShellMissing):
            login_shell(root)
    warned = f"{device} has no complete system: no /etc/fstab"
    assert [event["text"] for event in events] == [warned]
    assert mounted_below(installed.target) == []


@pytest.mark.parametrize(
    ("argument", "code"),
    [("/dev/null", "argument-invalid"), ("/etc/passwd", "argument-invalid")],
)
def test_what_is_no_disk(argument: str, code: str, installed: Installed) -> None:
    ended = installed.run("--root", argument, "true")
    assert ended.returncode == 2
    assert f"FAILED [{code}]" in ended.stderr


def test_not_root(installed: Installed) -> None:
    argv = ["setpriv", "--reuid=65534", "--clear-groups", *installed.argv("true")]
    ended = subprocess.run(
        argv, cwd=REPOSITORY, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert ended.returncode == 30, ended.stderr
    assert "FAILED [not-root]" in ended.stderr


def found(*disks: LoopDisk) -> systems.System:
    known = systems.known_filesystems(HostPrograms(), [(disk.device,) * 2 for disk in disks])
    programs = HostPrograms()
    return systems.find(HostDisks(programs), HostMounts(programs), known)


def test_which_system_is_found(installed: Installed, held: ExitStack, tmp_path: Path) -> None:
    other = held.enter_context(loop_disk(tmp_path / "other", size_mib=48))
    empty = held.enter_context(loop_disk(tmp_path / "empty", size_mib=8))
    make_filesystem(other, plant(tmp_path / "other-tree", system_files("other")), "other")
    all_disks = (installed.disk, installed.data, other, empty)
    before = [disk.sha256() for disk in all_disks]

    assert found(installed.disk, installed.data, empty).name == f"System root{os.getpid()}"
    with pytest.raises(SystemAmbiguous) as caught:
        found(*all_disks)
    assert caught.value.systems == (
        f"{installed.disk.device}: System root{os.getpid()}",
        f"{other.device}: System other",
    )
    with pytest.raises(SystemMissing) as missing:
        found(installed.data, empty)
    assert missing.value.looked_at == (f"{installed.data.device} (ext4): no /etc/fstab",)
    assert [disk.sha256() for disk in all_disks] == before

    (tmp_path / "other-tree/etc/metal").mkdir()
    (tmp_path / "other-tree/etc/metal/install.yaml").touch()
    make_filesystem(other, tmp_path / "other-tree", "other")
    assert str(found(*all_disks)) == f"{other.device}: System other, installed by metal-hammer"
    with installed.looked_into(other.device), pytest.raises(SystemMissing) as used:
        found(other)
    assert used.value.looked_at == (
        f"{other.device} (ext4): in use, mounted on {installed.target}",
    )


def test_a_journal_that_was_not_written_back_is_not_replayed(
    installed: Installed, tmp_path: Path
) -> None:
    """As after a power cut: a plain read-only mount would write to the disk."""
    installed.target.mkdir()
    output("mount", installed.disk.device, installed.target)
    try:
        (installed.target / "new").write_text("x")
        os.sync()
        cut = (tmp_path / "disk").read_bytes()
    finally:
        output("umount", installed.target)
    (tmp_path / "cut").write_bytes(cut)
    device = output("losetup", "--find", "--show", tmp_path / "cut").strip()
    try:
        disk = LoopDisk(device, tmp_path / "cut")
        before = disk.sha256()
        assert "needs_recovery" in output("dumpe2fs", "-h", device)
        assert found(disk).root.device == device
        assert disk.sha256() == before
    finally:
        output("losetup", "--detach", device)


# --- a person at a terminal ---------------------------------------------------------------

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
