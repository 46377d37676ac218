"""A system on a loop device, and what the tests ask of it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.images import Directory, File
from tests.native.machine import REPOSITORY, LoopDisk, base_image, output

LINK = "../run/systemd/resolve/stub-resolv.conf"
LIMIT_S = 60


def plant(tree: Path, files: dict[str, str]) -> Path:
    """A system that can run a shell, as a directory."""
    for name, entry in base_image().items():
        where = tree / name
        if isinstance(entry, Directory):
            where.mkdir(parents=True, exist_ok=True)
            continue
        where.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(entry, File):
            where.write_bytes(entry.content)
            where.chmod(entry.mode)
    for name, text in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    (tree / "etc/resolv.conf").symlink_to(LINK)
    return tree


def make_filesystem(disk: LoopDisk, tree: Path, label: str) -> None:
    # Without lazy initialisation the kernel writes only what it is told to.
    lazy = "lazy_itable_init=0,lazy_journal_init=0"
    output("mkfs.ext4", "-q", "-F", "-E", lazy, "-L", label, "-d", tree, disk.device)


def system_files(label: str) -> dict[str, str]:
    return {
        "etc/os-release": f'NAME=x\nPRETTY_NAME="System {label}"\n',
        "etc/fstab": f"LABEL={label} / ext4 defaults 0 1\n",
        "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
    }


@dataclass(frozen=True)
class Installed:
    """A system on one disk, with a second filesystem on another one."""

    disk: LoopDisk
    data: LoopDisk
    target: Path

    def argv(self, *words: str) -> list[str]:
        root = ("--root", self.disk.device, "--target", str(self.target))
        return [sys.executable, "-m", "hammer", "chroot", *root, *words]

    def run(self, *words: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.argv(*words),
            cwd=REPOSITORY,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )

    @contextmanager
    def looked_into(self, device: str | None = None) -> Iterator[Path]:
        self.target.mkdir(exist_ok=True)
        output("mount", "-o", "ro,noload", device or self.disk.device, self.target)
        try:
            yield self.target
        finally:
            output("umount", self.target)
