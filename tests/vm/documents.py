"""Machine documents for guests, in the shape that metal-api's GET /v1/machine/{id} has."""

import base64
from typing import Any

import yaml

MACHINE_UUID = "00000000-0000-4000-8000-000000000001"
HOSTNAME = "vm-1"
ESP_MIB = 128

# What metal-proof of the demo image looks for.
POWER_OFF = "poweroff after proof\n"

# Of nobody: the private half was never kept.
SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7zPq0hYyQ9bB0p4G4m2m1kH0w9yUuQ0Jm8oT3eX5vF vm@test"


def machine_document(
    disk: str,
    image_url: str,
    *,
    uefi: bool,
    hostname: str = HOSTNAME,
    machine_uuid: str = MACHINE_UUID,
    user_data: str = POWER_OFF,
) -> str:
    """One machine with one disk: with `uefi` an ESP, and the rest of the disk for root."""
    document = {
        "id": machine_uuid,
        "allocation": {
            "hostname": hostname,
            "role": "machine",
            "image": {"id": "demo-12.0", "url": image_url},
            "filesystemlayout": layout(disk, uefi=uefi),
            "ssh_pub_keys": [SSH_KEY],
            "user_data": base64.b64encode(user_data.encode()).decode(),
            "networks": [
                {
                    "asn": 4200000001,
                    "destinationprefixes": ["0.0.0.0/0"],
                    "ips": ["10.0.2.15"],
                    "nat": False,
                    "networkid": "vm-network",
                    "networktype": "privateprimaryunshared",
                    "prefixes": ["10.0.2.0/24"],
                    "private": True,
                    "underlay": False,
                    "vrf": 1,
                }
            ],
        },
    }
    return yaml.safe_dump(document, sort_keys=False)


def layout(disk: str, *, uefi: bool) -> dict[str, Any]:
    separator = "p" if disk.startswith("/dev/nvme") else ""
    partitions: list[dict[str, Any]] = []
    filesystems: list[dict[str, Any]] = []
    if uefi:
        partitions.append({"number": 1, "label": "efi", "size": ESP_MIB, "gpttype": "ef00"})
        filesystems.append(
            {
                "path": "/boot/efi",
                "device": f"{disk}{separator}1",
                "format": "vfat",
                "label": "efi",
                "createoptions": ["-F", "32"],
            }
        )
    number = len(partitions) + 1
    partitions.append({"number": number, "label": "root", "size": 0, "gpttype": "8300"})
    filesystems.append(
        {"path": "/", "device": f"{disk}{separator}{number}", "format": "ext4", "label": "root"}
    )
    return {
        "id": "vm",
        "disks": [{"device": disk, "partitions": partitions, "wipeonreinstall": True}],
        "filesystems": filesystems,
    }
