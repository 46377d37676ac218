"""Rules for the names of partitions and the labels of filesystems."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from contract.document import Problem

if TYPE_CHECKING:
    from contract.filesystem_layout import FilesystemLayout

# mkfs.fat(8); ext4.h: s_volume_name; util-linux, swapheader.h: volume_name, of which
# mkswap keeps the last byte zero. ext and swap would be cut, with a warning.
_LABEL_BYTES = {"vfat": 11, "ext3": 16, "ext4": 16, "swap": 15}


def labels(layout: "FilesystemLayout") -> Iterator[Problem]:
    for disk_at, disk in enumerate(layout.disks):
        for at, partition in enumerate(disk.partitions):
            place = ("disks", disk_at, "partitions", at, "label")
            for reason in _wrong_partition_name(partition.label or ""):
                yield place, reason
    for at, filesystem in enumerate(layout.filesystems):
        for reason in _wrong_label(filesystem.label or "", filesystem.format):
            yield ("filesystems", at, "label"), reason


def _wrong_partition_name(name: str) -> Iterator[str]:
    if len(name.encode("utf-16-le")) // 2 > 36:
        yield "must not be longer than 36 UTF-16 units (UEFI 2.10, 5.3.3: PartitionName)"
    if ":" in name:
        yield "must not hold a colon, it divides number and name in sgdisk --change-name"
    if not name.isprintable():
        yield "must not hold control characters"


def _wrong_label(label: str, format: str) -> Iterator[str]:
    limit = _LABEL_BYTES.get(format)
    if limit and len(label.encode()) > limit:
        yield f"must not be longer than {limit} bytes, the label of {format}"
    if format == "vfat" and re.search(r'[^ -~]|[*?.,;:/\\|+=<>\[\]"]|^ | $', label):
        # Tried with every ASCII character: mkfs.fat 4.2 refuses these, and loses a space
        # at the end.
        yield "must not hold characters that a label of vfat cannot"
    elif not label.isprintable():
        yield "must not hold control characters"
