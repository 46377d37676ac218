"""The filesystem layout in the words of metal-stack's second API."""

from typing import Any

import contract

# api/v2/filesystem.proto, enum_string_value.
_GPT_TYPES = {
    "ef00": "GPT_TYPE_BOOT",
    "8300": "GPT_TYPE_LINUX",
    "fd00": "GPT_TYPE_LINUX_RAID",
    "8e00": "GPT_TYPE_LINUX_LVM",
}


def layout_v2(layout: contract.FilesystemLayout) -> dict[str, Any]:
    """The layout with the keys of machine-allocation.yaml.

    `wipeonreinstall` of a disk has no key there; a partition without a type is
    one of Linux, as it was made.
    """
    return {
        "id": layout.id,
        "name": layout.name,
        "description": layout.description,
        "filesystems": tuple(_filesystem(each) for each in layout.filesystems),
        "disks": tuple(_disk(each) for each in layout.disks),
        "raid": tuple(
            {
                "arrayName": each.arrayname,
                "devices": each.devices,
                "level": f"RAID_LEVEL_{each.level}",
                "createOptions": each.createoptions,
                "spares": each.spares,
            }
            for each in layout.raid
        ),
        "volumeGroups": tuple(
            {"name": each.name, "devices": each.devices, "tags": each.tags}
            for each in layout.volumegroups
        ),
        "logicalVolumes": tuple(
            {
                "name": each.name,
                "volumeGroup": each.volumegroup,
                "size": each.size,
                "lvmType": f"LVM_TYPE_{each.lvmtype.upper()}",
            }
            for each in layout.logicalvolumes
        ),
        "constraints": _constraints(layout.constraints),
    }


def _filesystem(filesystem: contract.Filesystem) -> dict[str, Any]:
    return {
        "device": filesystem.device,
        "format": f"FORMAT_{filesystem.format.upper()}",
        "path": filesystem.path,
        "label": filesystem.label,
        "mountOptions": filesystem.mountoptions,
        "createOptions": filesystem.createoptions,
    }


def _disk(disk: contract.Disk) -> dict[str, Any]:
    return {
        "device": disk.device,
        "partitions": tuple(
            {
                "number": each.number,
                "label": each.label,
                "size": each.size,
                "gptType": _GPT_TYPES[each.gpttype or "8300"],
            }
            for each in disk.partitions
        ),
    }


def _constraints(constraints: contract.Constraints) -> dict[str, Any] | None:
    if not constraints.sizes and not constraints.images:
        return None
    return {"sizes": constraints.sizes, "images": constraints.images}
