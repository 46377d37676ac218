"""Paths of the target are resolved inside the target."""

from pathlib import Path, PurePosixPath

import pytest

from hammer.errors import FileFailed
from hammer.host.files import inside, read, write


@pytest.mark.parametrize(
    ("links", "path", "found"),
    [
        ({}, "/etc/fstab", "etc/fstab"),
        ({"etc": "/usr/etc"}, "/etc/fstab", "usr/etc/fstab"),
        ({"etc": "usr/etc"}, "/etc/fstab", "usr/etc/fstab"),
        ({"etc": "../../../usr"}, "/etc/fstab", "usr/fstab"),
        ({"a": "/b", "b": "/c"}, "/a/x", "c/x"),
        ({"vmlinuz": "/boot/vmlinuz-6.1"}, "/vmlinuz", "boot/vmlinuz-6.1"),
        ({}, "/../../etc/passwd", "etc/passwd"),
        ({"out": "/.."}, "/out/etc", "etc"),
    ],
)
def test_inside(tmp_path: Path, links: dict[str, str], path: str, found: str) -> None:
    for name, target in links.items():
        (tmp_path / name).symlink_to(target)
    assert inside(tmp_path, PurePosixPath(path)) == tmp_path / found


def test_a_loop_ends(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(FileFailed, match="too many symbolic links"):
        inside(tmp_path, PurePosixPath("/a"))


def test_a_name_that_no_filesystem_takes(tmp_path: Path) -> None:
    (tmp_path / "boot").mkdir()
    with pytest.raises(FileFailed, match="File name too long"):
        inside(tmp_path, PurePosixPath(f"/boot/{'x' * 300}"))


def test_a_relative_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFailed, match="not an absolute path"):
        inside(tmp_path, PurePosixPath("etc/fstab"))


def test_a_written_file_has_its_mode_and_stays_inside(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "etc").symlink_to(f"{'../' * 20}{outside}")
    write(root, PurePosixPath("/etc/metal/secret"), b"x", mode=0o600)
    assert list(outside.iterdir()) == []
    found = inside(root, PurePosixPath("/etc/metal/secret"))
    assert found.read_bytes() == b"x"
    assert found.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in found.parent.iterdir()] == ["secret"]


def test_a_link_in_the_target_is_followed_in_the_target(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write(tmp_path, PurePosixPath("/link"), b"new", mode=0o644)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_reading(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "d").mkdir()
    assert read(tmp_path, PurePosixPath("/a"), limit_bytes=5) == b"12345"
    assert read(tmp_path, PurePosixPath("/d"), limit_bytes=5) is None
    assert read(tmp_path, PurePosixPath("/none"), limit_bytes=5) is None
    with pytest.raises(FileFailed, match="larger than 4 bytes"):
        read(tmp_path, PurePosixPath("/a"), limit_bytes=4)
