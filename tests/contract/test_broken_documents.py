"""One broken rule each: where it is told, and in which words."""

import pytest

from contract import BootInfo, FilesystemLayout, InstallConfig, MachineDocument
from contract.document import Document
from contract.values import Value
from tests.contract.documents import GONE, GOOD, Path, as_bytes, changed, problems_of

NOT_PROVIDED = "is no disk, partition, array or volume of the layout"
TWICE_USED = "is used by another part of the layout"
LVM_NAME = "must be a name of LVM: letters, digits and + _ . -, not - first"
NORMALISED = "must be normalised: no . or .., no double slash, none at the end"
VERSION = "must be * or a version, with an operator and a space before it"

CASES: list[tuple[type[Document], Path, object, list[str]]] = [
    # --- boot-info.yaml
    (BootInfo, ["kernel"], GONE, ["kernel: is missing and required"]),
    (BootInfo, ["kernel"], "", ["kernel: must be an absolute path of a file"]),
    (BootInfo, ["kernel"], "boot/vmlinuz", ["kernel: must be an absolute path of a file"]),
    (BootInfo, ["kernel"], "/boot/", ["kernel: must be an absolute path of a file"]),
    (BootInfo, ["kernel"], "/boot/../vmlinuz", ["kernel: must not hold .."]),
    (BootInfo, ["kernel"], "/a\nb", ["kernel: must not hold line ends or zero bytes"]),
    (BootInfo, ["kernel"], 1, ["kernel: must be a string (quote it)"]),
    (BootInfo, ["initrd"], "initrd", ["initrd: must be an absolute path of a file"]),
    (BootInfo, ["initrd"], ("/a",), ["initrd: must be a string (quote it)"]),
    (BootInfo, ["cmdline"], GONE, ["cmdline: is missing and required"]),
    (BootInfo, ["cmdline"], "a\nb", ["cmdline: must be one line"]),
    (
        BootInfo,
        ["cmdline"],
        "a" * 2048,
        ["cmdline: must not be longer than 2047 bytes, the kernel cuts it there"],
    ),
    (BootInfo, ["bootloader_id"], 7, ["bootloader_id: must be a string (quote it)"]),
    # --- install.yaml
    (InstallConfig, ["hostname"], GONE, ["hostname: is missing and required"]),
    (InstallConfig, ["hostname"], None, ["hostname: must be a string (quote it)"]),
    (InstallConfig, ["hostname"], 12, ["hostname: must be a string (quote it)"]),
    (InstallConfig, ["password"], 1234, ["password: must be a string (quote it)"]),
    (InstallConfig, ["password"], None, ["password: must be a string (quote it)"]),
    (InstallConfig, ["networks"], {}, ["networks: must be a list"]),
    (InstallConfig, ["networks"], "x", ["networks: must be a list"]),
    (InstallConfig, ["networks", 0], "x", ["networks[0]: must be a mapping"]),
    (InstallConfig, ["networks", 0, "asn"], -1, ["networks[0].asn: must be at least 0"]),
    (
        InstallConfig,
        ["networks", 0, "asn"],
        2**32,
        ["networks[0].asn: must be at most 4294967295"],
    ),
    (InstallConfig, ["networks", 0, "asn"], "1", ["networks[0].asn: must be an integer"]),
    (InstallConfig, ["networks", 0, "asn"], 1.0, ["networks[0].asn: must be an integer"]),
    (InstallConfig, ["networks", 0, "asn"], True, ["networks[0].asn: must be an integer"]),
    (InstallConfig, ["networks", 0, "vrf"], -1, ["networks[0].vrf: must be at least 0"]),
    (InstallConfig, ["networks", 0, "nat"], 1, ["networks[0].nat: must be true or false"]),
    (InstallConfig, ["networks", 0, "nat"], "yes", ["networks[0].nat: must be true or false"]),
    (
        InstallConfig,
        ["networks", 0, "ips", 0],
        1,
        ["networks[0].ips[0]: must be a string (quote it)"],
    ),
    (InstallConfig, ["nics"], ({"neighbors": (1,)},), ["nics[0].neighbors[0]: must be a mapping"]),
    (InstallConfig, ["vpn"], (), ["vpn: must be a mapping"]),
    (InstallConfig, ["vpn", "auth_key"], (), ["vpn.auth_key: must be a string (quote it)"]),
    (InstallConfig, ["role"], "router", ["role: must be one of 'machine' or 'firewall'"]),
    (InstallConfig, ["raidenabled"], "true", ["raidenabled: must be true or false"]),
    (InstallConfig, ["dns_servers"], ({},), ["dns_servers[0].ip: is missing and required"]),
    (
        InstallConfig,
        ["firewall_rules"],
        {"ingress": ({"ports": (70000,)},)},
        ["firewall_rules.ingress[0].ports[0]: must be at most 65535"],
    ),
    (
        InstallConfig,
        ["firewall_rules"],
        {"ingress": ({"from": "x"},)},
        ["firewall_rules.ingress[0].from: must be a list"],
    ),
    # --- layout: disks and partitions
    (FilesystemLayout, ["disks", 0, "device"], GONE, ["disks[0].device: is missing and required"]),
    (
        FilesystemLayout,
        ["disks", 1, "device"],
        "sdb",
        [
            "disks[1].device: must be a device below /dev",
            f"raid[0].devices[0]: {NOT_PROVIDED}",
        ],
    ),
    (
        FilesystemLayout,
        ["disks", 5],
        {"device": "/dev/sdb"},
        [
            "disks[5].device: is a disk of the layout already",
        ],
    ),
    (
        FilesystemLayout,
        ["disks", 5],
        {"device": "/dev/disk/by-id/x"},
        [
            "disks[5].device: must be the kernel's name of the disk, as /dev/sda",
        ],
    ),
    (
        FilesystemLayout,
        ["disks", 5],
        {"device": "/dev/../etc"},
        [
            "disks[5].device: must be a device below /dev",
        ],
    ),
    (
        FilesystemLayout,
        ["disks", 0, "wipeonreinstal"],
        True,
        [
            "disks[0].wipeonreinstal: unknown key, did you mean wipeonreinstall?",
        ],
    ),
    (
        FilesystemLayout,
        ["disks", 0, "partitions", 3],
        {"number": 3, "size": 0},
        [
            "disks[0].partitions[2].size: 0 (the rest) is for the last partition only",
            "disks[0].partitions[3].number: is used by another partition of the disk",
        ],
    ),
    (
        FilesystemLayout,
        ["disks", 0, "partitions", 0, "number"],
        0,
        [
            "disks[0].partitions[0].number: must be at least 1",
        ],
    ),
    (
        FilesystemLayout,
        ["disks", 0, "partitions", 0, "number"],
        129,
        [
            "disks[0].partitions[0].number: must be at most 128",
        ],
    ),
    (
        FilesystemLayout,
        ["disks", 0, "partitions", 0, "size"],
        -1,
        [
            "disks[0].partitions[0].size: must be at least 0",
        ],
    ),
    (
        FilesystemLayout,
        ["disks", 0, "partitions", 0, "size"],
        "500",
        [
            "disks[0].partitions[0].size: must be an integer",
        ],
    ),
    (
        FilesystemLayout,
        ["disks", 0, "partitions", 1, "size"],
        0,
        [
            "disks[0].partitions[1].size: 0 (the rest) is for the last partition only",
        ],
    ),
    (
        FilesystemLayout,
        ["disks", 0, "partitions", 0, "gpttype"],
        "ef01",
        [
            "disks[0].partitions[0].gpttype: must be one of 'ef00', '8300', 'fd00' or '8e00'",
        ],
    ),
    (
        FilesystemLayout,
        ["disks", 0, "partitions", 0, "gpttype"],
        8300,
        [
            "disks[0].partitions[0].gpttype: must be one of 'ef00', '8300', 'fd00' or '8e00'",
        ],
    ),
    # --- layout: labels
    (
        FilesystemLayout,
        ["disks", 0, "partitions", 0, "label"],
        "a:b",
        [
            "disks[0].partitions[0].label: must not hold a colon, it divides number and name in"
            " sgdisk --change-name",
        ],
    ),
    (
        FilesystemLayout,
        ["disks", 0, "partitions", 0, "label"],
        "x" * 37,
        [
            "disks[0].partitions[0].label: must not be longer than 36 UTF-16 units"
            " (UEFI 2.10, 5.3.3: PartitionName)",
        ],
    ),
    (
        FilesystemLayout,
        ["disks", 0, "partitions", 0, "label"],
        "\U0001f427" * 19,
        [
            "disks[0].partitions[0].label: must not be longer than 36 UTF-16 units"
            " (UEFI 2.10, 5.3.3: PartitionName)",
        ],
    ),
    (
        FilesystemLayout,
        ["disks", 0, "partitions", 0, "label"],
        "a\nb",
        [
            "disks[0].partitions[0].label: must not hold control characters",
        ],
    ),
    (
        FilesystemLayout,
        ["filesystems", 0, "label"],
        "x" * 12,
        [
            "filesystems[0].label: must not be longer than 11 bytes, the label of vfat",
        ],
    ),
    (
        FilesystemLayout,
        ["filesystems", 0, "label"],
        "a/b",
        [
            "filesystems[0].label: must not hold characters that a label of vfat cannot",
        ],
    ),
    (
        FilesystemLayout,
        ["filesystems", 0, "label"],
        "efi ",
        ["filesystems[0].label: must not hold characters that a label of vfat cannot"],
    ),
    (
        FilesystemLayout,
        ["filesystems", 1, "label"],
        "\u00e4" * 9,
        [
            "filesystems[1].label: must not be longer than 16 bytes, the label of ext4",
        ],
    ),
    (
        FilesystemLayout,
        ["filesystems", 1, "label"],
        "a\tb",
        [
            "filesystems[1].label: must not hold control characters",
        ],
    ),
    (
        FilesystemLayout,
        ["filesystems", 5, "label"],
        "x" * 17,
        [
            "filesystems[5].label: must not be longer than 15 bytes, the label of swap",
        ],
    ),
    # --- layout: filesystems
    (
        FilesystemLayout,
        ["filesystems", 1, "path"],
        None,
        [
            "filesystems: must have a filesystem with path /",
        ],
    ),
    (
        FilesystemLayout,
        ["filesystems", 0, "path"],
        "boot",
        [
            "filesystems[0].path: must be absolute",
        ],
    ),
    (
        FilesystemLayout,
        ["filesystems", 0, "path"],
        "/boot/",
        [f"filesystems[0].path: {NORMALISED}"],
    ),
    (
        FilesystemLayout,
        ["filesystems", 0, "path"],
        "/a/../b",
        [f"filesystems[0].path: {NORMALISED}"],
    ),
    (
        FilesystemLayout,
        ["filesystems", 0, "path"],
        "//boot",
        [f"filesystems[0].path: {NORMALISED}"],
    ),
    (
        FilesystemLayout,
        ["filesystems", 0, "path"],
        "/a b",
        [
            "filesystems[0].path: must not hold white space or control characters (fstab)",
        ],
    ),
    (
        FilesystemLayout,
        ["filesystems", 0, "path"],
        "/proc/x",
        [
            "filesystems[0].path: must not be below /proc,"
            " where the kernel's filesystem is mounted",
        ],
    ),
    (
        FilesystemLayout,
        ["filesystems", 0, "path"],
        "/",
        [
            "filesystems[1].path: has a filesystem of the layout already",
        ],
    ),
    (
        FilesystemLayout,
        ["filesystems", 0, "device"],
        "/dev/sda2",
        [
            f"filesystems[1].device: {TWICE_USED}",
        ],
    ),
    (
        FilesystemLayout,
        ["filesystems", 0, "device"],
        "/dev/sda",
        [
            "filesystems[0].device: is a disk with partitions, use one of them",
        ],
    ),
    (
        FilesystemLayout,
        ["filesystems", 0, "device"],
        "/dev/sda9",
        [
            f"filesystems[0].device: {NOT_PROVIDED}",
        ],
    ),
    (
        FilesystemLayout,
        ["filesystems", 0, "format"],
        "btrfs",
        [
            "filesystems[0].format:"
            " must be one of 'vfat', 'ext3', 'ext4', 'swap', 'tmpfs' or 'none'",
        ],
    ),
    (
        FilesystemLayout,
        ["filesystems", 4, "path"],
        "",
        [
            "filesystems[4].path: is required for tmpfs",
        ],
    ),
    (
        FilesystemLayout,
        ["filesystems", 0, "format"],
        "none",
        [
            "filesystems[0].path: must be left out: format none cannot be mounted",
        ],
    ),
    (
        FilesystemLayout,
        ["filesystems", 5, "path"],
        "/swap",
        [
            "filesystems[5].path: must be left out: format swap cannot be mounted",
        ],
    ),
    (
        FilesystemLayout,
        ["filesystems", 2, "mountoptions", 0],
        "ro noexec",
        [
            "filesystems[2].mountoptions[0]: must not be empty or hold white space (fstab)",
        ],
    ),
    (
        FilesystemLayout,
        ["filesystems", 0, "options"],
        (),
        [
            "filesystems[0].options: unknown key, did you mean mountoptions?",
        ],
    ),
    # --- layout: arrays and volumes
    (FilesystemLayout, ["raid", 0, "level"], "5", ["raid[0].level: must be one of '0' or '1'"]),
    (FilesystemLayout, ["raid", 0, "level"], 5, ["raid[0].level: must be one of '0' or '1'"]),
    (FilesystemLayout, ["raid", 0, "level"], True, ["raid[0].level: must be one of '0' or '1'"]),
    (
        FilesystemLayout,
        ["raid", 0, "spares"],
        2,
        [
            "raid[0].spares: must leave a device that is no spare",
        ],
    ),
    (
        FilesystemLayout,
        ["raid", 0],
        {
            "arrayname": "/dev/md0",
            "devices": ("/dev/sdb", "/dev/sdc"),
            "level": 0,
            "spares": 1,
        },
        ["raid[0].spares: must be 0: level 0 has no spares (mdadm(8))"],
    ),
    (FilesystemLayout, ["raid", 0, "devices"], None, ["raid[0].devices: must not be empty"]),
    (
        FilesystemLayout,
        ["raid", 0, "devices", 1],
        "/dev/sdb",
        [f"raid[0].devices[1]: {TWICE_USED}"],
    ),
    (
        FilesystemLayout,
        ["raid", 0, "devices", 1],
        "/dev/md0",
        [
            f"filesystems[3].device: {TWICE_USED}",
            f"raid[0].devices[1]: {NOT_PROVIDED}",
        ],
    ),
    (
        FilesystemLayout,
        ["raid", 0, "arrayname"],
        "md0",
        [
            f"filesystems[3].device: {NOT_PROVIDED}",
            "raid[0].arrayname: must be a device below /dev",
        ],
    ),
    (
        FilesystemLayout,
        ["raid", 1],
        {"arrayname": "/dev/md0", "devices": ("/dev/sda1",), "level": "1"},
        [
            "raid[1].arrayname: is an array of the layout already",
            f"filesystems[0].device: {TWICE_USED}",
        ],
    ),
    (
        FilesystemLayout,
        ["volumegroups", 0, "devices"],
        ("/dev/sdd",),
        [
            "logicalvolumes[0].lvmtype: raid1 needs a group of two devices or more",
        ],
    ),
    (
        FilesystemLayout,
        ["volumegroups", 0, "devices"],
        ("/dev/sdd", "/dev/sdb"),
        [
            f"volumegroups[0].devices[1]: {TWICE_USED}",
        ],
    ),
    (
        FilesystemLayout,
        ["volumegroups", 1],
        {"name": "-x", "devices": ()},
        [
            "volumegroups[1].devices: must not be empty",
            f"volumegroups[1].name: {LVM_NAME}",
        ],
    ),
    (
        FilesystemLayout,
        ["volumegroups", 1],
        {"name": "vg", "devices": ("/dev/sdz",)},
        [
            f"volumegroups[1].devices[0]: {NOT_PROVIDED}",
            "volumegroups[1].name: is a group of the layout already",
            # The second definition is the one that volumes are held against.
            "logicalvolumes[0].lvmtype: raid1 needs a group of two devices or more",
        ],
    ),
    (
        FilesystemLayout,
        ["logicalvolumes", 0, "size"],
        0,
        [
            "logicalvolumes[0].size: 0 (the rest) is for the last volume of the group only",
        ],
    ),
    (
        FilesystemLayout,
        ["logicalvolumes", 1, "name"],
        "data",
        [
            "logicalvolumes[1].name: is a volume of the group already",
        ],
    ),
    (
        FilesystemLayout,
        ["logicalvolumes", 1, "name"],
        "a b",
        [f"logicalvolumes[1].name: {LVM_NAME}"],
    ),
    (
        FilesystemLayout,
        ["logicalvolumes", 1, "volumegroup"],
        "other",
        [
            "logicalvolumes[1].volumegroup: is no volume group of the layout",
        ],
    ),
    # --- layout: constraints
    (
        FilesystemLayout,
        ["constraints", "sizes"],
        ("c1", "c1", "c*"),
        [
            "constraints.sizes[1]: is listed already",
            "constraints.sizes[2]: must not hold a wildcard",
        ],
    ),
    (
        FilesystemLayout,
        ["constraints", "images", "*"],
        "*",
        [
            "constraints.images.(odd key): must name an operating system, without a wildcard",
        ],
    ),
    (
        FilesystemLayout,
        ["constraints", "images", "debian"],
        ">=12",
        [
            f"constraints.images.debian: {VERSION}",
        ],
    ),
    (
        FilesystemLayout,
        ["constraints", "images", "debian"],
        "? 12",
        [
            "constraints.images.debian: must have an operator of != < <= = =< => > >= ^ ~ ~>",
        ],
    ),
    (
        FilesystemLayout,
        ["constraints", "images", "debian"],
        12.5,
        [
            "constraints.images.debian: must be a string (quote it)",
        ],
    ),
    # --- machine document
    (MachineDocument, ["allocation"], None, ["allocation: must be a mapping"]),
    (MachineDocument, ["allocation"], GONE, ["allocation: is missing and required"]),
    (
        MachineDocument,
        ["allocation"],
        {},
        [
            "allocation.filesystemlayout: is missing and required",
            "allocation.hostname: is missing and required",
            "allocation.image: is missing and required",
        ],
    ),
    (
        MachineDocument,
        ["id"],
        "4C4C4544-0042-4810-8056-B4C04F395332",
        [
            "id: must be a UUID in lower case, as in /sys/class/dmi/id/product_uuid",
        ],
    ),
    (MachineDocument, ["id"], 5, ["id: must be a string (quote it)"]),
    (MachineDocument, ["alocation"], {}, ["alocation: unknown key, did you mean allocation?"]),
    (MachineDocument, ["zzz"], 1, ["zzz: unknown key"]),
    (
        MachineDocument,
        ["allocation", "hostnam"],
        "m",
        [
            "allocation.hostnam: unknown key, did you mean hostname?",
        ],
    ),
    (
        MachineDocument,
        ["allocation", "hostname"],
        "a" * 65,
        [
            "allocation.hostname: must not be longer than 64 characters, what Linux takes",
        ],
    ),
    (
        MachineDocument,
        ["allocation", "image", "url"],
        "oci://x/y",
        [
            "allocation.image.url: must be a URL with http, https or file",
        ],
    ),
    (
        MachineDocument,
        ["allocation", "image", "url"],
        "img.tar.lz4",
        [
            "allocation.image.url: must be a URL with http, https or file",
        ],
    ),
    (
        MachineDocument,
        ["allocation", "image", "url"],
        "http:///img",
        [
            "allocation.image.url: must name a host",
        ],
    ),
    (
        MachineDocument,
        ["allocation", "image", "url"],
        "https://host/",
        [
            "allocation.image.url: must name a file on the server",
        ],
    ),
    (
        MachineDocument,
        ["allocation", "image", "url"],
        "http://[::1/img",
        [
            "allocation.image.url: must be a URL",
        ],
    ),
    (MachineDocument, ["allocation", "image", "sha"], "x", ["allocation.image.sha: unknown key"]),
    (
        MachineDocument,
        ["allocation", "role"],
        "Machine",
        [
            "allocation.role: must be one of 'machine' or 'firewall'",
        ],
    ),
    (
        MachineDocument,
        ["allocation", "ssh_pub_keys"],
        "key",
        ["allocation.ssh_pub_keys: must be a list"],
    ),
    (
        MachineDocument,
        ["allocation", "networks", 0, "natt"],
        True,
        [
            "allocation.networks[0].natt: unknown key, did you mean nat?",
        ],
    ),
    (
        MachineDocument,
        ["allocation", "vpn", "authkey"],
        "k",
        [
            "allocation.vpn.authkey: unknown key, did you mean auth_key?",
        ],
    ),
    (
        MachineDocument,
        ["allocation", "firewall_rules", "egress", 0, "form"],
        (),
        [
            "allocation.firewall_rules.egress[0].form: unknown key",
        ],
    ),
    (
        MachineDocument,
        ["allocation", "user_data"],
        {"a": 1},
        [
            "allocation.user_data: must be a string (quote it)",
        ],
    ),
    (
        MachineDocument,
        ["allocation", "filesystemlayout", "disks", 0, "partitions", 1, "size"],
        0,
        [
            "allocation.filesystemlayout.disks[0].partitions[1].size:"
            " 0 (the rest) is for the last partition only",
        ],
    ),
    (
        MachineDocument,
        ["hardware", "nics", 0, "neighbors", 0, "nam"],
        "x",
        [
            "hardware.nics[0].neighbors[0].nam: unknown key, did you mean name?",
        ],
    ),
    (
        MachineDocument,
        ["hardware", "nics", 0, "mac"],
        1,
        [
            "hardware.nics[0].mac: must be a string (quote it)",
        ],
    ),
]


@pytest.mark.parametrize("model", GOOD)
def test_what_the_cases_start_from_is_good(model: type[Document]) -> None:
    assert problems_of(model, as_bytes(GOOD[model])) == ()


@pytest.mark.parametrize(
    ("model", "path", "new", "problems"),
    CASES,
    ids=[f"{at}-{case[0].__name__}" for at, case in enumerate(CASES)],
)
def test_the_problem_is_told_at_its_place(
    model: type[Document], path: Path, new: object, problems: list[str]
) -> None:
    text = as_bytes(changed(GOOD[model], path, new))
    assert sorted(problems_of(model, text)) == sorted(problems)


@pytest.mark.parametrize(
    "name",
    ["", ".", "a..b", "a.", "-a", "a-", "a_b", "a b", "\u00e4", "a" * 64, "a\n", "a.b" + "c" * 64],
)
def test_a_name_that_is_no_host_name(name: str) -> None:
    (problem,) = problems_of(
        InstallConfig, as_bytes(changed(GOOD[InstallConfig], ["hostname"], name))
    )
    assert problem.startswith("hostname: must ")


@pytest.mark.parametrize("name", ["a", "on", "M1", "0", "a-b.c-d.example", "a" * 63, "1" * 3])
def test_a_host_name(name: str) -> None:
    text = as_bytes(changed(GOOD[InstallConfig], ["hostname"], name))
    assert problems_of(InstallConfig, text) == ()


def test_a_document_names_all_its_problems_at_once() -> None:
    broken: Value = GOOD[MachineDocument]
    changes: list[tuple[Path, object]] = [
        (["id"], "x"),
        (["allocation", "hostname"], "-"),
        (["allocation", "image", "url"], "x"),
        (["allocation", "filesystemlayout", "disks", 0, "bogus"], 1),
        (["allocation", "filesystemlayout", "filesystems", 0, "device"], "/dev/x"),
        (["allocation", "filesystemlayout", "filesystems", 1, "label"], "x" * 17),
        (["hardware", "nics"], 1),
    ]
    for path, new in changes:
        broken = changed(broken, path, new)
    problems = problems_of(MachineDocument, as_bytes(broken))
    assert [problem.partition(":")[0] for problem in problems] == [
        "allocation.filesystemlayout.disks[0].bogus",
        "allocation.filesystemlayout.filesystems[0].device",
        "allocation.filesystemlayout.filesystems[1].label",
        "allocation.hostname",
        "allocation.image.url",
        "hardware.nics",
        "id",
    ]


def test_problems_are_sorted_with_numbers_as_numbers() -> None:
    disks: Value = tuple({"device": f"{at}"} for at in range(12))
    text = as_bytes({"filesystems": GOOD[FilesystemLayout]["filesystems"], "disks": disks})
    places = [
        problem.partition(".")[0]
        for problem in problems_of(FilesystemLayout, text)
        if problem.startswith("disks")
    ]
    assert places == [f"disks[{at}]" for at in range(12)]
