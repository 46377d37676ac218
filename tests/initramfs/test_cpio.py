"""The archive: what the kernel, or another cpio, reads from it."""

import io
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from initramfs import cpio
from tests.initramfs.archives import records

BUSYBOX = shutil.which("busybox")


def written(*entries: cpio.Entry, mtime_s: int = 7) -> bytes:
    out = io.BytesIO()
    cpio.write(out, entries, mtime_s=mtime_s)
    return out.getvalue()


def some_tree(folder: Path) -> Path:
    (folder / "b").mkdir(parents=True)
    (folder / "b-side").write_bytes(b"after the folder and all that is in it\n")
    (folder / "b/program").write_bytes(b"#!/bin/sh\n")
    (folder / "b/program").chmod(0o700)
    (folder / "b/data").write_bytes(bytes(range(256)) * 33)
    (folder / "a").symlink_to("b/program")
    return folder


def test_a_tree_is_read_back(tmp_path: Path) -> None:
    read = records(written(*cpio.entries_of(some_tree(tmp_path))))
    assert list(read) == ["a", "b", "b/data", "b/program", "b-side"]
    assert read["a"].content == b"b/program"
    assert stat.S_ISLNK(read["a"].mode)
    assert stat.S_ISDIR(read["b"].mode)
    assert read["b/data"].content == bytes(range(256)) * 33
    assert {record.owner for record in read.values()} == {(0, 0)}
    assert {record.mtime_s for record in read.values()} == {7}


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o000])
def test_modes_do_not_depend_on_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        tree = some_tree(tmp_path / "tree")
    finally:
        os.umask(before)
    read = records(written(*cpio.entries_of(tree)))
    modes = {name: read[name].permissions for name in ("b", "b/data", "b/program")}
    assert modes == {"b": 0o755, "b/data": 0o644, "b/program": 0o755}


def test_a_device_node() -> None:
    console = cpio.Entry(name="dev/console", mode=stat.S_IFCHR | 0o600, device=(5, 1))
    read = records(written(console))["dev/console"]
    assert stat.S_ISCHR(read.mode)
    assert read.permissions == 0o600
    assert read.device == (5, 1)


@pytest.mark.parametrize("length", range(5))
def test_names_and_contents_of_all_lengths_are_aligned(length: int) -> None:
    name, content = "n" * (length + 1), b"c" * length
    entry = cpio.Entry(name=name, mode=stat.S_IFREG | 0o644, content=content)
    after = cpio.Entry(name="after", mode=stat.S_IFREG | 0o644, content=b"word")
    archive = written(entry, after)
    assert len(archive) % 4 == 0
    assert {name: record.content for name, record in records(archive).items()} == {
        name: content,
        "after": b"word",
    }


@pytest.mark.programs
@pytest.mark.skipif(BUSYBOX is None, reason="no busybox to read the archive with")
def test_another_program_reads_the_same(tmp_path: Path) -> None:
    assert BUSYBOX is not None
    tree, out = some_tree(tmp_path / "tree"), tmp_path / "out"
    out.mkdir()
    subprocess.run(
        [BUSYBOX, "cpio", "-idm"], input=written(*cpio.entries_of(tree)), cwd=out, check=True
    )
    assert (out / "a").readlink() == Path("b/program")
    for name in ("b/program", "b/data", "b-side"):
        assert (out / name).read_bytes() == (tree / name).read_bytes()
    assert (out / "b/program").stat().st_mode & 0o777 == 0o755
    assert (out / "b/data").stat().st_mtime == 7
