"""Disks of guests, looked at from outside."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from hammer.host.qemu import empty_disk

__all__ = ["Partition", "empty_disk", "filesystem", "partitions", "vfat_file"]

SECTOR_BYTES = 512


@dataclass(frozen=True, kw_only=True)
class Partition:
    number: int
    start_sector: int
    size_mib: int
    type_code: str
    """As sgdisk abbreviates it: EF00, 8300."""
    name: str


def partitions(disk: Path) -> list[Partition]:
    """The GPT of a disk. `sgdisk --verify` finding a problem is a failure."""
    verified = _said("sgdisk", "--verify", disk)
    assert "No problems found" in verified, verified
    row = re.compile(r"^ +(\d+) +(\d+) +(\d+) +\S+ \S+ +([0-9A-F]{4}) +(.*?) *$", re.MULTILINE)
    return [
        Partition(
            number=int(number),
            start_sector=int(first),
            size_mib=(int(last) - int(first) + 1) * SECTOR_BYTES // 2**20,
            type_code=code,
            name=name,
        )
        for number, first, last, code, name in row.findall(_said("sgdisk", "--print", disk))
    ]


def filesystem(disk: Path, partition: Partition) -> dict[str, str]:
    """What blkid finds in a partition: TYPE, LABEL, UUID and more."""
    offset = str(partition.start_sector * SECTOR_BYTES)
    said = _said("blkid", "--probe", "--offset", offset, "--output", "export", disk)
    return dict(line.split("=", 1) for line in said.splitlines() if "=" in line)


def vfat_file(disk: Path, partition: Partition, path: str) -> str:
    """A text file on a vfat, read from outside."""
    at = f"{disk}@@{partition.start_sector * SECTOR_BYTES}"
    return _said("mtype", "-i", at, f"::{path}")


def _said(*argv: str | Path) -> str:
    # sbin is not on the PATH of people who are not root.
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        [str(word) for word in argv], env=environment, capture_output=True, text=True, check=True
    ).stdout
