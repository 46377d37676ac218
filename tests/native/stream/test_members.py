"""What is written is what was packed: compared, path by path, with what GNU tar writes."""

import contextlib
import os
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hammer.errors import HammerError, TarCorrupt, TarMemberOutside, TarMemberUnsupported
from hammer.stream import acl
from tests import images
from tests.images import Directory, Entry, File, HardLink, Link, Node, packed, tar_of
from tests.manifest import differences, manifest
from tests.native.stream.unpacking import install_content, install_entries

# CAP_NET_RAW permitted and effective, as setcap(8) writes it: VFS_CAP_REVISION_2
# of linux/capability.h.
CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")
LONG = "/".join(["a-directory-with-a-long-name"] * 9)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """One of everything."""
    top = tmp_path / "tree"
    for directory in ("etc", "usr/bin", "usr/lib", "var/tmp", "dev", LONG):
        (top / directory).mkdir(parents=True)
    (top / "etc/shadow").write_bytes(b"root:!:\n")
    os.chown(top / "etc/shadow", 0, 42)
    (top / "etc/shadow").chmod(0o640)
    (top / "usr/bin/su").write_bytes(os.urandom(100_000))
    (top / "usr/bin/su").chmod(0o4755)
    (top / "usr/bin/wall").write_bytes(b"x")
    os.chown(top / "usr/bin/wall", 0, 5)
    (top / "usr/bin/wall").chmod(0o2755)
    (top / "usr/bin/ping").write_bytes(os.urandom(70_000))
    os.chown(top / "usr/bin/ping", 1000, 1000)
    os.setxattr(top / "usr/bin/ping", "security.capability", CAPABILITY)
    os.setxattr(top / "etc", "user.binary", bytes(range(256)))
    os.setxattr(top / "etc/shadow", "trusted.note", b"a=b\n")
    (top / "lib").symlink_to("usr/lib")
    (top / "absolute").symlink_to("/usr/lib/x")
    os.chown(top / "absolute", 7, 8, follow_symlinks=False)
    (top / "usr/lib/hard").hardlink_to(top / "usr/bin/su")
    (top / "symlink-twice").hardlink_to(top / "absolute")
    os.mknod(top / "dev/null", 0o020666, os.makedev(1, 3))
    os.mknod(top / "dev/sda", 0o060660, os.makedev(8, 0))
    os.mkfifo(top / "dev/pipe", 0o600)
    (top / LONG / ("f" * 200)).write_bytes(b"long")
    Path(os.fsdecode(os.fsencode(top) + b"/caf\xe9")).write_bytes(b"latin 1")
    (top / "empty").write_bytes(b"")
    (top / "empty").chmod(0o666)  # more than any umask here lets through
    (top / "usr/bin").chmod(0o777)
    with (top / "var/sparse").open("wb") as file:
        file.seek(5_000_000)
        file.write(b"data")
        file.truncate(9_000_000)
    (top / "var/tmp").chmod(0o1777)
    (top / "usr/lib").chmod(0o2555)
    os.chown(top / "usr/lib", 3, 4)
    for path in sorted(top.rglob("*"), reverse=True):
        os.utime(path, ns=(10**18, 10**18 + len(path.name) * 1_000_001), follow_symlinks=False)
    return top


@pytest.fixture(params=[0o022, 0o077, 0o000], ids=lambda mask: f"umask-{mask:03o}")
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def tar(*options: str, tree: Path) -> bytes:
    argv = ["tar", "-c", "--numeric-owner", *options, "-C", str(tree), "."]
    return subprocess.run(argv, check=True, capture_output=True).stdout


def unpacked_by_gnu_tar(archive: bytes, root: Path) -> dict[str, object]:
    root.mkdir()
    options = ["-xp", "--xattrs", "--xattrs-include=*", "--acls", "--numeric-owner"]
    subprocess.run(["tar", *options, "-C", str(root)], input=archive, check=True)
    return dict(manifest(root))


@pytest.mark.usefixtures("_umask")
@pytest.mark.parametrize(
    "options",
    [
        ("--format=posix", "--xattrs", "--xattrs-include=*"),
        ("--format=posix", "--xattrs", "--xattrs-include=*", "--sparse"),
        ("--format=gnu",),
        ("--format=gnu", "--sparse"),
        ("--format=oldgnu", "--sparse"),
        ("--format=posix", "--sparse", "--sparse-version=0.0"),
        ("--format=posix", "--sparse", "--sparse-version=0.1"),
    ],
    ids=" ".join,
)
def test_everything_is_as_gnu_tar_leaves_it(
    options: tuple[str, ...], tree: Path, root: Path, tmp_path: Path
) -> None:
    archive = tar(*options, tree=tree)
    expected = unpacked_by_gnu_tar(archive, tmp_path / "expected")
    install_content(packed(archive), root)
    assert differences(manifest(tmp_path / "expected"), manifest(root)) == []
    assert len(expected) > 25


def test_nothing_at_all_is_lost(tree: Path, root: Path) -> None:
    """GNU tar is not the measure of everything: this compares with what was packed."""
    archive = tar("--format=posix", "--xattrs", "--xattrs-include=*", "--sparse", tree=tree)
    install_content(packed(archive), root)
    assert differences(manifest(tree), manifest(root)) == []
    assert (root / "var/sparse").stat().st_blocks < 100


def test_bsdtar_is_read_as_well(tree: Path, root: Path) -> None:
    argv = ["bsdtar", "--format=pax", "-cf", "-", "-C", str(tree), "."]
    archive = subprocess.run(argv, check=True, capture_output=True).stdout
    install_content(packed(archive), root)
    # It stores no trusted.* and counts no link of a symbolic link.
    known = ("trusted.note", "symlink-twice", "absolute: links")
    lost = [
        line
        for line in differences(manifest(tree), manifest(root))
        if not any(word in line for word in known)
    ]
    assert lost == []


def test_access_control_lists(tmp_path: Path, root: Path) -> None:
    top = tmp_path / "acl"
    (top / "var/log").mkdir(parents=True)
    (top / "var/log/f").write_bytes(b"x")
    for entry, path in (
        ("u:1234:rw,g:77:r,m::rw", "var/log/f"),
        ("u:1234:rwx", "var/log"),
        ("d:u:1234:rx,d:g:77:rwx", "var/log"),
    ):
        subprocess.run(["setfacl", "-m", entry, str(top / path)], check=True)
    install_content(packed(tar("--acls", tree=top)), root)
    assert differences(manifest(top), manifest(root)) == []


LISTED = File(b"x", pax={"SCHILY.acl.access": "user::rw-,user:7:rw-,group::r--,mask::rw-,other::-"})


@pytest.mark.parametrize(
    ("entries", "listed"),
    [
        ([("a/f", LISTED), ("g", HardLink("a/f")), ("a/f", b"later")], {"g"}),
        ([("a/f", LISTED), ("l", Link("a")), ("l/f", b"later")], set()),
        ([("a/f", LISTED), ("l", Link("a")), ("l/f", LISTED), ("a/f", b"later")], set()),
        ([("a/f", LISTED), ("g", HardLink("a/f")), ("g", b"later")], {"a/f"}),
        ([("a/f", LISTED), ("l", Link("a")), ("l/f", b"1"), ("h", HardLink("a/f"))], set()),
    ],
    ids=["its link stays", "replaced by a link", "both ways", "its link is replaced", "none left"],
)
def test_a_list_is_of_the_file_and_not_of_its_name(
    entries: list[tuple[str, Entry]], listed: set[str], root: Path
) -> None:
    install_entries([("a", Directory()), *entries], root)
    names = ("a/f", "g", "h")
    files = [name for name in names if (root / name).exists()]
    found = {name for name in files if "system.posix_acl_access" in os.listxattr(root / name)}
    assert found == listed


def test_names_in_a_list_are_those_of_the_image(root: Path) -> None:
    text = "user::rw-,user:joe:rw-,group::r--,group:wheel:r--,mask::rw-,other::---"
    install_entries(
        {
            "f": File(b"x", pax={"SCHILY.acl.access": text}),
            "etc/passwd": b"root:x:0:0::/:/bin/sh\njoe:x:4711:4711::/:/bin/sh\n",
            "etc/group": b"wheel:x:4712:\n",
        },
        root,
    )
    value = os.getxattr(root / "f", "system.posix_acl_access")
    assert (4711).to_bytes(4, "little") in value
    assert (4712).to_bytes(4, "little") in value


def test_names_are_read_once_however_many_lists_there_are(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def noted(path: Path) -> acl.IdOf:
        with Path("/read").open("a") as file:  # below the new root
            file.write(f"{path} ")
        return ids(path)

    ids = acl.ids
    monkeypatch.setattr(acl, "ids", noted)
    pax = {"SCHILY.acl.access": "user::rw-,user:7:rw-,group::r--,mask::rw-,other::r--"}
    install_entries({str(number): File(pax=pax) for number in range(9)}, root)
    assert (root / "read").read_text() == "etc/passwd etc/group "


def test_a_list_that_names_nobody_is_refused(root: Path) -> None:
    text = "user::rw-,user:ghost:rw-,group::r--,mask::rw-,other::---"
    with pytest.raises(TarMemberUnsupported, match="nobody is called 'ghost'"):
        install_entries({"f": File(pax={"SCHILY.acl.access": text})}, root)


def test_a_target_that_gives_away_groups_and_lists_does_not_spoil_the_image(root: Path) -> None:
    os.chown(root, 0, 55)
    root.chmod(0o2775)
    subprocess.run(["setfacl", "-d", "-m", "u:99:rwx", str(root)], check=True)
    install_entries({"f": File(mode=0o604), "made/for/it": b"", "d": Directory(mode=0o700)}, root)
    assert (root / "f").stat().st_gid == 0
    assert (root / "f").stat().st_mode & 0o7777 == 0o604
    assert (root / "made/for/it").stat().st_gid == 0
    assert (root / "d").stat().st_mode & 0o7777 == 0o700


def test_directories_that_no_member_names(root: Path) -> None:
    before = os.umask(0o077)
    try:
        install_entries({"a/b/c/f": b"x", "a/b/g": b"y"}, root)
    finally:
        os.umask(before)
    for path in ("a", "a/b", "a/b/c"):
        status = (root / path).stat()
        assert (status.st_mode & 0o7777, status.st_uid, status.st_gid) == (0o755, 0, 0)


Odd = list[tuple[str, images.Entry]]
ODD: dict[str, Odd] = {
    "the later one wins": [("f", b"one"), ("f", File(b"two", mode=0o600, uid=9))],
    "file, then directory": [("f", b"one"), ("f", Directory()), ("f/g", b"")],
    "directory, then file": [("f", Directory()), ("f", b"one")],
    "directory, then link": [("f", Directory()), ("g", Directory()), ("f", Link("g"))],
    "link, then directory": [
        ("d", Directory()),
        ("f", Link("d")),
        ("f", Directory()),
        ("f/g", b""),
    ],
    "link, then file": [("d", b"kept"), ("f", Link("d")), ("f", b"one")],
    "dangling link, then file": [("f", Link("nowhere")), ("f", b"one")],
    "link, then below it": [("usr/lib", Directory()), ("lib", Link("usr/lib")), ("lib/f", b"x")],
    "directory twice": [("d", Directory(mode=0o700)), ("d/f", b""), ("d", Directory(mode=0o751))],
    "hard link below a link": [
        ("usr/lib", Directory()),
        ("usr/lib/f", b"x"),
        ("lib", Link("usr/lib")),
        ("g", HardLink("lib/f")),
    ],
    "hard link to a link": [("a", Link("b")), ("c", HardLink("a"))],
    "hard link over a file": [("a", b"1"), ("b", b"2"), ("b", HardLink("a"))],
    "hard link to itself": [("a", b"1"), ("a", HardLink("a"))],
    "node, then file": [("n", Node(tarfile.FIFOTYPE)), ("n", b"x")],
    "absolute names": [("/etc", Directory()), ("/etc/f", b"x"), ("/g", HardLink("/etc/f"))],
    "dots and slashes": [("./", Directory(mode=0o711)), ("./a//b/./c", b"x")],
    "read-only directory": [("d", Directory(mode=0o555)), ("d/f", b"x"), ("d/g", b"y")],
}


@pytest.mark.parametrize("entries", ODD.values(), ids=ODD)
def test_odd_archives_end_as_with_gnu_tar(entries: Odd, root: Path, tmp_path: Path) -> None:
    archive = tar_of(entries)
    unpacked_by_gnu_tar(archive, tmp_path / "expected")
    install_content(packed(archive), root)
    found = differences(manifest(tmp_path / "expected"), manifest(root))
    # Directories that no member names, and the top, have the time of the unpacking.
    assert [line for line in found if "mtime_ns" not in line] == []


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ([("d/f", b""), ("d", b"file")], "Directory not empty"),
        ([("f", b""), ("f/g", b"")], "Not a directory"),
        ([("h", HardLink("nowhere"))], "hard link to nowhere: No such file"),
        ([("d", Directory()), ("h", HardLink("d"))], "hard link to d: Operation not permitted"),
        ([("a", Link("b")), ("b", Link("a")), ("a/f", b"")], "Too many levels"),
        ([("x", Link("nowhere")), ("x/f", b"")], "No such file"),
        ([(".", b"not a directory")], "No such file"),
        ([("n" * 300, b"")], "File name too long"),
    ],
)
def test_archives_that_contradict_themselves(entries: Odd, reason: str, root: Path) -> None:
    with pytest.raises(HammerError, match=reason) as caught:
        install_entries(entries, root)
    assert isinstance(caught.value, TarCorrupt)


# --- hostile ones ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hostile",
    [
        lambda outside: [("../outside/f", b"x")],
        lambda outside: [("d/../../outside/f", b"x")],
        lambda outside: [(f"{outside}/f", b"x")],
        lambda outside: [("x", Link(f"{outside}")), ("x/f", b"x")],
        lambda outside: [("x", Link("../outside")), ("x/f", b"x")],
        lambda outside: [("x", Link("../outside")), ("x/d", Directory())],
        lambda outside: [("x", Link(f"{outside}/secret")), ("x", b"x")],
        lambda outside: [("h", HardLink("../outside/secret")), ("h", b"x")],
        lambda outside: [("h", HardLink(f"{outside}/secret"))],
        lambda outside: [("x", Link("..")), ("h", HardLink("x/outside/secret"))],
        lambda outside: [("a", Link("/..")), ("a/outside/f", b"x")],
        lambda outside: [("proc", Link("/proc/1/root")), (f"proc{outside}/f", b"x")],
    ],
)
def test_nothing_is_written_or_reached_outside(
    hostile: Callable[[Path], Odd], root: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    before = manifest(outside)
    with contextlib.suppress(TarMemberOutside, TarCorrupt):
        install_entries(hostile(outside), root)
    assert manifest(outside) == before
    inodes = {path.lstat().st_ino for path in root.rglob("*")}
    assert (outside / "secret").stat().st_ino not in inodes


def test_an_absolute_link_of_the_image_leads_into_the_image(root: Path) -> None:
    install_entries({"srv/data": Directory(), "data": Link("/srv/data"), "data/f": b"inside"}, root)
    assert (root / "srv/data/f").read_bytes() == b"inside"


@pytest.mark.parametrize(
    "entries",
    [
        [("d/" * 300_000 + "../../f", b"")],
        [("f" * 1_000_000, b"")],
        [("f", File(pax={"SCHILY.acl.access": "x" * 1_000_000}))],
        [("f", File(pax={"SCHILY.xattr." + "x" * 1_000_000: "1"}))],
    ],
    ids=["path", "name", "acl", "xattr"],
)
def test_a_complaint_fits_its_pipe_however_long_the_names_are(entries: Odd, root: Path) -> None:
    """A report that waits for a reader who waits to be read would be the end of both."""
    noise = os.urandom(3 << 20)
    with pytest.raises(HammerError) as caught:
        install_entries([*entries, ("noise", noise)], root)
    assert len(str(caught.value)) < 2000
