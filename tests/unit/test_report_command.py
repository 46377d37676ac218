"""`hammer report`: to a server, to a device, as text."""

import io
import os
import subprocess
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest

from hammer import bundle, cmdline
from hammer.bundle import Bundle
from hammer.commands import main
from hammer.errors import ArgumentInvalid, FileFailed, UnmountBusy
from hammer.host.stick import check_stick, write_to_stick
from hammer.shell import report_command
from tests.servers import Status, Then, serve
from tests.unit.documents import DOCUMENT
from tests.unit.fakes import RecordedDisks, RecordedMounts, RecordedPrograms

DATA = bytes(range(256)) * 100
BUNDLE = Bundle(name="hammer-x-20261120T160000Z.tar.gz", data=DATA, left_out=())


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with no programs, a command line of its own, and a run in `tmp_path`."""
    monkeypatch.setattr(bundle, "RUN_DIRECTORY", tmp_path)
    monkeypatch.setattr(
        bundle, "sources_here", lambda: bundle.Sources(run=tmp_path, programs=RecordedPrograms([]))
    )
    (tmp_path / "cmdline").write_text("quiet")
    monkeypatch.setattr(cmdline, "PROC_CMDLINE", tmp_path / "cmdline")


def members(data: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tar:
        return tar.getnames()


# --- a server -------------------------------------------------------------------------------


def test_a_server_gets_the_bundle(capsys: pytest.CaptureFixture[str]) -> None:
    with serve({"/r": Then(Status(503), Status(201))}) as server:
        assert main(["report", server.url("/r?key=hunter2")]) == 0
    request = server.requests[-1]
    assert "failure.json" in members(request.body)
    assert request.headers["content-type"] == "application/gzip"
    assert "hammer-" in request.headers["content-disposition"]
    said = " ".join(capsys.readouterr().out.split())
    assert "has it (HTTP status 201)" in said
    assert "hunter2" not in said


def test_the_server_of_the_command_line_is_the_default(tmp_path: Path) -> None:
    with serve({"/r": Status(200)}) as server:
        # Refused by the agent, and no reason to keep what it knows for itself.
        (tmp_path / "cmdline").write_text(f"hammer.spek=x hammer.report={server.url('/r')}\n")
        assert main(["report"]) == 0
    assert server.asked("/r") == 1


def test_a_server_that_does_not_take_it(capsys: pytest.CaptureFixture[str]) -> None:
    with serve({"/r": Status(403)}) as server:
        assert main(["report", server.url("/r")]) == 40
    assert server.asked("/r") == report_command.ATTEMPTS
    said = capsys.readouterr().out
    assert "FAILED [report-undelivered]" in said
    assert "403" in said


@pytest.mark.parametrize("url", ["ftp://me:hunter2@10.0.0.1/x", "file:///mnt/x?hunter2"])
def test_a_url_that_nothing_can_be_sent_to(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", url]) == 2
    said = capsys.readouterr().out
    assert "[argument-invalid]" in said
    assert "is no http or https URL" in said
    assert "hunter2" not in said


@pytest.mark.parametrize("words", [["report"], ["report", "--console", "/dev/sdb1"]])
def test_nowhere_and_twice(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert "FAILED [argument-invalid]" in capsys.readouterr().out


# --- the console ----------------------------------------------------------------------------


@pytest.mark.programs
def test_the_text_becomes_the_file_again_as_it_says(tmp_path: Path) -> None:
    text = report_command.as_text(BUNDLE)
    assert max(map(len, text.splitlines())) <= 80
    command = " ".join(
        line for line in text.splitlines() if line.startswith("  sed") or "-di" in line
    )
    # A log of a serial console: other lines around, and a carriage return in each.
    log = f"before\n{text}after\n".replace("\n", "\r\n")
    (tmp_path / "LOG").write_bytes(log.encode())
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True)
    assert (tmp_path / "bundle.tar.gz").read_bytes() == DATA
    assert sha256(DATA).hexdigest() in text


def test_the_console_gets_a_fresh_bundle(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "--console"]) == 0
    assert "-----END HAMMER BUNDLE-----" in capsys.readouterr().out
    assert "failure.json" in members((tmp_path / "bundle.tar.gz").read_bytes())


# --- a device -------------------------------------------------------------------------------


class Stick(RecordedPrograms):
    """blkid that finds a filesystem, or none."""

    def __init__(self, fstype: str) -> None:
        super().__init__([])
        self.fstype = fstype

    def run(self, *args: object, **_: object) -> str:
        return f"{self.fstype}\n"


@pytest.fixture
def block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """sysfs with sdb and its partition sdb1, sda2 and an array md0 on it."""
    devices, links = tmp_path / "devices", tmp_path / "block"
    for name in ("sdb", "sdb/sdb1", "sda", "sda/sda2", "md0", "md0/slaves"):
        (devices / name).mkdir(parents=True)
        (devices / name / "ro").write_text("0\n")
    for name in ("sdb/sdb1", "sda/sda2"):
        (devices / name / "partition").write_text("1\n")
    (devices / "md0/slaves/ro").unlink()
    (devices / "md0/slaves/sda2").symlink_to(devices / "sda/sda2")
    links.mkdir()
    for name in ("sdb", "sdb/sdb1", "sda", "sda/sda2", "md0"):
        (links / Path(name).name).symlink_to(devices / name)
    # Every path is a block device here, and none is opened.
    monkeypatch.setattr("stat.S_ISBLK", lambda mode: True)
    monkeypatch.setattr(Path, "stat", lambda self, **_: os.stat_result([0] * 10))
    return links


def checked(
    device: str, block: Path, *, fstype: str = "vfat", disks: RecordedDisks | None = None
) -> str:
    return check_stick(
        device,
        programs=Stick(fstype),
        disks=disks or RecordedDisks([]),
        keep_off=["/dev/sda"],
        block=block,
    )


def test_a_partition_with_a_filesystem(block: Path) -> None:
    assert checked("/dev/sdb1", block) == "vfat"
    assert checked("/dev/sdb", block, fstype="ext4") == "ext4"


@pytest.mark.parametrize(
    ("device", "fstype", "why"),
    [
        ("/dev/sda", "vfat", "names /dev/sda"),
        ("/dev/sda2", "ext4", "names /dev/sda"),
        ("/dev/md0", "ext4", "names /dev/sda"),
        ("/dev/sdb1", "", "has no filesystem; one of vfat, ext4"),
        ("/dev/sdb1", "iso9660", "has iso9660; one of"),
    ],
)
def test_a_device_that_is_refused(device: str, fstype: str, why: str, block: Path) -> None:
    with pytest.raises(ArgumentInvalid, match=why):
        checked(device, block, fstype=fstype)


def test_a_device_in_use_is_refused(block: Path) -> None:
    disks = RecordedDisks([])
    disks.in_use = [("/dev/sdb1", "mounted on /mnt")]
    with pytest.raises(ArgumentInvalid, match="/dev/sdb1 is mounted on /mnt"):
        checked("/dev/sdb", block, disks=disks)


def test_a_read_only_device_is_refused(block: Path) -> None:
    (block / "sdb1/ro").write_text("1\n")
    with pytest.raises(ArgumentInvalid, match="is read-only"):
        checked("/dev/sdb1", block)


@pytest.mark.parametrize("device", ["/dev/null", "/etc/passwd", "/no/such/device"])
def test_what_is_no_device_is_refused(device: str, tmp_path: Path) -> None:
    with pytest.raises(ArgumentInvalid):
        checked(device, tmp_path)


def test_the_disks_of_the_layout_are_kept_off(tmp_path: Path) -> None:
    assert report_command.disks_of_the_layout() == ()
    (tmp_path / "machine.yaml").write_text(DOCUMENT)
    assert report_command.disks_of_the_layout() == ("/dev/vda",)


def test_the_file_is_written_between_mount_and_unmount(tmp_path: Path) -> None:
    log: list[str] = []
    seen: list[bytes] = []

    class Mounts(RecordedMounts):
        def unmount(self, where: Path) -> None:
            super().unmount(where)
            seen.extend(each.read_bytes() for each in where.iterdir())
            (where / BUNDLE.name).unlink()  # as if another directory came to light

    write_to_stick("/dev/sdb1", "vfat", BUNDLE.name, DATA, mounts=Mounts(log), mount_below=tmp_path)
    assert seen == [DATA]
    assert [line.split()[0] for line in log] == ["mount", "umount"]
    assert list(tmp_path.glob("report-*")) == []


def test_a_device_that_is_full_is_left_without_half_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    mounts = RecordedMounts([])
    mounts.unmount = lambda where: where.rmdir()  # type: ignore[method-assign]
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(FileFailed, match="No space left"):
        write_to_stick("/dev/sdb1", "vfat", "x", DATA, mounts=mounts, mount_below=tmp_path)
    assert list(tmp_path.glob("report-*")) == []


def test_a_file_that_is_there_is_kept_and_what_stays_mounted_is_told(tmp_path: Path) -> None:
    class Busy(RecordedMounts):
        def mount(self, source: str, where: Path, **_: object) -> None:
            (where / "x").write_bytes(b"older")

        def unmount(self, where: Path) -> None:
            raise UnmountBusy(where=str(where), culprits=("process 7 (sleep)",))

    with pytest.raises(FileFailed, match="File exists") as caught:
        write_to_stick("/dev/sdb1", "vfat", "x", DATA, mounts=Busy([]), mount_below=tmp_path)
    assert "process 7 (sleep)" in caught.value.__notes__[0]
    assert [each.read_bytes() for each in tmp_path.glob("report-*/x")] == [b"older"]
