"""What `hammer chroot` makes of an fstab, of a disk's tags, and of what it finds in /etc."""

import os
from pathlib import Path, PurePosixPath

import pytest

from hammer.errors import ProgramFailed, ShellMissing
from hammer.host.chroot import Ended
from hammer.host.filesystems import Filesystem, candidates, probe
from hammer.host.guard import SHELL
from hammer.host.programs import AnyProgram
from hammer.journal import Journal
from hammer.shell import chroot_command, fstab
from hammer.shell.chroot_command import enter, environment, known_volumes, login_shell
from hammer.shell.systems import Known, known_filesystems
from hammer.steps.format import Volume
from hammer.this_machine import TARGET
from tests.unit.fakes import Bench, RecordedDisks

FSTAB = """
# created by hand
UUID=1-2 / ext4 errors=remount-ro,noatime 0 1
  LABEL="my\\040data"  /srv/my\\040data  ext4
UUID=E5-1 /boot/efi vfat umask=0077 0 2
/dev/sdb1 /boot ext4 defaults
UUID=3 none swap sw 0 0
UUID=3 /swapfile swap sw 0 0
UUID=4 /backup ext4 noauto,user 0 2
UUID=5 /remote ext4 _netdev 0 2
tmpfs /tmp tmpfs size=1G 0 0
proc /proc proc
nas:/export /mnt nfs defaults 0 0
//nas/share /mnt cifs credentials=/root/secret 0 0
/srv /home/srv none bind 0 0
/dev/sdc1 relative ext4
nonsense
"""


def test_of_an_fstab_what_is_on_a_disk_and_mounted_at_boot() -> None:
    entries = fstab.read(FSTAB)
    assert [(each.spec, str(each.path), each.format) for each in entries] == [
        ("UUID=1-2", "/", "ext4"),
        ("/dev/sdb1", "/boot", "ext4"),
        ("LABEL=my data", "/srv/my data", "ext4"),
        ("UUID=E5-1", "/boot/efi", "vfat"),
    ]
    assert entries[0].options == ("errors=remount-ro", "noatime")


class Blkid:
    """Answers as blkid(8) does, and knows nothing else."""

    def __init__(self, answers: dict[str, str | int]) -> None:
        self.answers = answers

    def run(
        self, program: AnyProgram, *args: str | Path, stdin: str = "", timeout_s: float = 60
    ) -> str:
        assert (program, *args[:-1]) == ("blkid", "-p", "-o", "export")
        answer = self.answers.get(str(args[-1]), 2)
        if isinstance(answer, int):
            raise ProgramFailed(command=f"blkid {args[-1]}", status=answer, stderr="I/O error")
        return answer

    def missing(self) -> list[str]:
        return []


ROOT = "DEVNAME=/dev/vda2\nLABEL=my\\ root\nUUID=1-2\nTYPE=ext4\nPART_ENTRY_UUID=p-2\n"
OTHER = ROOT.replace("vda", "vdb").replace("p-2", "p-9")
SPOILT = "LABEL=it's\nTYPE=ext4\nPART_ENTRY_NAME=\\$HOME\n"


def test_what_is_on_a_device() -> None:
    blkid = Blkid({"/dev/vda2": ROOT, "/dev/vda3": SPOILT, "/dev/vda4": "PTTYPE=gpt\n"})
    found = probe(blkid, "/dev/vda2", disk="/dev/vda")
    tags = (("UUID", "1-2"), ("LABEL", "my root"), ("PARTUUID", "p-2"))
    assert found == Filesystem(device="/dev/vda2", disk="/dev/vda", format="ext4", tags=tags)
    spoilt = probe(blkid, "/dev/vda3", disk="/dev/vda")
    assert spoilt is not None
    assert spoilt.tags == (("PARTLABEL", "$HOME"),)
    assert probe(blkid, "/dev/vda4", disk="/dev/vda") is None
    assert probe(blkid, "/dev/vda1", disk="/dev/vda") is None


def test_a_device_that_cannot_be_read_is_told_and_the_others_are_looked_at() -> None:
    devices = [("/dev/vda", "/dev/vda1"), ("/dev/vda", "/dev/vda2")]
    known = known_filesystems(Blkid({"/dev/vda1": 4, "/dev/vda2": ROOT}), devices)
    assert [each.device for each in known.filesystems] == ["/dev/vda2"]
    assert known.problems == ("/dev/vda1: `blkid /dev/vda1` left with status 4: I/O error",)


def known_twice() -> Known:
    """Two disks with the same content, as after a copy of one to the other."""
    devices = [("/dev/vda", "/dev/vda2"), ("/dev/vdb", "/dev/vdb2")]
    return known_filesystems(Blkid({"/dev/vda2": ROOT, "/dev/vdb2": OTHER}), devices)


@pytest.mark.parametrize(
    ("spec", "beside", "device"),
    [
        ("UUID=1-2", "/dev/vda2", "/dev/vda2"),
        ("UUID=1-2", "/dev/vdb2", "/dev/vdb2"),
        ("LABEL=my root", "/dev/vdb2", "/dev/vdb2"),
        ("PARTUUID=p-9", "/dev/vda2", "/dev/vdb2"),
        ("UUID=1-2", "/dev/unknown", "/dev/vda2"),
        ("UUID=7", "/dev/vda2", "UUID=7"),
        ("/dev/vdb2", "/dev/vda2", "/dev/vdb2"),
    ],
)
def test_a_tag_means_first_of_all_the_same_disk(spec: str, beside: str, device: str) -> None:
    assert known_twice().source_of(spec, beside=beside) == device


def test_no_file_and_no_cd_is_a_candidate() -> None:
    class Disks(RecordedDisks):
        def names(self) -> list[str]:
            return ["/dev/loop0", "/dev/md127", "/dev/nvme0n1", "/dev/sr0"]

        def partitions(self, path: str) -> list[str]:
            return [f"{path}p1"] if "nvme" in path else []

    assert list(candidates(Disks([]))) == [
        ("/dev/md127", "/dev/md127"),
        ("/dev/nvme0n1", "/dev/nvme0n1"),
        ("/dev/nvme0n1", "/dev/nvme0n1p1"),
    ]


def program(root: Path, name: str, mode: int = 0o755) -> None:
    where = root / name.lstrip("/")
    where.parent.mkdir(parents=True, exist_ok=True)
    where.touch()
    where.chmod(mode)


@pytest.mark.parametrize(
    ("passwd", "programs", "shell"),
    [
        ("root:x:0:0:root:/root:/bin/zsh\n", ["/bin/zsh", "/bin/bash"], "/bin/zsh"),
        ("root:x:0:0:root:/root:/bin/zsh\n", ["/bin/bash", "/bin/sh"], "/bin/bash"),
        ("root:x:0:0:root:/root:/usr/sbin/nologin\n", ["/usr/sbin/nologin", "/bin/sh"], "/bin/sh"),
        ("root:x:0:0:root:/root:\n", ["/bin/sh"], "/bin/sh"),
        ("a:x:7:7::/:/bin/a\nadmin:x:0:0::/root:/bin/ksh\n", ["/bin/a", "/bin/ksh"], "/bin/ksh"),
        ("no line of it", ["/bin/sh"], "/bin/sh"),
        ("root:x:0:0:root:/root:relative\n", ["/bin/sh"], "/bin/sh"),
    ],
)
def test_the_shell_of_root(passwd: str, programs: list[str], shell: str, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text(passwd)
    for name in programs:
        program(tmp_path, name)
    assert login_shell(tmp_path) == shell


def test_no_shell(tmp_path: Path) -> None:
    program(tmp_path, "/bin/sh", mode=0o644)
    # A link out of the target is none in it.
    (tmp_path / "bin/bash").symlink_to("/usr/bin/env")
    with pytest.raises(ShellMissing, match="looked for /bin/bash, /bin/sh"):
        login_shell(tmp_path)


@pytest.mark.parametrize(("ended", "status"), [(0, 0), (7, 7), (-2, 130), (-9, 137)])
def test_the_status_is_that_of_the_command(ended: int, status: int, bench: Bench) -> None:
    bench.chroot.ended = Ended(status=ended, left_behind=("sleep",))
    assert enter(bench.chroot, bench.machine.console, bench.target, ["ls", "-l"]) == status
    assert bench.log == ["enter ls -l"]
    assert bench.lines() == ["      WARNING left behind, killed: sleep"]


def test_the_guard_knows_of_a_person_who_has_no_other_shell(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chroot_command, "RUN_DIRECTORY", tmp_path)
    (tmp_path / SHELL).write_text("1\n")
    enter(bench.chroot, bench.machine.console, bench.target, ["ls"])
    assert (tmp_path / SHELL).read_text() == f"1\n{os.getpid()}\n"


def test_nothing_of_our_environment_but_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "TOKEN", "hunter2")
    seen = environment(Path("/rootfs"), "vt220")
    assert (seen["TERM"], seen["PS1"], seen["debian_chroot"]) == ("vt220", "(rootfs) # ", "rootfs")
    assert "hunter2" not in str(seen)
    assert environment(Path("/rootfs"), None)["TERM"] == "dumb"


def test_the_volumes_of_the_installation_of_this_boot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chroot_command, "RUN_DIRECTORY", tmp_path)
    assert known_volumes(TARGET) == ()
    root = Volume(
        device="/dev/vda1",
        format="ext4",
        label="root",
        uuid="1-2",
        path=PurePosixPath("/"),
        mountoptions=("noatime",),
    )
    journal = Journal.new(tmp_path)
    journal.volumes = (root,)
    journal.save()
    assert known_volumes(TARGET) == (root,)
    assert known_volumes(tmp_path) == ()
