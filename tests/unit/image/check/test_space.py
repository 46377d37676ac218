"""How much room an image needs, and how much a layout gives."""

from pathlib import Path

import pytest

from contract import FilesystemLayout, load
from hammer.image.check.layout_sizes import room, sizes_mib
from hammer.image.check.space import MIB
from tests.images import NAME, Directory, Entries, File, HardLink, Link, packed, tar_of
from tests.unit.image.check.test_rules import checked_files

LAYOUT = """
disks:
  - {device: /dev/sda, partitions: [{number: 1, size: 300}, {number: 2, size: 0}]}
  - {device: /dev/nvme0n1, partitions: [{number: 1, size: 500}, {number: 2, size: 700}]}
raid: [{arrayname: /dev/md0, devices: [/dev/sda1, /dev/nvme0n1p1], level: "%s"}]
volumegroups: [{name: vg, devices: [/dev/nvme0n1p2]}, {name: rest, devices: [/dev/sda2]}]
logicalvolumes:
  - {name: one, volumegroup: vg, size: 200, lvmtype: linear}
  - {name: two, volumegroup: vg, size: 0, lvmtype: linear}
  - {name: all, volumegroup: rest, size: 0, lvmtype: linear}
filesystems:
  - {path: /, device: /dev/vg/two, format: ext4}
  - {path: /srv, device: /dev/md0, format: ext4}
  - {path: /tmp, device: tmpfs, format: tmpfs}
"""


def layout(level: int) -> FilesystemLayout:
    return load(FilesystemLayout, (LAYOUT % level).encode(), name="layout")


def test_sizes_that_the_layout_says() -> None:
    assert sizes_mib(layout(1), disk_mib=None) == {
        "/dev/sda": None,
        "/dev/sda1": 300,
        "/dev/sda2": None,
        "/dev/nvme0n1": None,
        "/dev/nvme0n1p1": 500,
        "/dev/nvme0n1p2": 700,
        "/dev/md0": 300,
        "/dev/vg/one": 200,
        "/dev/vg/two": 500,
        "/dev/rest/all": None,
    }


def test_sizes_that_the_disk_decides() -> None:
    sizes = sizes_mib(layout(0), disk_mib=1000)
    assert (sizes["/dev/sda2"], sizes["/dev/rest/all"], sizes["/dev/md0"]) == (698, 698, 800)


def test_a_mirrored_volume_takes_its_size_twice() -> None:
    text = b"""
disks: [{device: /dev/sda}, {device: /dev/sdb}]
volumegroups: [{name: vg, devices: [/dev/sda, /dev/sdb]}]
logicalvolumes:
  - {name: one, volumegroup: vg, size: 200, lvmtype: raid1}
  - {name: two, volumegroup: vg, size: 0}
filesystems: [{path: /, device: /dev/vg/two, format: ext4}]
"""
    found = load(FilesystemLayout, text, name="layout")
    assert sizes_mib(found, disk_mib=700)["/dev/vg/two"] == 1000


@pytest.mark.parametrize("options", [("-N", "99"), ("-N99",), ("-i", "4096"), ("-T", "news")])
def test_inodes_that_mkfs_is_told_are_not_guessed(options: tuple[str, ...]) -> None:
    assert room(1000, format="ext4", createoptions=options).inodes is None
    assert room(1000, format="ext4", createoptions=("-F", "-m", "0")).inodes == 64_000


def test_vfat_has_no_inodes() -> None:
    found = room(100, format="vfat", createoptions=())
    assert found.inodes is None
    assert 99 * MIB < found.bytes < 100 * MIB


def needs(entries: Entries, folder: Path, *, text: str | None = None) -> list[str]:
    """What is said of room, for each mount point."""
    content = packed(tar_of(entries))
    report = checked_files(folder, content, {}, name=NAME, layout=text)
    return [each.text for each in report.findings if each.rule.id in ("space", "layout-unknown")]


HALF = File(bytes(MIB // 2))


@pytest.mark.parametrize(
    ("entries", "mib", "inodes"),
    [
        ({"a": File(bytes(MIB))}, 2, 2),
        ({"a": HALF, "b": HALF}, 2, 3),
        # One inode under two names, and a hole that takes nothing.
        ({"a": HALF, "b": HardLink("a")}, 1, 2),
        ({"a": File(pax={"GNU.sparse.map": f"{MIB},0", "GNU.sparse.size": str(MIB)})}, 1, 2),
        # 250 blocks beside the two directories, each for a link that is not in its inode.
        ({"d": Directory(), **{f"d/{i}": Link("x" * 60) for i in range(250)}}, 1, 252),
        ({"d": Directory(), **{f"d/{i}": Link("x" * 60) for i in range(255)}}, 2, 257),
        ({"d": Directory(), **{f"d/{i}": Link("x" * 59) for i in range(255)}}, 1, 257),
    ],
)
def test_what_files_take(entries: Entries, mib: int, inodes: int, tmp_path: Path) -> None:
    assert needs(entries, tmp_path) == [f"all of it takes {mib} MiB and {inodes} inodes"]


def test_each_mount_point_has_its_own(tmp_path: Path) -> None:
    entries: Entries = {
        "srv/a": File(bytes(3 * MIB)),
        "srv2/a": b"",
        "tmp/a": b"",
        "b": File(bytes(MIB)),
    }
    first, second = needs(entries, tmp_path, text=LAYOUT % 1)
    assert first.startswith("/ needs 2 MiB and 6 inodes, and holds about ")
    assert second.startswith("/srv needs 4 MiB and 2 inodes, and holds about ")
