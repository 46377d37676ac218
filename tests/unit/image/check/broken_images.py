"""For each rule of `hammer image check`, an image that breaks this rule and no other."""

import gzip
import hashlib
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.images import (
    NAME,
    Directory,
    Entries,
    Entry,
    File,
    HardLink,
    Link,
    Node,
    checksum_file,
    flipped,
    md5_file,
    packed,
    tar_of,
    truncated,
    zstd_frame,
)
from tests.initramfs.elf_files import elf_file
from tests.unit.image.check.good_image import (
    CONFIG,
    INITRD,
    KERNEL,
    LOADER,
    MODULES,
    VERSION,
    bzimage,
    good,
    twice,
    with_,
    without,
)

# cap_net_raw, effective and permitted, as setcap(8) writes it: struct vfs_cap_data of
# linux/capability.h, revision 2.
CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000").decode()
ACL = "user::rwx,user:root:r--,group::r--,mask::r--,other::---"
# One partition of 1 MiB with ext4 at /.
LAYOUT = """
disks: [{device: /dev/sda, partitions: [{number: 1, size: %d, gpttype: "8300"}]}]
filesystems: [{path: /, device: /dev/sda1, format: ext4}]
"""
WITH_ESP = """
disks:
  - device: /dev/sda
    partitions: [{number: 1, size: 40, gpttype: ef00}, {number: 2, size: 40, gpttype: "8300"}]
filesystems:
  - {path: /boot/efi, device: /dev/sda1, format: vfat}
  - {path: /, device: /dev/sda2, format: ext4}
"""


@dataclass(frozen=True, kw_only=True)
class Broken:
    """An image, what is beside it, and how it is checked."""

    rule: str
    text: str
    """A part of what must be said."""
    content: bytes
    siblings: Mapping[str, bytes] = field(default_factory=dict)
    name: str = NAME
    layout: str | None = None
    syntax_error: str | None = None
    """What the parser of shell scripts answers."""


def published(content: bytes, name: str = NAME) -> dict[str, bytes]:
    return {f"{name}.md5": md5_file(content, name), "packages.txt": b"ii dash\n"}


def _stream(
    rule: str,
    content: bytes,
    text: str,
    *,
    name: str = NAME,
    layout: str | None = None,
    syntax_error: str | None = None,
) -> Broken:
    """An image whose digest is right, whatever else may be wrong with it."""
    return Broken(
        rule=rule,
        text=text,
        content=content,
        siblings=published(content, name),
        name=name,
        layout=layout,
        syntax_error=syntax_error,
    )


def _members(rule: str, entries: Entries, text: str) -> Broken:
    return _stream(rule, packed(tar_of(entries)), text)


def _beside(rule: str, text: str, change: Mapping[str, bytes | None]) -> Broken:
    siblings = {**published(GOOD), **change}
    kept = {name: content for name, content in siblings.items() if content is not None}
    return Broken(rule=rule, text=text, content=GOOD, siblings=kept)


def _sparse_of_16_tib() -> File:
    """GNU's format 0.1 (GNU tar manual, Sparse Formats): a map in the header, here of one hole."""
    size = str(1 << 44)
    return File(pax={"GNU.sparse.map": f"{size},0", "GNU.sparse.size": size})


def xattr(name: str, value: str) -> File:
    return File(pax={f"SCHILY.xattr.{name}": value})


def acl(text: str) -> dict[str, str]:
    return {"SCHILY.acl.access": text}


PLAIN = tar_of(good())
GOOD = packed(PLAIN)
MD5 = hashlib.md5(GOOD).hexdigest()
DATA_END = len(PLAIN.rstrip(b"\0")) + 511 & -512  # of the last member's last block
WHOLE = PLAIN[:DATA_END]
ARM64 = bytearray(1024)
ARM64[0x38:0x3C] = b"ARM\x64"
ZBOOT = b"MZ\0\0zimg" + bytes(1024)
FOREIGN = bytearray(elf_file())
FOREIGN[18] = 183  # EM_AARCH64
STATIC = File(elf_file(), mode=0o755)
ON_BASH = File(b"#!/bin/bash\n", mode=0o755)

CASES = (
    # --- the stream
    # With the digest of another image: that of nothing is refused by itself.
    Broken(rule="image-not-lz4", text="no byte at all", content=b"", siblings=published(b"x")),
    _stream("image-not-lz4", b"PK\x03\x04" + bytes(50), "this is zip"),
    _stream("image-not-lz4", b"\xfd7zXZ\0" + bytes(50), "this is xz"),
    _stream("image-not-lz4", bytes(5000), "this is zeros"),
    _stream("image-not-lz4", PLAIN[:500], "begins with"),
    _stream("image-truncated", truncated(GOOD), "ends in the middle"),
    _stream("image-truncated", GOOD[:11], "ends in the middle"),
    _stream("image-corrupt", GOOD + bytes(512), "is not another one"),
    _stream("image-corrupt", flipped(GOOD, at=-1), "an lz4 frame: "),
    _stream("image-not-tar", packed(b"no archive" * 100), "not a tar header"),
    _stream("image-not-tar", packed(b""), "not a tar header"),
    _stream("tar-corrupt", packed(WHOLE[:-512]), "ends inside of a member"),
    _stream("tar-corrupt", packed(WHOLE + b"no header".ljust(512, b"x")), "not a tar header"),
    _members("tar-corrupt", with_({"etc/passwd/x": b""}), "/etc/passwd/x (Not a directory)"),
    _members("tar-corrupt", with_({"loop": Link("loop"), "loop/x": b""}), "Too many levels"),
    _members("tar-corrupt", with_({"no": Link("/nowhere"), "no/x": b""}), "No such file"),
    _members("tar-corrupt", twice(("boot", b"")), "/boot (Directory not empty)"),
    _members("tar-corrupt", with_({"h": HardLink("etc")}), "/h (Operation not permitted)"),
    _members("tar-corrupt", with_({"x" * 256: b""}), "File name too long"),
    _members("tar-corrupt", with_({"l": Link("")}), "/l (No such file"),
    _members("tar-member-outside", with_({"a/../../etc/shadow": b""}), "a/../../etc/shadow"),
    _members("tar-member-unsupported", with_({"acl": File(pax={"SCHILY.acl.ace": "x"})}), "NFSv4"),
    _members("hard-link-missing", with_({"a": HardLink("b")}), "/a"),
    _members("hard-link-missing", with_({"a": HardLink("no/b")}), "/a"),
    _members("member-size", with_({"hole": _sparse_of_16_tib()}), "/hole"),
    *(
        _members("member-xattr", with_({"x": entry}), text)
        for entry, text in (
            (xattr("security.capability", "x"), "/x (security.capability: no file capabilities"),
            (xattr("security.capability", CAPABILITY + "x"), "no file capabilities"),
            (xattr("mine", "x"), "no namespace"),
            (xattr("user." + "x" * 251, "x"), "255 bytes of name"),
            (xattr("user.x", "x" * 5000), "5006 bytes of attributes"),
            (
                Node(tarfile.FIFOTYPE, pax={"SCHILY.xattr.user.x": "x"}),
                "a fifo has no attributes of users",
            ),
        )
    ),
    _members(
        "tar-member-unsupported", with_({"acl": File(pax=acl("user::rwx,oops"))}), "cannot read"
    ),
    _members(
        "tar-member-unsupported", with_({"acl": File(pax=acl("user:x:rwx"))}), "nobody is called"
    ),
    _stream(
        "content-checksum",
        packed(PLAIN, content_checksum=False),
        "an lz4 frame without a content checksum",
    ),
    _stream("image-format", gzip.compress(PLAIN, mtime=0), "the image is a gzip member"),
    _stream("image-format", zstd_frame(PLAIN), "the image is a zstd frame"),
    _stream("end-mark", packed(WHOLE), "no block"),
    _stream("end-mark", packed(WHOLE + bytes(512)), "one block"),
    _stream("data-after-end", packed(PLAIN + PLAIN), "bytes follow"),
    _members("member-twice", twice(("etc/passwd", good()["etc/passwd"])), "/etc/passwd"),
    _members(
        "member-changes-type",
        twice(("etc/x", b""), ("etc/x", Link("y"))),
        "/etc/x (file, then symlink)",
    ),
    _members(
        "member-changes-type",
        twice(("etc/x", Directory()), ("etc/x", b"")),
        "/etc/x (directory, then file)",
    ),
    _members("member-through-link", with_({"lib/firmware/x": b""}), "/lib/firmware/x"),
    _members("member-hidden", with_({"run/x": b""}), "/run/x"),
    _members("member-hidden", with_({"dev/console": b"x"}), "/dev/console"),
    _members("member-hidden", with_({"run/x": HardLink("etc/passwd")}), "/run/x"),
    _members("member-hidden", with_({"dev/x": HardLink("etc/passwd")}), "/dev/x"),
    # --- what is published
    _stream("image-name", GOOD, "img.tar", name="img.tar"),
    _beside("digest-missing", "No such file", {f"{NAME}.md5": None}),
    _beside("digest-malformed", "it is empty", {f"{NAME}.md5": b""}),
    _beside("digest-malformed", "no md5 digest", {f"{NAME}.md5": b"<html>"}),
    _beside("digest-malformed", "it names x", {f"{NAME}.md5": f"{MD5}  x\n".encode()}),
    _beside("digest-malformed", "larger than", {f"{NAME}.md5": bytes(70_000)}),
    _beside("digest-mismatch", MD5, {f"{NAME}.md5": md5_file(b"other")}),
    _beside("digest-malformed", "and not a sha512 one", {f"{NAME}.sha512": md5_file(GOOD)}),
    _beside("digest-mismatch", "sha256 says", {f"{NAME}.sha256": checksum_file(b"x", "sha256")}),
    _beside("digest-mismatch", "512sum says", {f"{NAME}.sha512sum": checksum_file(b"x", "sha512")}),
    _beside(
        "md5-missing",
        "No such file",
        {f"{NAME}.md5": None, f"{NAME}.sha512": checksum_file(GOOD, "sha512")},
    ),
    _beside("digest-form", NAME, {f"{NAME}.md5": f"{MD5}\n".encode()}),
    _beside("digest-form", NAME, {f"{NAME}.md5": f"{MD5.upper()}  {NAME}\n".encode()}),
    _beside("digest-form", NAME, {f"{NAME}.md5": f"MD5 ({NAME}) = {MD5}\n".encode()}),
    _beside("packages-missing", "No such file", {"packages.txt": None}),
    _beside("packages-missing", "is empty", {"packages.txt": b"\n"}),
    # --- the installer
    _members("installer-missing", without("install.sh"), "/install-go"),
    _members("installer-not-executable", with_({"install.sh": b"#!/bin/sh\n"}), "0644"),
    *(
        _members("installer-interpreter", with_({"install.sh": File(content, mode=0o755)}), text)
        for content, text in (
            (b"", "it is empty"),
            (b"echo\n", "begins with neither"),
            (b"#!/bin/zsh\n", "no such file"),
            (b"#!/bin/sh\r\necho\r\n", "CR LF"),
            (b"#!/bin/sh -e\r\necho\r\n", "CR LF"),
            (b"#!sh\n", "absolute path"),
            (b"#!/usr/bin/env python3\n", "no program python3"),
            (b"#!/usr/bin/env bash\r\n", "CR LF"),
            (b"#!/usr/bin/env bash -eu\n", "after -S only"),
            (b"#!/usr/bin/env -S A=1 zsh -e\n", "no program zsh"),
            (b"#!/usr/bin/env /opt/zsh\n", "no program /opt/zsh"),
            (b"#!/etc/passwd\n", "not executable"),
            (elf_file(interpreter="/lib/ld-musl-x86_64.so.1"), "ld-musl-x86_64.so.1"),
            (elf_file(interpreter="/bin/sh")[:70], "damaged"),
            (bytes(FOREIGN), "machine 183"),
        )
    ),
    _members(
        "installer-interpreter",
        with_(
            {
                "install.sh": File(b"#!/opt/sh\n", mode=0o755),
                "opt/sh": File(bytes(FOREIGN), mode=0o755),
            }
        ),
        "/opt/sh: it is for machine 183",
    ),
    _members(
        "installer-interpreter",
        with_({"install.sh": File(b"#!/opt/sh\n", mode=0o755), "opt/sh": File(b"", mode=0o755)}),
        "/opt/sh: it is empty there",
    ),
    _members(
        "installer-interpreter",
        with_(
            {
                "install.sh": File(b"#!/opt/sh\n", mode=0o755),
                "opt/sh": File(elf_file(interpreter="/lib/ld-musl-x86_64.so.1"), mode=0o755),
            }
        ),
        "/opt/sh: it is started by /lib/ld-musl-x86_64.so.1: the image has no such file",
    ),
    _members(
        "installer-interpreter",
        {
            **without("install.sh"),
            "opt/install": File(b"#!/bin/zsh\n", mode=0o755),
            "install.sh": HardLink("opt/install"),
        },
        "/install.sh is started by /bin/zsh: the image has no such file",
    ),
    _members(
        "installer-interpreter",
        with_(
            {
                "opt/install": File(bytes(FOREIGN), mode=0o755),
                "install.sh": Link("opt/install"),
            }
        ),
        "/install.sh is for machine 183",
    ),
    _stream(
        "installer-syntax",
        packed(tar_of(with_({"install.sh": File(b"#!/bin/sh\nif\n", mode=0o755)}))),
        "sh: 2: Syntax error",
        syntax_error="sh: 2: Syntax error: end of file unexpected\n",
    ),
    _members("installers-two", with_({"install-go": File(elf_file(), mode=0o755)}), "/install-go"),
    # --- the kernel
    _members(
        "kernel-missing",
        without(KERNEL, "vmlinuz"),
        "/boot/vmlinuz-VERSION",
    ),
    *(
        _members("kernel-format", with_({KERNEL: bytes(content)}), text)
        for content, text in (
            (b"", "begins with nothing"),
            (bzimage()[:0x200], "an EFI program"),
            (ARM64, "an arm64 Image"),
            (ZBOOT, "an EFI zboot image"),
            (elf_file(), "an ELF file"),
            (b"\x1f\x8b\x08\0", "a gzip file"),
        )
    ),
    _members("kernel-cut", with_({KERNEL: truncated(bzimage())}), "its header tells of 1088"),
    *(
        _members("kernel-kexec", with_({KERNEL: kernel}), text)
        for kernel, text in (
            (bzimage(protocol=0x020B), "2.12 (it has 2.11)"),
            (bzimage(loadflags=0), "LOADED_HIGH"),
            (bzimage(relocatable=0), "CONFIG_RELOCATABLE"),
            (bzimage(xloadflags=2), "XLF_KERNEL_64"),
            (bzimage(xloadflags=1), "XLF_CAN_BE_LOADED_ABOVE_4G"),
        )
    ),
    _members("kernel-version", with_({KERNEL: bzimage("5.10")}), "is version 5.10"),
    _members("kernel-efi-stub", with_({KERNEL: bzimage(efi_stub=False)}), "no EFI stub"),
    _members(
        "kernel-config",
        with_({CONFIG: b"# CONFIG_RELOCATABLE is not set\nCONFIG_DEVTMPFS=y\nCONFIG_MODULES=y\n"}),
        "lacks CONFIG_RELOCATABLE, CONFIG_BLK_DEV_INITRD",
    ),
    _members("kernel-link", with_({"boot/initrd": Link("/boot")}), "/boot/initrd"),
    _members("kernel-link", with_({"vmlinuz": Link("boot/vmlinuz-0")}), "/vmlinuz"),
    _members("initrd-missing", without(INITRD, "initrd.img"), f"initramfs-{VERSION}.img"),
    _members("initrd-missing", {**without(INITRD), "initrd.img": b"070701"}, KERNEL),
    _members(
        "initrd-missing",
        {**without(KERNEL, INITRD, "vmlinuz", "initrd.img"), "boot/vmlinuz": bzimage()},
        "/boot/vmlinuz has no",
    ),
    _members("initrd-orphan", with_({"boot/initramfs-5.img": b"070701"}), "initramfs-5.img"),
    _members("initrd-format", with_({INITRD: b""}), "is empty"),
    _members("initrd-format", with_({INITRD: b"PK\x03\x04zip"}), "504b0304"),
    _members("system-map", without(f"boot/System.map-{VERSION}"), "0 files"),
    _members("system-map", with_({"boot/System.map-5": b""}), "2 files"),
    _members("modules-missing", without(f"{MODULES}/modules.dep"), f"/lib/modules/{VERSION}"),
    _members(
        "modules-dep",
        {**without(f"{MODULES}/modules.dep"), MODULES: Directory()},
        "modules.dep",
    ),
    # --- the system
    _members("init-missing", without("usr/sbin/init"), "/sbin/init"),
    _members("init-missing", with_({"usr/sbin/init": Link("/gone")}), "leads nowhere"),
    _members("init-missing", with_({"usr/sbin/init": b"#!/bin/sh\n"}), "0644"),
    _members(
        "shell-missing",
        {**without("usr/bin/sh"), "install.sh": ON_BASH},
        "/bin/sh",
    ),
    _members(
        "init-missing", with_({"usr/lib/systemd/systemd": File(b"", mode=0o755)}), "init is empty"
    ),
    _members(
        "shell-missing",
        with_({"usr/bin/dash": File(b"", mode=0o755), "install.sh": ON_BASH}),
        "/bin/sh is empty",
    ),
    _members(
        "program-loader",
        {**without(LOADER), "install.sh": STATIC},
        f"/sbin/init is started by /{LOADER.removeprefix('usr/')}: the image has no such file",
    ),
    _members(
        "program-loader",
        with_({LOADER: b"x", "install.sh": STATIC}),
        "/bin/sh is started by /lib64/ld-linux-x86-64.so.2: it is not executable",
    ),
    _members(
        "program-loader",
        with_({"usr/lib/systemd/systemd": File(b"#!/opt/init\n", mode=0o755)}),
        "/sbin/init is started by /opt/init",
    ),
    _members(
        "architecture", with_({"usr/lib/systemd/systemd": File(bytes(FOREIGN), mode=0o755)}), "183"
    ),
    _members("os-release", without("usr/lib/os-release", "etc/os-release"), "no /etc/os-release"),
    _members("os-release", with_({"usr/lib/os-release": b"ID=x\nVERSION_ID=\n"}), "no VERSION_ID"),
    _members("passwd-root", without("etc/passwd"), "is not there"),
    _members("passwd-root", with_({"etc/passwd": b"toor:x:0:0::/:/bin/sh\n"}), "no user root"),
    _members("tool-useradd", without("usr/sbin/useradd"), "useradd"),
    _members("tool-passwd", without("usr/sbin/chpasswd"), "chpasswd"),
    _members("tool-sshd", without("usr/sbin/sshd"), "sshd"),
    _members("boot-loader", without("usr/sbin/grub-install"), "grub-install"),
    _members("machine-id", with_({"etc/machine-id": b"0" * 32 + b"\n"}), "holds an id"),
    _members("ssh-host-keys", with_({"etc/ssh/ssh_host_rsa_key": b"k"}), "ssh_host_rsa_key"),
    _members("dockerenv", with_({".dockerenv": b""}), "/.dockerenv"),
    _members("setuid", with_({"usr/bin/su": File(b"x", mode=0o4755)}), "/usr/bin/su (4755)"),
    _members("setuid", with_({"usr/bin/wall": File(b"x", mode=0o2755)}), "/usr/bin/wall (2755)"),
    _members(
        "capabilities",
        with_({"usr/bin/ping": xattr("security.capability", CAPABILITY)}),
        "/usr/bin/ping",
    ),
    _members("components", with_({"usr/lib/frr/zebra": b""}), "FRR yes, go-lldpd no"),
    *(
        _members("path-in-the-way", entries, text)
        for entries, text in (
            (with_({"etc/metal": b""}), "/etc/metal/userdata (Not a directory)"),
            (with_({"etc/metal/install.yaml": Directory()}), "/etc/metal/install.yaml (a dir"),
            (with_({"etc/metal/userdata/x": b""}), "/etc/metal/userdata (a directory)"),
            (with_({"etc/fstab": Directory()}), "/etc/fstab (a directory)"),
            (with_({"etc/fstab": Link("/boot")}), "/etc/fstab (a directory)"),
            (with_({"etc/fstab": Link("fstab")}), "/etc/fstab (Too many levels"),
            (with_({"etc/lvm/lvmlocal.conf": Directory()}), "/etc/lvm/lvmlocal.conf (a dir"),
            (with_({"proc": b""}), "/proc (no directory)"),
            (with_({"sys": Link("etc/passwd")}), "/sys (no directory)"),
            (with_({"sys": Link("etc/passwd/x")}), "/sys (Not a directory)"),
            (with_({"tmp": Link("tmp")}), "/tmp (Too many levels"),
            ({**without("dev/null", "dev/fd"), "dev": b""}, "/dev (no directory)"),
        )
    ),
    # --- /etc/metal
    _members("metal-stale", with_({"etc/metal/install.yaml": b"a: 1"}), "/etc/metal/install.yaml"),
    _members("metal-stale", with_({"etc/metal/boot-info.yaml": b""}), "boot-info.yaml"),
    _members(
        "metal-document",
        with_({"etc/metal/filesystem-layout.yaml": b"disks: [{devise: /dev/sda}]"}),
        "unknown key, did you mean device?",
    ),
    # --- space
    _stream("space", GOOD, "/ needs 1 MiB", layout=LAYOUT % 40),
    _stream(
        "layout-too-small",
        packed(tar_of(with_({"usr/lib/big": bytes(2 << 20)}))),
        "/ needs 3 MiB, and holds about 0 MiB",
        layout=LAYOUT % 1,
    ),
    _stream(
        "layout-inodes",
        packed(tar_of(with_({f"etc/{number}": b"" for number in range(300)}))),
        "inodes, and has 256",
        layout=LAYOUT % 1,
    ),
    _stream(
        "layout-vfat",
        packed(
            tar_of(with_({"boot/efi/x": b"", "boot/efi/loader": Link("x"), "boot/b": Link("a")}))
        ),
        "not possible on vfat: /boot/efi/loader (symlink)",
        layout=WITH_ESP,
    ),
    _stream(
        "layout-vfat",
        packed(tar_of(with_({"boot/efi/x": b"", "boot/efi/y": HardLink("boot/efi/x")}))),
        "not possible on vfat: /boot/efi/y (hard link)",
        layout=WITH_ESP,
    ),
    _stream("layout-unknown", GOOD, "takes the rest", layout=LAYOUT % 0),
)
# These need more than bytes in files: a server that fails, and another limit.
ELSEWHERE = {"image-interrupted", "image-stalled", "too-many-members"}


def kernel_as(*, kernel: str, initrd: str, modules: str = MODULES) -> dict[str, Entry]:
    """The good image with its kernel under other names."""
    names = (KERNEL, INITRD, "vmlinuz", "initrd.img", f"{MODULES}/modules.dep")
    files = {kernel: bzimage(), initrd: b"070701", f"{modules}/modules.dep": b""}
    return {**without(*names), **files}


# Taken as they are, each by the unpacker too.
HARMLESS = {
    "several frames": packed(PLAIN[:1000]) + packed(PLAIN[1000:]),
    "a skippable frame behind it": GOOD + bytes.fromhex("502a4d18 04000000 00000000"),
    "a skippable frame": bytes.fromhex("502a4d18 04000000 00000000") + GOOD,
    "GNU tar's format": packed(tar_of(good(), format=tarfile.GNU_FORMAT)),
    "members with a dot": packed(tar_of({f"./{name}": entry for name, entry in good().items()})),
    "absolute members": packed(tar_of({f"/{name}": entry for name, entry in good().items()})),
    "an ACL by names": packed(tar_of(with_({"a": File(mode=0o740, pax=acl(ACL))}))),
    "Fedora's names": packed(
        tar_of(kernel_as(kernel=KERNEL, initrd=f"boot/initramfs-{VERSION}.img"))
    ),
    "SUSE's names": packed(tar_of(kernel_as(kernel=KERNEL, initrd=f"boot/initrd-{VERSION}"))),
    "a kernel beside its modules": packed(
        tar_of(kernel_as(kernel=f"{MODULES}/vmlinuz", initrd=INITRD))
    ),
    "names without a version": packed(
        tar_of(kernel_as(kernel="boot/vmlinuz", initrd="boot/initrd.img"))
    ),
    "/lib that is no link": packed(
        tar_of(
            {
                **kernel_as(kernel=KERNEL, initrd=INITRD, modules=f"lib/modules/{VERSION}"),
                "lib": Directory(),
            }
        )
    ),
    "a rescue kernel of a version of its own": packed(
        tar_of(
            with_(
                {"boot/vmlinuz-0-rescue-a": bzimage(), "boot/initramfs-0-rescue-a.img": b"070701"}
            )
        )
    ),
    "a kernel without modules": packed(
        tar_of(
            {
                **without(f"{MODULES}/modules.dep"),
                CONFIG: b"CONFIG_RELOCATABLE=y\nCONFIG_BLK_DEV_INITRD=y\nCONFIG_DEVTMPFS=y\n",
            }
        )
    ),
    "an init that is a script": packed(
        tar_of(with_({"usr/lib/systemd/systemd": File(b"#!/bin/sh\n# and so on\n", mode=0o755)}))
    ),
    "keys of ssh that are no secret": packed(
        tar_of(with_({"etc/ssh/ssh_host_rsa_key.pub": b"k", "etc/ssh/ca_key": b"k"}))
    ),
    "a directory that is linked to itself": packed(tar_of(twice(("etc", HardLink("etc"))))),
    "a directory twice": packed(tar_of(twice(("etc", Directory(mode=0o700))))),
    "setuid of what is no program": packed(
        tar_of(with_({"etc/x": File(b"x", mode=0o4644), "etc/y": File(b"x", mode=0o2640)}))
    ),
    "places that are not there": packed(
        tar_of(without("proc", "sys", "dev", "dev/null", "dev/fd", "tmp", "etc/metal"))
    ),
    "places that are links": packed(
        tar_of(
            with_(
                {
                    "etc/metal": Link("/var/lib/metal"),
                    "etc/fstab": Link("/run/none"),
                    "etc/lvm": b"",
                    "tmp": Link("var/tmp"),
                }
            )
        )
    ),
    "more padding": packed(PLAIN + bytes(100 << 10)),
}
