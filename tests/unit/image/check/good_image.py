"""A tiny image that breaks no rule, and how to change it so that it breaks one."""

import struct
from collections.abc import Mapping

from tests.images import Directory, Entry, File, Link, Node
from tests.initramfs.elf_files import elf_file

VERSION = "6.1.0-9-amd64"
KERNEL, INITRD = f"boot/vmlinuz-{VERSION}", f"boot/initrd.img-{VERSION}"
CONFIG = f"boot/config-{VERSION}"
MODULES = f"usr/lib/modules/{VERSION}"
LOADER = "usr/lib64/ld-linux-x86-64.so.2"
PROGRAM = File(elf_file(interpreter="/lib64/ld-linux-x86-64.so.2"), mode=0o755)
INSTALLER = b"#!/bin/sh\nset -eu\necho installed\n"
# Reported of every image: what is in it and how large it is.
ALWAYS = {"components", "space"}


def bzimage(
    version: str = VERSION,
    *,
    protocol: int = 0x020F,
    loadflags: int = 1,
    xloadflags: int = 3,
    relocatable: int = 1,
    efi_stub: bool = True,
) -> bytes:
    """A header as Documentation/arch/x86/boot.rst of Linux has it, one sector of setup, no code."""
    image = bytearray(1024 + 4 * 16)
    image[:2] = b"MZ" if efi_stub else b"\xea\x05"
    image[0x1F1] = 1
    struct.pack_into("<I", image, 0x1F4, 4)
    image[0x1FE:0x200] = b"\x55\xaa"
    image[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", image, 0x206, protocol)
    struct.pack_into("<H", image, 0x20E, 0x100)
    image[0x211] = loadflags
    image[0x234] = relocatable
    struct.pack_into("<H", image, 0x236, xloadflags)
    text = f"{version} (builder@host) #1 SMP\0".encode()
    image[0x300 : 0x300 + len(text)] = text
    return bytes(image)


def good() -> dict[str, Entry]:
    """Every member, in an order in which links come before what is below them."""
    return {
        "bin": Link("usr/bin"),
        "sbin": Link("usr/sbin"),
        "lib": Link("usr/lib"),
        "lib64": Link("usr/lib64"),
        **{name: Directory() for name in ("proc", "sys", "dev", "run", "tmp", "etc", "etc/metal")},
        "dev/null": Node(b"3", 1, 3, 0o666),
        "dev/fd": Link("/proc/self/fd"),
        "boot": Directory(),
        KERNEL: bzimage(),
        INITRD: b"\x1f\x8b and more",
        f"boot/System.map-{VERSION}": b"0 T _text\n",
        CONFIG: b"CONFIG_RELOCATABLE=y\nCONFIG_BLK_DEV_INITRD=y\nCONFIG_DEVTMPFS=y\n"
        b"CONFIG_MODULES=y\n",
        "vmlinuz": Link(KERNEL),
        "initrd.img": Link(INITRD),
        f"{MODULES}/modules.dep": b"kernel/fs/ext4.ko:\n",
        LOADER: PROGRAM,
        "usr/lib/systemd/systemd": PROGRAM,
        "usr/sbin/init": Link("../lib/systemd/systemd"),
        "usr/bin/dash": PROGRAM,
        "usr/bin/bash": PROGRAM,
        "usr/bin/env": PROGRAM,
        "usr/bin/sh": Link("dash"),
        **{f"usr/sbin/{name}": PROGRAM for name in ("useradd", "chpasswd", "sshd", "grub-install")},
        "usr/lib/os-release": b'ID=debian\nVERSION_ID="12"\n',
        "etc/os-release": Link("../usr/lib/os-release"),
        "etc/passwd": b"root:x:0:0:root:/root:/bin/bash\n",
        "etc/machine-id": b"",
        "install.sh": File(INSTALLER, mode=0o755),
    }


def with_(changes: Mapping[str, Entry]) -> dict[str, Entry]:
    """The good image with these members, in the place of those with the same name or behind."""
    return {**good(), **changes}


def without(*names: str) -> dict[str, Entry]:
    return {name: entry for name, entry in good().items() if name not in names}


def twice(*more: tuple[str, Entry]) -> list[tuple[str, Entry]]:
    """The good image and further members behind it, also of names that are there."""
    return [*good().items(), *more]
