"""`hammer.verify=tree`: what the disk has is what the image says, or it is told what differs."""

import mmap
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hammer.errors import TreeDiffers
from hammer.stream import acl
from tests import images
from tests.images import Directory, File, HardLink, Link, packed, tar_of
from tests.native.stream.conftest import Disk
from tests.native.stream.test_machine import VFAT, needs_vfat
from tests.native.stream.unpacking import install_content

EXT4 = ("mkfs.ext4", "-q", "-F")
PATTERN = b"found on the disk by this "
ACL = "user::rw-,user:7:rw-,group::r--,mask::rw-,other::---"
ENTRIES: list[tuple[str, images.Entry]] = [
    ("./", Directory(mode=0o711)),
    ("etc", Directory()),
    ("etc/f", File(PATTERN * 9999, mode=0o640, uid=1, gid=2, mtime=5.25)),
    ("etc/lists", Directory(pax={"SCHILY.acl.default": ACL})),
    ("etc/list", File(b"x", pax={"SCHILY.acl.access": ACL, "SCHILY.xattr.user.a": "b"})),
    (
        "etc/sparse",
        File(
            b"abcdef",
            pax={"GNU.sparse.map": "0,3,99999,3,200000,0"} | {"GNU.sparse.size": "200000"},
        ),
    ),
    ("etc/hard", HardLink("etc/f")),
    ("lib", Link("etc")),
    ("lib/through", b"a link"),
    ("no/member/names/it", b"x"),
    ("etc/twice", b"one"),
    ("etc/of-first", HardLink("etc/twice")),
    ("etc/twice", b"two, longer"),
    ("turn", Directory()),
    ("turn", Link("etc")),
    ("turn", Directory(mode=0o2750, uid=3)),
    ("turn/f", b""),
]
CONTENT = packed(tar_of(ENTRIES))


def test_what_is_as_it_was_written_is_taken(disk: Disk) -> None:
    target = disk(size_mib=32, mkfs=EXT4)
    result = install_content(CONTENT, target, readback=True)
    assert result.members == len(ENTRIES)
    assert (target / "etc/f").stat().st_nlink == 2


def test_what_the_disk_changes_is_found(
    disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bit of the disk itself: the page cache still has what was written."""
    target = disk(size_mib=32, mkfs=EXT4)
    with (tmp_path / "disk1.img").open("r+b") as file, mmap.mmap(file.fileno(), 0) as below:
        really_sync = os.sync

        def sync_and_damage() -> None:
            really_sync()
            at = below.find(PATTERN * 100) + 5000
            below[at] ^= 1
            below.flush()

        monkeypatch.setattr("hammer.stream.readback.os.sync", sync_and_damage)
        with pytest.raises(TreeDiffers, match=r"/etc/(f|hard) .*its content is not that"):
            install_content(CONTENT, target, readback=True)


def change_link() -> None:
    Path("lib").unlink()
    Path("lib").symlink_to("usr")


def change_link_in_place() -> None:
    os.chown("lib", 8, 8, follow_symlinks=False)


def truncate(name: str) -> None:
    with Path(name).open("r+b") as file:
        file.truncate(1)


def change_list() -> None:
    other = acl.xattr_value(ACL.replace(":7:", ":8:").encode(), uid_of=int, gid_of=int)
    os.setxattr("etc/list", acl.ACCESS, other)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda: Path("etc/through").unlink(), r"/etc/through .*it is not there"),
        (lambda: Path("turn/f").unlink(), r"/turn/f .*it is not there"),
        (lambda: Path("no").rename("yes"), r"its time is"),
        (lambda: shutil.rmtree("no"), r"/it .*its directory is lost"),
        (lambda: Path("etc/hard").rename("etc/of-first"), r"it is (not there|another file)"),
        # The freed inode may be taken at once, or not.
        (change_link, r"/lib .*(it is another file|its target is usr, the image says etc)"),
        (change_link_in_place, r"/lib .*its owner is 8:8, the image says 0:0"),
        (lambda: truncate("etc/twice"), r"/etc/twice .*its size is 1, the image says 11"),
        (lambda: Path("etc/f").chmod(0o600), r"its mode is 0600, the image says 0640"),
        (lambda: os.utime("turn"), r"/turn .*its time is"),
        (lambda: os.utime("etc/f", (5, 5)), None),  # a filesystem may have whole seconds only
        (lambda: os.removexattr("etc/list", "user.a"), r"its attribute user.a is missing"),
        (
            lambda: os.removexattr("etc/list", "system.posix_acl_access"),
            r"its access control list is missing",
        ),
        (change_list, r"/etc/list .*its access control list is 02"),
    ],
)
def test_what_differs_is_named(
    damage: Callable[[], None],
    reason: str | None,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between writing and reading, in the process that does both, which is chrooted."""
    monkeypatch.setattr("hammer.stream.readback.os.sync", damage)
    if reason is None:
        install_content(CONTENT, root, readback=True)
        return
    with pytest.raises(TreeDiffers, match=reason):
        install_content(CONTENT, root, readback=True)


def test_a_hole_is_not_read_and_its_data_are(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def damage() -> None:
        with Path("etc/sparse").open("r+b") as file:
            file.seek(99_999)
            file.write(b"DEF")
        os.utime("etc/sparse", ns=(0, 1_700_000_000 * 10**9))

    monkeypatch.setattr("hammer.stream.readback.os.sync", damage)
    with pytest.raises(TreeDiffers, match=r"/etc/sparse .*its content is not that"):
        install_content(CONTENT, root, readback=True)


@needs_vfat
def test_what_has_no_owners_is_left_out(root: Path, disk: Disk) -> None:
    disk(size_mib=40, mkfs=VFAT, at=root / "boot/efi")
    entries: images.Entries = {
        "boot": Directory(),
        "boot/efi": Directory(mode=0o700, uid=7),
        "boot/efi/EFI/grub.efi": File(b"MZ", mode=0o640, uid=3),
    }
    install_content(images.image(entries), root, readback=True)
    assert (root / "boot/efi/EFI/grub.efi").read_bytes() == b"MZ"
