"""A system that can be entered."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.native.chroot.installed import Installed, make_filesystem, plant, system_files
from tests.native.machine import loop_disk


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
