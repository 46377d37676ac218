"""A torture tree, written by every archiver in every format, and what GNU tar makes of it.

On ext4, compared are all that lstat(2) tells, link targets, extended attributes (ACLs and
capabilities among them), contents, and where files have holes.
"""

import os
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.images import packed
from tests.manifest import data_segments, differences, manifest
from tests.native.stream.conftest import Disk
from tests.native.stream.unpacking import install_content

EXT4 = ("mkfs.ext4", "-q", "-F", "-I", "256", "-b", "4096")
# CAP_NET_BIND_SERVICE, effective and permitted, for the user namespace of uid 1000:
# VFS_CAP_REVISION_3 of linux/capability.h, as newuidmap's packages have it.
CAPABILITY_3 = bytes.fromhex("01000003 00040000 00000000 00000000 00000000 e8030000")
CAPABILITY_2 = bytes.fromhex("01000002 00200000 00000000 00000000 00000000")
S = 10**9


@dataclass(frozen=True)
class Writer:
    """Makes an archive of `tree`, and then appends to it what the later trees change."""

    name: str
    write: Callable[[Path, list[Path]], bytes]
    paths: int = 71
    """How many there must be in the end: old formats leave out what they cannot say."""
    attributes: bool = False
    """Whether it has extended attributes and ACLs."""
    sparse: bool = False
    """Whether it has files with holes."""


# --- the tree ----------------------------------------------------------------------------------


def plant(top: Path) -> None:
    """One of everything that a filesystem can hold."""
    for name in ("etc", "bin", "closed/below", "acl", "times", "names", "sparse", "dev", "turn"):
        (top / name).mkdir(parents=True)
    _plant_modes(top)
    _plant_names(top / "names")
    _plant_sparse(top / "sparse")
    _plant_attributes(top)
    _plant_times(top)
    # Last, because chown takes setuid away, and children change their directory.
    (top / "closed/below").chmod(0o0500)
    (top / "closed").chmod(0o0555)


def _plant_modes(top: Path) -> None:
    for number, mode in enumerate((0o4755, 0o2755, 0o6711, 0o1644, 0o000, 0o777, 0o4000)):
        file = top / f"bin/{mode:04o}"
        file.write_bytes(os.urandom(number * 3000))
        os.chown(file, number * 1000, number)
        file.chmod(mode)
    (top / "bin/large-ids").write_bytes(b"x")
    os.chown(top / "bin/large-ids", 3_000_000, 4_000_000_000)
    (top / "closed/below/f").write_bytes(b"closed")
    (top / "bin/hard-1").hardlink_to(top / "bin/4755")
    (top / "closed/hard-2").hardlink_to(top / "bin/4755")
    (top / "link").symlink_to("bin/4755")
    (top / "link-twice").hardlink_to(top / "link")
    os.chown(top / "link", 12, 13, follow_symlinks=False)
    os.mknod(top / "dev/char", 0o020620, os.makedev(1, 3))
    os.mknod(top / "dev/block", 0o060660, os.makedev(259, 300))
    os.mkfifo(top / "dev/fifo")
    (top / "dev/fifo").chmod(0o622)
    (top / "dev/char-again").hardlink_to(top / "dev/char")


def _plant_names(top: Path) -> None:
    long = top / "/".join(["a-directory-of-thirty-letters."] * 4)
    long.mkdir(parents=True)
    (long / ("f" * 255)).write_bytes(b"long name")
    (long / ("f" * 255)).chmod(0o640)
    (top / "to-long").hardlink_to(long / ("f" * 255))
    (top / ("n" * 93)).write_bytes(b"99 bytes of path, and 100 behind ./")
    (top / ("n" * 94)).write_bytes(b"a byte more")
    (top / "target-100").symlink_to("t" * 100)
    (top / "target-101").symlink_to("t" * 101)
    (top / "target-4000").symlink_to("u/" * 2000)
    names = (b"caf\xe9", b"\xff\xfe", "grüße".encode(), b"new\nline", b"tab\t", b"back\\slash")
    more = (b" blank", b"blank ", b"*?[a]", b"-dash", b"=equals", b'"quoted"', b"a=b\nc")
    for name in (*names, *more):
        (top / os.fsdecode(name)).write_bytes(name)


def _plant_sparse(top: Path) -> None:
    """Data of 4 KiB at some places: extents fit into a header (4), one more block (21), or not."""
    block = 64 << 10
    for name, places, size in (
        ("nothing", (), 1 << 20),
        ("end", (0,), 5 << 20),
        ("begin", (3 << 20,), (3 << 20) + 4096),
        ("four", range(0, 4 * block, block), 4 * block),
        ("many", range(block, 70 * block, block), 70 * block + 1),
    ):
        with (top / name).open("wb") as file:
            for at in places:
                file.seek(at)
                file.write(b"%d" % at * 400)
            file.truncate(size)


def _plant_attributes(top: Path) -> None:
    # Lists of GNU tar have the names of the machine that packed, and those are looked up here.
    (top / "etc/passwd").write_bytes(b"root:x:0:0::/root:/bin/sh\n")
    for name, capability in (("cap2", CAPABILITY_2), ("cap3", CAPABILITY_3)):
        file = top / f"bin/{name}"
        file.write_bytes(os.urandom(5000))
        os.chown(file, 1000, 1000)
        file.chmod(0o755)
        os.setxattr(file, "security.capability", capability)
    os.setxattr(top / "bin/cap2", "user.binary", bytes(range(256)))
    os.setxattr(top / "bin/cap2", "user.empty", b"")
    os.setxattr(top / "bin/cap2", "user.a.b-c", b"=\n")
    os.setxattr(top / "acl", "trusted.directory", b"kept")
    os.setxattr(top / "link", "trusted.of-a-link", b"kept", follow_symlinks=False)
    (top / "acl/f").write_bytes(b"x")
    for acl, name in (
        ("u:1234:rw,g:77:r,m::rw", "acl/f"),
        ("u:1234:rwx,d:u:1234:rx,d:g:77:rwx", "acl"),
        ("u:0:---", "closed/below"),
    ):
        subprocess.run(["setfacl", "-m", acl, str(top / name)], check=True)


def _plant_times(top: Path) -> None:
    for name, time_ns in (
        ("nano", 1_600_000_000 * S + 123_456_789),
        ("before-1970", -86_400 * S + S // 4),
        ("after-2038", (1 << 32) * S + 5),
        ("after-2242", 9_000_000_000 * S),  # beyond eleven octal digits
        ("zero", 0),
    ):
        (top / "times" / name).write_bytes(name.encode())
        os.utime(top / "times" / name, ns=(time_ns, time_ns))
    os.utime(top / "link", ns=(77, 77 * S + 7), follow_symlinks=False)
    for folder in ("bin", "acl", "times", "names", "dev"):
        os.utime(top / folder, ns=(S, 1_500_000_000 * S + len(folder)))


def change(first: Path, second: Path) -> None:
    """What later members replace: a hard link's name, a directory by a link, a link by a file."""
    (first / "bin/old").write_bytes(b"replaced later, and kept by its other name")
    (first / "bin/of-old").hardlink_to(first / "bin/old")
    (first / "turn-1").mkdir()
    (first / "turn-2").symlink_to("bin")
    (second / "bin").mkdir(parents=True)
    (second / "bin/old").write_bytes(b"new")
    (second / "bin").chmod(0o750)
    (second / "turn-1").symlink_to("turn")
    (second / "turn-2").write_bytes(b"no link any more")


def change_back(third: Path) -> None:
    (third / "turn-1").mkdir(parents=True, mode=0o2770)
    (third / "turn-1/f").write_bytes(b"in a directory again")
    (third / "turn-1/f").chmod(0o4700)
    (third / "turn-1").chmod(0o2770)
    (third / "turn-2").symlink_to("turn-1")


# --- the writers -------------------------------------------------------------------------------


def gnu_tar(*options: str) -> Callable[[Path, list[Path]], bytes]:
    return _program("tar", "--numeric-owner", "--sort=name", *options)


def bsdtar(*options: str) -> Callable[[Path, list[Path]], bytes]:
    return _program("bsdtar", *options)


def _program(*argv: str) -> Callable[[Path, list[Path]], bytes]:
    # GNU tar writes global headers at the beginning alone, and else nothing at all.
    once = [option for option in argv if option in (GLOBAL, LABEL)]
    argv = tuple(option for option in argv if option not in once)

    def write(archive: Path, trees: list[Path]) -> bytes:
        for tree in trees:
            mode = ["-rf"] if archive.exists() else [*once, "-cf"]
            # What a format cannot say is left out, and told by the exit status.
            subprocess.run(
                [*argv, *mode, str(archive), "-C", str(tree), "."],
                env={**os.environ, "LC_ALL": "C.UTF-8"},
                stderr=subprocess.DEVNULL,
                check=False,
            )
        return archive.read_bytes()

    return write


def python(format: int) -> Callable[[Path, list[Path]], bytes]:
    def write(archive: Path, trees: list[Path]) -> bytes:
        for tree in trees:
            with tarfile.open(
                archive,
                "a" if archive.exists() else "w",
                format=format,
                pax_headers={"comment": "for all of them", "gname": "everybody"},
                errors="surrogateescape",
            ) as out:
                for path in (tree, *sorted(tree.rglob("*"))):
                    try:
                        out.add(path, str(path.relative_to(tree)), recursive=False)
                    except ValueError:  # the format cannot say it
                        continue
        return archive.read_bytes()

    return write


ATTRIBUTES = ("--xattrs", "--xattrs-include=*", "--acls")
LABEL = "--label=a label"
GLOBAL = "--pax-option=comment=for all of them,gname=everybody"
WRITERS = (
    Writer("GNU v7", gnu_tar("--format=v7"), paths=59),
    Writer("GNU oldgnu", gnu_tar("--format=oldgnu")),
    Writer("GNU oldgnu sparse", gnu_tar("--format=oldgnu", "--sparse"), sparse=True),
    Writer("GNU ustar", gnu_tar("--format=ustar"), paths=67),
    Writer("GNU gnu", gnu_tar("--format=gnu", LABEL)),
    Writer("GNU gnu sparse", gnu_tar("--format=gnu", "--sparse"), sparse=True),
    Writer("GNU posix", gnu_tar("--format=posix", *ATTRIBUTES), attributes=True),
    Writer("GNU posix global", gnu_tar("--format=posix", *ATTRIBUTES, GLOBAL), attributes=True),
    *(
        Writer(
            f"GNU posix sparse {version}",
            gnu_tar("--format=posix", *ATTRIBUTES, "--sparse", f"--sparse-version={version}"),
            attributes=True,
            sparse=True,
        )
        for version in ("0.0", "0.1", "1.0")
    ),
    Writer("bsdtar v7", bsdtar("--format=v7"), paths=56),
    Writer("bsdtar ustar", bsdtar("--format=ustar"), paths=65),
    Writer("bsdtar gnutar", bsdtar("--format=gnutar")),
    Writer("bsdtar pax", bsdtar("--format=pax"), attributes=True, sparse=True),
    Writer("bsdtar paxr", bsdtar("--format=paxr"), attributes=True, sparse=True),
    Writer("Python ustar", python(tarfile.USTAR_FORMAT), paths=64),
    Writer("Python gnu", python(tarfile.GNU_FORMAT)),
    Writer("Python pax", python(tarfile.PAX_FORMAT)),
)


# --- the comparison ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    top = tmp_path_factory.mktemp("trees")
    first, second, third = (top / name for name in ("first", "second", "third"))
    first.mkdir()
    plant(first)
    change(first, second)
    change_back(third)
    return [first, second, third]


@pytest.fixture
def ext4(disk: Disk) -> Path:
    return disk(size_mib=256, mkfs=EXT4)


def unpacked_by_gnu_tar(archive: Path, root: Path) -> None:
    root.mkdir()
    # bsdtar's members of a directory do not follow it at once; without this option GNU tar
    # leaves such directories with the time of the unpacking.
    options = (*ATTRIBUTES, "--numeric-owner", "--delay-directory-restore")
    argv = ["tar", "-xp", *options, "-f", str(archive), "-C", str(root)]
    subprocess.run(argv, check=True, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: str(writer.name))
def test_all_is_as_gnu_tar_leaves_it(
    writer: Writer, trees: list[Path], ext4: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "archive.tar"
    content = writer.write(archive, trees)
    unpacked_by_gnu_tar(archive, ext4 / "expected")
    (ext4 / "rootfs").mkdir()
    # What was just written is as it was written: the read-back agrees, too.
    install_content(packed(content), ext4 / "rootfs", readback=True)
    expected, actual = manifest(ext4 / "expected"), manifest(ext4 / "rootfs")
    assert differences(expected, actual) == []
    segments = data_segments(ext4 / "expected")
    assert data_segments(ext4 / "rootfs") == segments
    # The archive holds what it should, or the comparison would prove little.
    assert len(expected) == writer.paths
    assert (expected["turn-1"].kind, expected["turn-1/f"].mode) == ("d", "4700")
    assert expected["bin/of-old"] != expected["bin/old"]
    assert any(entry.xattrs for entry in expected.values()) == writer.attributes
    assert (len(segments["sparse/many"]) == 69) == writer.sparse


@pytest.mark.parametrize(
    "write",
    [
        gnu_tar("--format=oldgnu", "--sparse"),
        gnu_tar("--format=gnu", "--sparse"),
        gnu_tar("--format=posix", "--sparse", "--sparse-version=0.0"),
        gnu_tar("--format=posix", "--sparse", "--sparse-version=0.1"),
        gnu_tar("--format=posix", "--sparse", "--sparse-version=1.0"),
        bsdtar("--format=pax"),
    ],
    ids=["oldgnu", "gnu", "0.0", "0.1", "1.0", "bsdtar"],
)
def test_a_sparse_file_may_be_larger_than_octal_digits_say(
    write: Callable[[Path, list[Path]], bytes], ext4: Path, tmp_path: Path
) -> None:
    (ext4 / "tree").mkdir()
    with (ext4 / "tree/large").open("wb") as file:
        file.seek(9 << 30)
        file.write(b"data" * 1024)
        file.truncate((9 << 30) + 100_007)
    content = write(tmp_path / "archive.tar", [ext4 / "tree"])
    unpacked_by_gnu_tar(tmp_path / "archive.tar", ext4 / "expected")
    (ext4 / "rootfs").mkdir()
    install_content(packed(content), ext4 / "rootfs")
    for name in ("expected", "rootfs"):
        assert (ext4 / name / "large").stat().st_size == (9 << 30) + 100_007
        assert data_segments(ext4 / name) == data_segments(ext4 / "tree")
