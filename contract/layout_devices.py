"""Rules for arrays and volumes, and for who makes and who uses a device."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from contract.device_names import partition_device, volume_device
from contract.document import Place, Problem
from contract.layout_places import device_name, twice

if TYPE_CHECKING:
    from contract.filesystem_layout import FilesystemLayout

TMPFS = "tmpfs"


def arrays(layout: "FilesystemLayout") -> Iterator[Problem]:
    names = [raid.arrayname for raid in layout.raid]
    yield from twice(names, "is an array of the layout already", ("raid",), "arrayname")
    for at, raid in enumerate(layout.raid):
        yield from device_name(raid.arrayname, ("raid", at, "arrayname"))
        if not raid.devices:
            yield ("raid", at, "devices"), "must not be empty"
        elif raid.spares >= len(raid.devices):
            yield ("raid", at, "spares"), "must leave a device that is no spare"
        if raid.spares and raid.level == "0":
            yield ("raid", at, "spares"), "must be 0: level 0 has no spares (mdadm(8))"


def volumes(layout: "FilesystemLayout") -> Iterator[Problem]:
    groups = {group.name: group for group in layout.volumegroups}
    names = [group.name for group in layout.volumegroups]
    yield from twice(names, "is a group of the layout already", ("volumegroups",), "name")
    for at, group in enumerate(layout.volumegroups):
        yield from _lvm_name(group.name, ("volumegroups", at, "name"))
        if not group.devices:
            yield ("volumegroups", at, "devices"), "must not be empty"
    volumes = [(volume.volumegroup, volume.name) for volume in layout.logicalvolumes]
    yield from twice(volumes, "is a volume of the group already", ("logicalvolumes",), "name")
    last = {volume.volumegroup: at for at, volume in enumerate(layout.logicalvolumes)}
    for at, volume in enumerate(layout.logicalvolumes):
        place = ("logicalvolumes", at)
        yield from _lvm_name(volume.name, (*place, "name"))
        if volume.size == 0 and last[volume.volumegroup] != at:
            yield (*place, "size"), "0 (the rest) is for the last volume of the group only"
        if volume.volumegroup not in groups:
            yield (*place, "volumegroup"), "is no volume group of the layout"
        elif volume.lvmtype != "linear" and len(groups[volume.volumegroup].devices) < 2:
            yield (*place, "lvmtype"), f"{volume.lvmtype} needs a group of two devices or more"


def _lvm_name(name: str, place: Place) -> Iterator[Problem]:
    # lvm(8), valid names; the kernel's device mapper limits the two together to 127.
    if not re.fullmatch(r"[A-Za-z0-9+_.][A-Za-z0-9+_.-]{0,126}", name) or name in (".", ".."):
        yield place, "must be a name of LVM: letters, digits and + _ . -, not - first"


def providers(layout: "FilesystemLayout") -> Iterator[Problem]:
    """Every device that is used must be made by the layout, and before it is used."""
    provided = {disk.device for disk in layout.disks}
    for disk in layout.disks:
        provided |= {partition_device(disk.device, part.number) for part in disk.partitions}
    for at, raid in enumerate(layout.raid):
        yield from _missing(raid.devices, provided, ("raid", at, "devices"))
        provided.add(raid.arrayname)
    for at, group in enumerate(layout.volumegroups):
        yield from _missing(group.devices, provided, ("volumegroups", at, "devices"))
    for volume in layout.logicalvolumes:
        provided.add(volume_device(volume.volumegroup, volume.name))
    for at, filesystem in enumerate(layout.filesystems):
        if filesystem.format != TMPFS and filesystem.device not in provided:
            yield ("filesystems", at, "device"), _NOT_PROVIDED


_NOT_PROVIDED = "is no disk, partition, array or volume of the layout"


def _missing(devices: tuple[str, ...], provided: set[str], place: Place) -> Iterator[Problem]:
    for at, device in enumerate(devices):
        if device not in provided:
            yield (*place, at), _NOT_PROVIDED


def users(layout: "FilesystemLayout") -> Iterator[Problem]:
    """A device has one user: the second would overwrite the first."""
    partitioned = {disk.device for disk in layout.disks if disk.partitions}
    taken: set[str] = set()
    for device, place in _uses(layout):
        if device in taken:
            yield place, "is used by another part of the layout"
        if device in partitioned:
            yield place, "is a disk with partitions, use one of them"
        taken.add(device)


def _uses(layout: "FilesystemLayout") -> Iterator[tuple[str, Place]]:
    for at, raid in enumerate(layout.raid):
        yield from ((name, ("raid", at, "devices", i)) for i, name in enumerate(raid.devices))
    for at, group in enumerate(layout.volumegroups):
        yield from (
            (name, ("volumegroups", at, "devices", i)) for i, name in enumerate(group.devices)
        )
    for at, filesystem in enumerate(layout.filesystems):
        if filesystem.format != TMPFS:
            yield filesystem.device, ("filesystems", at, "device")
