"""`hammer chroot` on loop devices: what is found, what is mounted, and what is left of it."""

import os
import subprocess
from contextlib import ExitStack
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
from hammer.host import mounts
from hammer.host.disks import HostDisks
from hammer.host.mounts import HostMounts
from hammer.host.programs import HostPrograms
from hammer.shell import systems
from hammer.shell.chroot_command import login_shell
from hammer.shell.target import Seams, held_target
from hammer.steps.format import Volume
from tests.native.chroot.installed import (
    LIMIT_S,
    LINK,
    Installed,
    make_filesystem,
    plant,
    system_files,
)
from tests.native.machine import (
    REPOSITORY,
    LoopDisk,
    loop_disk,
    mounted_below,
    output,
)

OURS = Path("/etc/resolv.conf")


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
