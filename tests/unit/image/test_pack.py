"""Packing: what is refused, what is written, and that nothing is left half."""

import gzip
import hashlib
import io
import os
import signal
import tarfile
from collections.abc import Callable
from pathlib import Path

import lz4.frame
import pytest

from hammer.__main__ import main
from hammer.errors import FileFailed, Interrupted, ProgramFailed, TreeUnusable
from hammer.host.programs import HostPrograms
from hammer.image import pack as packing
from hammer.image.pack import Packed, pack

STATUS = "Package: bash\nStatus: install ok installed\nVersion: 5.2\nArchitecture: amd64\n"
FILES = {"./etc/hostname": b"demo\n", "./usr/bin/sh": b"\x7fELF", "./tmp/left": b"over"}


def archive(files: dict[str, bytes], *, folders: tuple[str, ...] = ("./etc", "./usr")) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for folder in folders:
            member = tarfile.TarInfo(folder)
            member.type, member.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(member)
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return file.getvalue()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A root filesystem, as little of one as passes for it."""
    tree = tmp_path / "tree"
    for folder in ("etc", "usr/bin", "var/lib/dpkg", "proc/1", "tmp", "dev", "run/lock", "sys"):
        (tree / folder).mkdir(parents=True)
    (tree / "etc/hostname").write_text("demo\n")
    (tree / "proc/1/status").write_text("of the build machine")
    (tree / "tmp/left").write_text("over")
    (tree / "usr/bin/tmp").mkdir()
    (tree / "usr/bin/tmp/kept").write_text("a tmp further down is content")
    (tree / "var/lib/dpkg/status").write_text(STATUS)
    return tree


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def packed(tree: Path, out: Path, *, say: Callable[[str], None] = lambda _: None) -> Packed:
    return pack(tree, out, programs=HostPrograms(), say=say)


def tar_of(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "root.tar"
    path.write_bytes(content)
    return path


def test_an_archive_is_packed_byte_for_byte(tmp_path: Path, out: Path) -> None:
    content = archive(FILES)
    result = packed(tar_of(tmp_path, content), out)
    image = out / "img.tar.lz4"
    assert lz4.frame.decompress(image.read_bytes()) == content
    md5 = hashlib.md5(image.read_bytes()).hexdigest()
    assert (out / "img.tar.lz4.md5").read_text() == f"{md5}  img.tar.lz4\n"
    assert result == Packed(
        image=image,
        digest=out / "img.tar.lz4.md5",
        packages=None,
        md5=md5,
        size_bytes=image.stat().st_size,
        unpacked_bytes=len(content),
        members=5,
    )


def test_a_frame_has_a_checksum_of_its_content(tmp_path: Path, out: Path) -> None:
    result = packed(tar_of(tmp_path, archive(FILES)), out)
    assert lz4.frame.get_frame_info(result.image.read_bytes())["content_checksum"]


def test_the_database_of_dpkg_is_found_on_the_way(tmp_path: Path, out: Path) -> None:
    files = {"./etc/x": os.urandom(3_000_000), "./var/lib/dpkg/status": STATUS.encode(), **FILES}
    result = packed(tar_of(tmp_path, archive(files)), out)
    assert result.packages == out / "packages.txt"
    assert "ii  bash 5.2" in result.packages.read_text()


def test_without_dpkg_the_list_of_another_image_does_not_stay(tmp_path: Path, out: Path) -> None:
    (out / "packages.txt").write_text("of the image before")
    said: list[str] = []
    packed(tar_of(tmp_path, archive(FILES)), out, say=said.append)
    assert not (out / "packages.txt").exists()
    assert said[-1] == "no var/lib/dpkg/status in it: no packages.txt"


def test_out_can_name_the_image(tmp_path: Path, out: Path) -> None:
    packed(tar_of(tmp_path, archive(FILES)), out / "debian")
    assert sorted(path.name for path in out.iterdir()) == ["debian.tar.lz4", "debian.tar.lz4.md5"]
    assert (out / "debian.tar.lz4.md5").read_text().endswith("  debian.tar.lz4\n")


@pytest.mark.programs
def test_of_a_directory_the_running_systems_folders_stay_empty(tree: Path, out: Path) -> None:
    result = packed(tree, out)
    assert result.packages is not None
    with tarfile.open(fileobj=io.BytesIO(lz4.frame.decompress(result.image.read_bytes()))) as tar:
        names = tar.getnames()
        assert all(tar.getmember(name).mtime > 0 for name in names)
    assert {"./proc", "./sys", "./dev", "./run", "./tmp"} <= set(names)
    assert {"./proc/1", "./run/lock", "./tmp/left"}.isdisjoint(names)
    assert {"./etc/hostname", "./usr/bin/tmp/kept"} <= set(names)
    assert names == sorted(names, key=lambda name: name.split("/"))


@pytest.mark.programs
def test_the_same_tree_gives_the_same_bytes(tree: Path, out: Path) -> None:
    first = packed(tree, out / "one")
    (tree / "etc/hostname").read_text()  # a time of access is not part of the tree
    assert packed(tree, out / "two").md5 == first.md5


BIG = archive({"./etc/x": bytes(5_000_000)})
MIDDLE = 1_000_960
HEADER_OF_ETC_HOSTNAME = 1024


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "cannot be read as a tar archive: empty file"),
        (b"no tar at all" * 100, "cannot be read as a tar archive: "),
        (BIG[:MIDDLE], "cannot be read as a tar archive: unexpected end of data"),
        (BIG[: 1024 + 512 + 5_000_192], "is cut off or damaged at byte 5001728"),
        (
            archive(FILES)[:HEADER_OF_ETC_HOSTNAME]
            + b"x" * 512
            + archive(FILES)[HEADER_OF_ETC_HOSTNAME + 512 :],
            "is cut off or damaged at byte 1024",
        ),
        (archive(FILES, folders=("./etc",))[:512] + bytes(1024), "has no etc/ or no usr/"),
    ],
    ids=["empty", "text", "cut in a file", "no end mark", "bad header", "not a root"],
)
def test_a_bad_archive_is_refused_and_nothing_is_left(
    content: bytes, reason: str, tmp_path: Path, out: Path
) -> None:
    path = tar_of(tmp_path, content)
    with pytest.raises(TreeUnusable) as caught:
        packed(path, out)
    assert reason in str(caught.value)
    assert str(path) in str(caught.value)
    assert list(out.iterdir()) == []


@pytest.mark.programs
def test_a_failing_tar_leaves_what_was_there(
    tree: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (out / "img.tar.lz4").write_bytes(b"old")
    (out / "img.tar.lz4.md5").write_text("digest of the old")
    # tar packs everything, then finds an argument missing and leaves with 2.
    monkeypatch.setattr(packing, "TAR_OPTIONS", (*packing.TAR_OPTIONS, "-C", tree, "lacking"))
    with pytest.raises(ProgramFailed, match="left with status 2"):
        packed(tree, out)
    assert (out / "img.tar.lz4").read_bytes() == b"old"
    assert sorted(path.name for path in out.iterdir()) == ["img.tar.lz4", "img.tar.lz4.md5"]


def test_a_full_disk_names_the_image_and_leaves_nothing(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: object, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(packing._Packing, "_write", full)
    with pytest.raises(FileFailed, match=r"img\.tar\.lz4: No space left on device"):
        packed(tar_of(tmp_path, archive(FILES)), out)
    assert list(out.iterdir()) == []


def test_what_is_no_root_filesystem_is_refused(tmp_path: Path, tree: Path, out: Path) -> None:
    (tmp_path / "home").mkdir()
    for wrong, to, message in (
        (tmp_path / "nowhere", out, "nowhere: does not exist"),
        (tmp_path / "home", out, "home: is no root filesystem: it has no etc/ and no usr/"),
        (tree, tmp_path / "nowhere" / "img", "nowhere: is not a directory to pack into"),
        (tree, tree / "img", "img.tar.lz4: is in the tree that it would be packed from"),
        (tree, tree / "etc", "etc/img.tar.lz4: is in the tree that it would be packed from"),
    ):
        with pytest.raises(TreeUnusable) as caught:
            packed(wrong, to)
        assert str(caught.value).endswith(message)
        assert caught.value.exit_status == 20


@pytest.mark.parametrize("where", ["file", "file/below"])
def test_a_place_that_is_no_directory(
    where: str, tmp_path: Path, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert main(["image", "pack", str(tree), "--out", str(tmp_path / where)]) == 2
    assert "FAILED [argument-invalid]\n  --out:" in capsys.readouterr().out


def test_an_archive_that_is_packed_already_is_named(tmp_path: Path, out: Path) -> None:
    for compress, name in ((gzip.compress, "gzip"), (lz4.frame.compress, "an lz4 frame")):
        with pytest.raises(TreeUnusable, match=rf"\(this is {name}\)$"):
            packed(tar_of(tmp_path, compress(archive(FILES))), out)


def test_a_signal_leaves_nothing(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(self: object) -> None:
        assert list(out.iterdir())
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(packing._Packing, "run", stopped)
    tree = str(tar_of(tmp_path, archive(FILES)))
    assert main(["image", "pack", tree, "--out", str(out)]) == Interrupted.exit_status
    assert "FAILED [interrupted]" in capsys.readouterr().out
    assert list(out.iterdir()) == []
