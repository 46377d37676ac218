"""Small good documents, and how tests break them."""

import json
from collections.abc import Sequence

import contract
from contract.document import Document
from contract.values import Value
from contract.yaml_reader import read

Path = Sequence[str | int]

BOOT_INFO: dict[str, Value] = {
    "initrd": "/boot/initrd.img",
    "cmdline": "console=ttyS0 root=UUID=1",
    "kernel": "/boot/vmlinuz",
    "bootloader_id": "metal-debian",
}

INSTALL: dict[str, Value] = {
    "hostname": "m1",
    "networks": ({"asn": 4200000001, "ips": ("10.0.0.1",), "vrf": 7},),
    "password": "secret-password",
    "vpn": {"address": "https://vpn", "auth_key": "secret-key", "connected": True},
}

LAYOUT: dict[str, Value] = {
    "id": "default",
    "constraints": {"sizes": ("c1-large",), "images": {"debian": ">= 12", "ubuntu": "*"}},
    "filesystems": (
        {"path": "/boot/efi", "device": "/dev/sda1", "format": "vfat", "label": "efi"},
        {"path": "/", "device": "/dev/sda2", "format": "ext4", "label": "root"},
        {"path": "/data", "device": "/dev/vg/data", "format": "ext4", "mountoptions": ("ro",)},
        {"path": "/md", "device": "/dev/md0", "format": "ext3", "createoptions": ("-F 32",)},
        {"path": "/tmp", "device": "tmpfs", "format": "tmpfs"},
        {"device": "/dev/sda3", "format": "swap", "label": "swap"},
    ),
    "disks": (
        {
            "device": "/dev/sda",
            "partitions": (
                {"number": 1, "label": "efi", "size": 500, "gpttype": "ef00"},
                {"number": 2, "label": "root", "size": 4000},
                {"number": 3, "size": 0},
            ),
            "wipeonreinstall": True,
        },
        {"device": "/dev/sdb"},
        {"device": "/dev/sdc"},
        {"device": "/dev/sdd"},
        {"device": "/dev/sde"},
    ),
    "raid": ({"arrayname": "/dev/md0", "devices": ("/dev/sdb", "/dev/sdc"), "level": "1"},),
    "volumegroups": ({"name": "vg", "devices": ("/dev/sdd", "/dev/sde")},),
    "logicalvolumes": (
        {"name": "data", "volumegroup": "vg", "size": 100, "lvmtype": "raid1"},
        {"name": "rest", "volumegroup": "vg", "size": 0},
    ),
}

MACHINE: dict[str, Value] = {
    "id": "4c4c4544-0042-4810-8056-b4c04f395332",
    "allocation": {
        "hostname": "m1",
        "image": {"id": "debian-12", "url": "https://images.example.com/debian/img.tar.lz4"},
        "filesystemlayout": LAYOUT,
        "role": "machine",
        "networks": ({"asn": 4200000001, "ips": ("10.0.0.1",), "vrf": 7},),
        "ssh_pub_keys": ("ssh-ed25519 AAAA",),
        "user_data": "secret-userdata",
        "vpn": {"address": "https://vpn", "auth_key": "secret-key"},
        "firewall_rules": {"egress": ({"ports": (80,), "to": ("0.0.0.0/0",)},)},
        "dns_servers": ({"ip": "1.1.1.1"},),
        "ntp_servers": ({"address": "ntp.example.com"},),
    },
    "hardware": {"nics": ({"mac": "aa:bb", "name": "lan0", "neighbors": ({"name": "swp1"},)},)},
}

GOOD: dict[type[Document], dict[str, Value]] = {
    contract.BootInfo: BOOT_INFO,
    contract.InstallConfig: INSTALL,
    contract.FilesystemLayout: LAYOUT,
    contract.MachineDocument: MACHINE,
}

GONE = object()
"""As a new value: the key is taken out."""


def changed(values: Value, path: Path, new: object) -> Value:
    """A copy with another value at the path; a new key or one more item is added."""
    if not path:
        assert new is None or isinstance(new, bool | int | float | str | tuple | dict)
        return new
    first, *rest = path
    if isinstance(first, int):
        assert isinstance(values, tuple)
        items = list(values) + [None] * (first + 1 - len(values))
        items[first] = changed(items[first], rest, new)
        return tuple(items)
    assert isinstance(values, dict)
    if new is GONE and not rest:
        return {key: value for key, value in values.items() if key != first}
    return {**values, first: changed(values.get(first), rest, new)}


def places(value: Value, path: Path = ()) -> list[Path]:
    """Every place of a document, branches and leaves."""
    found = [path] if path else []
    if isinstance(value, dict):
        for key, item in value.items():
            found += places(item, [*path, key])
    if isinstance(value, tuple):
        for at, item in enumerate(value):
            found += places(item, [*path, at])
    return found


def first_places(value: Value) -> list[Path]:
    """As `places`, of every list the first item alone: the others have the same type."""
    return [
        path
        for path in places(value)
        if not any(isinstance(part, int) and part > 0 for part in path)
    ]


def as_bytes(values: object) -> bytes:
    """JSON, which is YAML too."""
    return json.dumps(values).encode()


def error_of(model: type[Document], text: bytes) -> contract.ContractError | None:
    try:
        contract.load(model, text, name="doc")
    except contract.ContractError as error:
        return error
    return None


def problems_of(model: type[Document], text: bytes) -> tuple[str, ...]:
    """What is wrong with the text; nothing if it is good."""
    error = error_of(model, text)
    return error.problems if error else ()


def mapping_of(text: bytes) -> dict[str, Value]:
    """What a text holds that is a mapping of keys to values."""
    values = read(text)
    assert isinstance(values, dict)
    return values
