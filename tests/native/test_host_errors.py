"""What this machine refuses, asked for real."""

import os
from pathlib import Path

import pytest

from hammer.errors import HostError, KexecRefused, MountFailed, NodeMissing, WipeFailed
from hammer.host import disks
from hammer.host.disks import HostDisks
from hammer.host.mounts import HostMounts
from hammer.host.power import HostPower
from hammer.host.programs import HostPrograms
from tests.native.machine import BZIMAGE, loop_disk, mounted_below, output

NOBODY = 65534


def test_a_partition_that_does_not_appear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disks, "NODE_LIMIT_S", 0.0)
    with loop_disk(tmp_path / "disk", size_mib=8) as disk:
        with pytest.raises(NodeMissing, match="did not appear") as caught:
            HostDisks(HostPrograms()).wait_for(f"{disk.device}p1", on=disk.device)
        assert caught.value.node == f"{disk.device}p1"


def test_a_node_that_is_no_partition_of_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disks, "NODE_LIMIT_S", 0.0)
    with (
        loop_disk(tmp_path / "disk", size_mib=8) as disk,
        loop_disk(tmp_path / "other", size_mib=8) as other,
        pytest.raises(NodeMissing, match="is no partition of"),
    ):
        HostDisks(HostPrograms()).wait_for(other.device, on=disk.device)


def test_a_disk_that_takes_no_zeros(tmp_path: Path) -> None:
    with loop_disk(tmp_path / "disk", size_mib=8) as disk:
        before = disk.sha256()
        output("blockdev", "--setro", disk.device)
        with pytest.raises(WipeFailed, match=disk.device):
            HostDisks(HostPrograms()).clear(disk.device)
        output("blockdev", "--setrw", disk.device)
        assert disk.sha256() == before


def test_a_filesystem_that_is_none(tmp_path: Path) -> None:
    where = tmp_path / "mnt"
    where.mkdir()
    with loop_disk(tmp_path / "disk", size_mib=8) as disk:
        with pytest.raises(MountFailed, match=f"cannot mount {disk.device}"):
            HostMounts(HostPrograms()).mount(disk.device, where, fstype="ext4", options=())
        assert mounted_below(where) == []


def test_kexec_is_refused_to_whom_has_no_right_to_it(tmp_path: Path) -> None:
    """As nobody, in a process of its own, and so on any kernel, with kexec and without."""
    kernel = tmp_path / "vmlinuz"
    kernel.write_bytes(BZIMAGE)
    power = HostPower()
    with kernel.open("rb") as stream:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
                try:
                    power.load_kernel(Path(f"/proc/self/fd/{stream.fileno()}"), None, "quiet")
                except KexecRefused:
                    status = 0
                except HostError:
                    status = 2
            finally:
                os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
