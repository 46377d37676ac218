"""`hammer report` onto a real filesystem on a device."""

import io
import subprocess
import sys
import tarfile
from pathlib import Path

from tests.native.machine import REPOSITORY, loop_disk, mounted_below, output

SIZE_MIB = 16


def report(device: str, *, status: int) -> str:
    """What the command says, on one line."""
    done = subprocess.run(
        [sys.executable, "-m", "hammer", "report", device],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return " ".join(done.stdout.split())


def made(device: str) -> None:
    output("mkfs.ext4", "-q", "-F", device)


def files_on(device: str, where: Path) -> dict[str, bytes]:
    where.mkdir()
    output("mount", "-o", "ro", device, where)
    try:
        return {path.name: path.read_bytes() for path in where.iterdir() if path.is_file()}
    finally:
        output("umount", where)


def test_a_bundle_is_on_the_device_and_nothing_stays_mounted(tmp_path: Path) -> None:
    with loop_disk(tmp_path / "stick", size_mib=SIZE_MIB) as stick:
        made(stick.device)
        said = report(stick.device, status=0)
        assert [each for each in mounted_below(Path("/run")) if "report-" in each] == []
        assert list(Path("/run").glob("report-*")) == []
        found = files_on(stick.device, tmp_path / "mnt")
    ((name, data),) = found.items()
    assert name in said
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tar:
        assert {"failure.json", "block.json", "blkid.txt"} <= set(tar.getnames())
        blkid = tar.extractfile("blkid.txt")
        assert blkid is not None
        assert stick.device.encode() in blkid.read()


def test_a_device_without_a_filesystem_stays_as_it_is(tmp_path: Path) -> None:
    with loop_disk(tmp_path / "stick", size_mib=SIZE_MIB) as stick:
        before = stick.sha256()
        said = report(stick.device, status=2)
        assert stick.sha256() == before
    assert "has no filesystem" in said


def test_a_partitioned_disk_has_its_partitions_named(tmp_path: Path) -> None:
    with loop_disk(tmp_path / "stick", size_mib=SIZE_MIB) as stick:
        output("sgdisk", "--zap-all", "--new=1:0:0", stick.device)
        output("partx", "--update", stick.device)
        said = report(stick.device, status=2)
        assert f"there is {stick.device}p1" in said
        made(f"{stick.device}p1")
        report(f"{stick.device}p1", status=0)


def test_a_mounted_device_is_left_alone(tmp_path: Path) -> None:
    where = tmp_path / "mnt"
    where.mkdir()
    with loop_disk(tmp_path / "stick", size_mib=SIZE_MIB) as stick:
        made(stick.device)
        output("mount", stick.device, where)
        try:
            said = report(stick.device, status=2)
            assert "mounted on" in said
            assert [path.name for path in where.iterdir()] == ["lost+found"]
        finally:
            output("umount", where)


def test_a_read_only_device_is_refused(tmp_path: Path) -> None:
    with loop_disk(tmp_path / "stick", size_mib=SIZE_MIB) as stick:
        made(stick.device)
        subprocess.run(["blockdev", "--setro", stick.device], check=True)
        said = report(stick.device, status=2)
        subprocess.run(["blockdev", "--setrw", stick.device], check=True)
    assert "is read-only" in said
