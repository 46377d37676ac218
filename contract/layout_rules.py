"""What a filesystem layout must fulfil beyond the types of its fields.

Every function yields all problems that it finds, each with its place. The rules
are metal-api's (internal/metal/filesystem.go), and those that would else be
found out by sgdisk, mkfs or mount after the disk was erased.
"""

import posixpath
from collections.abc import Iterator
from typing import TYPE_CHECKING

from contract.document import Place, Problem
from contract.image_reference import Version
from contract.layout_devices import TMPFS, arrays, providers, users, volumes
from contract.layout_labels import labels
from contract.layout_places import device_name, twice

if TYPE_CHECKING:
    from contract.filesystem_layout import Disk, FilesystemLayout


def problems(layout: "FilesystemLayout") -> Iterator[Problem]:
    """Every broken rule of the layout, with its place."""
    yield from _disks(layout)
    yield from labels(layout)
    yield from _mounts(layout)
    yield from arrays(layout)
    yield from volumes(layout)
    yield from providers(layout)
    yield from users(layout)
    yield from _constraints(layout)


# --- disks and partitions -----------------------------------------------------------------


def _disks(layout: "FilesystemLayout") -> Iterator[Problem]:
    devices = [disk.device for disk in layout.disks]
    yield from twice(devices, "is a disk of the layout already", ("disks",), "device")
    for at, disk in enumerate(layout.disks):
        yield from device_name(disk.device, ("disks", at, "device"))
        if disk.device.startswith("/dev/disk/"):
            # udev names the partitions of such links otherwise (-part1).
            yield ("disks", at, "device"), "must be the kernel's name of the disk, as /dev/sda"
        yield from _partitions(disk, ("disks", at, "partitions"))


def _partitions(disk: "Disk", place: Place) -> Iterator[Problem]:
    numbers = [partition.number for partition in disk.partitions]
    yield from twice(numbers, "is used by another partition of the disk", place, "number")
    for at, partition in enumerate(disk.partitions[:-1]):
        if partition.size == 0:
            yield (*place, at, "size"), "0 (the rest) is for the last partition only"


# --- mounts -------------------------------------------------------------------------------


def _mounts(layout: "FilesystemLayout") -> Iterator[Problem]:
    paths = [filesystem.path for filesystem in layout.filesystems]
    yield from twice(paths, "has a filesystem of the layout already", ("filesystems",), "path")
    for at, filesystem in enumerate(layout.filesystems):
        place = ("filesystems", at, "path")
        path, format = filesystem.path, filesystem.format
        if path is None:
            if format == TMPFS:
                yield place, "is required for tmpfs"
            continue
        if format in ("none", "swap"):
            yield place, f"must be left out: format {format} cannot be mounted"
        if path == "/" and format == TMPFS:
            yield place, "/ must be on a disk"
        for reason in _wrong_mount_path(path, format):
            yield place, reason
        for option_at, option in enumerate(filesystem.mountoptions):
            if not option or not option.isprintable() or " " in option:
                # fstab(5): white space divides its fields.
                yield (
                    ("filesystems", at, "mountoptions", option_at),
                    "must not be empty or hold white space (fstab)",
                )
    if "/" not in paths:
        yield ("filesystems",), "must have a filesystem with path /"


def _wrong_mount_path(path: str, format: str) -> Iterator[str]:
    if not path.startswith("/"):
        yield "must be absolute"
    elif posixpath.normpath(path) != path or path.startswith("//"):
        yield "must be normalised: no . or .., no double slash, none at the end"
    if not path.isprintable() or " " in path:
        yield "must not hold white space or control characters (fstab)"
    top = "/".join(path.split("/")[:2])
    if top in ("/proc", "/sys", "/dev") and format != TMPFS:
        yield f"must not be below {top}, where the kernel's filesystem is mounted"


# --- constraints --------------------------------------------------------------------------

_OPERATORS = {"=", "!=", ">", "<", ">=", "=>", "<=", "=<", "~", "~>", "^"}


def _constraints(layout: "FilesystemLayout") -> Iterator[Problem]:
    sizes = layout.constraints.sizes
    yield from twice(sizes, "is listed already", ("constraints", "sizes"))
    for at, size in enumerate(sizes):
        if "*" in size:
            yield ("constraints", "sizes", at), "must not hold a wildcard"
    for system, versions in layout.constraints.images.items():
        place = ("constraints", "images", system)
        if "*" in system:
            yield place, "must name an operating system, without a wildcard"
        *operator, version = versions.strip(" ").split(" ", 1)
        if versions.strip(" ") == "*":
            continue
        if operator and operator[0] not in _OPERATORS:
            yield place, f"must have an operator of {' '.join(sorted(_OPERATORS))}"
        try:
            Version.parse(version)
        except ValueError:
            yield place, "must be * or a version, with an operator and a space before it"
