"""A system of one program that boots in seconds: what becomes of it is up to its init."""

import io
import stat
from collections.abc import Mapping

from initramfs import cpio
from initramfs.tree import DEVICES
from tests.images import Entry, File, image
from tests.native.machine import base_image, installer
from tests.vm.ramdisk import built_ramdisk

# The kernel names a device that no machine has.
NO_ROOT = "root=/dev/nonsense"

# What a system says that is up, by itself: its kernel was started, and so was its init.
UP = "TINY-SYSTEM-IS-UP"
UP_INIT = f"busybox mount -t devtmpfs dev /dev; echo {UP} >/dev/console"

# As installers of real images write it, from `console` of install.yaml.
CMDLINE = "console=ttyS0,115200n8"


def tiny_image(
    *,
    init: str | None,
    kernel: str = "/boot/vmlinuz",
    cmdline: str = CMDLINE,
    before: str = "",
    bootloader_id: str = "",
    more: Mapping[str, Entry] | None = None,
) -> bytes:
    """An image whose installer runs `before`, and whose system runs `init` (shell).

    With init=None it has no initrd, and no root filesystem that its kernel could mount.
    """
    entries = base_image()
    entries["boot/vmlinuz"] = built_ramdisk().kernel.read_bytes()
    entries.update(more or {})
    initrd = "null"
    if init is not None:
        initrd = "/boot/initrd.img"
        entries["boot/initrd.img"] = tiny_initrd(entries, init)
    entries["install.sh"] = installer(
        f"#!/bin/sh\n{before}\n"
        f"echo 'cmdline: {cmdline}' > /etc/metal/boot-info.yaml\n"
        f"echo 'kernel: {kernel}' >> /etc/metal/boot-info.yaml\n"
        f"echo 'initrd: {initrd}' >> /etc/metal/boot-info.yaml\n"
        f"echo 'bootloader_id: \"{bootloader_id}\"' >> /etc/metal/boot-info.yaml\n"
    )
    return image(entries)


def tiny_initrd(entries: dict[str, Entry], init: str) -> bytes:
    """An initrd with the programs of `entries`, that runs `init` (shell) and then nothing."""
    files = {
        name: entry.content
        for name, entry in entries.items()
        if isinstance(entry, File) and name.startswith(("bin/", "lib", "usr/lib"))
    }
    files["init"] = f"#!/bin/sh\n{init}\nwhile :; do busybox sleep 60; done\n".encode()
    folders = sorted({"dev"} | {folder for name in files for folder in _folders(name)})
    archive = io.BytesIO()
    records = [cpio.Entry(name=name, mode=stat.S_IFDIR | 0o755) for name in folders]
    records += DEVICES
    records += [
        cpio.Entry(name=name, mode=stat.S_IFREG | 0o755, content=content)
        for name, content in files.items()
    ]
    cpio.write(archive, records, mtime_s=0)
    return archive.getvalue()


def _folders(name: str) -> list[str]:
    parts = name.split("/")[:-1]
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]
