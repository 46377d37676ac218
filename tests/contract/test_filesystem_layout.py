"""Layouts as they are in the field, and what the agent asks of them."""

import pytest

import contract
from contract.device_names import partition_device, volume_device
from tests.contract.documents import LAYOUT, Path, as_bytes, changed, problems_of

TMP = """
- path: /tmp
  device: tmpfs
  format: tmpfs
  mountoptions: [defaults, noatime, nosuid, nodev, noexec, "mode=1777", "size=512M"]
"""

# The shapes that metal-stack deployments use (mini-lab and its examples).
IN_THE_FIELD = {
    "one disk": """
id: default
constraints:
  sizes: [v1-small-x86]
  images: {ubuntu: "*", debian: "*"}
filesystems:
- {path: /boot/efi, device: /dev/vda1, format: vfat, label: efi, createoptions: ["-F 32"]}
- {path: /, device: /dev/vda2, format: ext4, label: root}
- {path: /var/lib, device: /dev/vda3, format: ext4, label: varlib}
TMP
disks:
- device: /dev/vda
  wipeonreinstall: true
  partitions:
  - {number: 1, label: efi, size: 500, gpttype: ef00}
  - {number: 2, label: root, size: 4500, gpttype: "8300"}
  - {number: 3, label: varlib, size: 0, gpttype: "8300"}
""",
    "array over partitions, level as integer": """
filesystems:
- {path: /, device: /dev/vda2, format: ext4, label: root}
- {path: /var/lib, device: /dev/md1, format: ext4, label: varlib}
TMP
disks:
- device: /dev/vda
  partitions:
  - {number: 1, label: efi, size: 500, gpttype: ef00}
  - {number: 2, label: root, size: 4500, gpttype: "8300"}
  - {number: 3, label: varlib, size: 100, gpttype: fd00}
  - {number: 4, label: varlib, size: 100, gpttype: fd00}
raid:
- arrayname: /dev/md1
  devices: [/dev/vda3, /dev/vda4]
  level: 1
  createoptions: ["--metadata", "1.0"]
""",
    "everything mirrored, labels twice": """
filesystems:
- {path: /boot/efi, device: /dev/md0, format: vfat, label: efi}
- {path: /, device: /dev/md1, format: ext4, label: root}
TMP
disks:
- device: /dev/sda
  partitions:
  - {number: 1, label: efi, size: 500, gpttype: ef00}
  - {number: 2, label: root, size: 0, gpttype: "8300"}
- device: /dev/sdb
  partitions:
  - {number: 1, label: efi, size: 500, gpttype: ef00}
  - {number: 2, label: root, size: 0, gpttype: "8300"}
raid:
- {arrayname: /dev/md0, devices: [/dev/sda1, /dev/sdb1], level: "1", spares: 0}
- arrayname: /dev/md1
  devices: [/dev/sda2, /dev/sdb2]
  level: "1"
  createoptions: ["--metadata=1.0"]
""",
    "volume over two whole disks": """
filesystems:
- {path: /, device: /dev/sda2, format: ext4, label: root}
- {path: /var/lib, device: /dev/csi-lvm/varlib, format: ext4, label: varlib}
TMP
disks:
- device: /dev/sda
  wipeonreinstall: true
  partitions:
  - {number: 1, label: efi, size: 512, gpttype: ef00}
  - {number: 2, label: root, size: 0}
- {device: /dev/nvme0n1, wipeonreinstall: false}
- {device: /dev/nvme1n1, wipeonreinstall: false}
volumegroups:
- {name: csi-lvm, devices: [/dev/nvme0n1, /dev/nvme1n1], tags: [metal]}
logicalvolumes:
- {name: varlib, volumegroup: csi-lvm, size: 100000, lvmtype: raid1}
""",
    "a saved answer of metal-api, with nulls": """
{"id": "fw", "name": "", "description": null, "constraints": {"sizes": null, "images": null},
 "filesystems": [
  {"path": "/", "device": "/dev/sda1", "format": "ext4", "label": "root",
   "mountoptions": null, "createoptions": null},
  {"path": "/var", "device": "/dev/nvme0n1p1", "format": "ext4", "label": null,
   "mountoptions": [], "createoptions": []},
  {"path": null, "device": "/dev/sda2", "format": "none", "label": null,
   "mountoptions": null, "createoptions": null}],
 "disks": [
  {"device": "/dev/sda", "partitionprefix": "/dev/sda", "wipeonreinstall": true, "partitions": [
   {"number": 1, "label": "root", "size": 5000, "gpttype": null},
   {"number": 2, "label": null, "size": 0, "gpttype": ""}]},
  {"device": "/dev/nvme0n1", "partitionprefix": "/dev/nvme0n1p", "wipeonreinstall": false,
   "partitions": [{"number": 1, "label": "var", "size": 500000, "gpttype": "8300"}]}],
 "raid": null, "volumegroups": null, "logicalvolumes": null}
""",
}


@pytest.mark.parametrize("name", IN_THE_FIELD)
def test_layouts_of_the_field_are_good(name: str) -> None:
    text = IN_THE_FIELD[name].replace("TMP", TMP.strip())
    assert problems_of(contract.FilesystemLayout, text.encode()) == ()


def layout(path: Path = (), new: object = None) -> contract.FilesystemLayout:
    values = changed(LAYOUT, path, new) if path else LAYOUT
    return contract.load(contract.FilesystemLayout, as_bytes(values), name="layout")


@pytest.mark.parametrize(
    ("disk", "number", "node"),
    [
        ("/dev/sda", 1, "/dev/sda1"),
        ("/dev/sdaa", 15, "/dev/sdaa15"),
        ("/dev/vda", 2, "/dev/vda2"),
        ("/dev/xvdb", 2, "/dev/xvdb2"),
        ("/dev/nvme0n1", 3, "/dev/nvme0n1p3"),
        ("/dev/mmcblk0", 1, "/dev/mmcblk0p1"),
        ("/dev/nbd0", 1, "/dev/nbd0p1"),
        ("/dev/loop7", 1, "/dev/loop7p1"),
        ("/dev/md127", 2, "/dev/md127p2"),
    ],
)
def test_the_kernel_names_partitions(disk: str, number: int, node: str) -> None:
    assert partition_device(disk, number) == node
    made = {
        "disks": ({"device": disk, "partitions": ({"number": number},)},),
        "filesystems": ({"device": node, "path": "/", "format": "ext4"},),
    }
    assert problems_of(contract.FilesystemLayout, as_bytes(made)) == ()


def test_a_volume_has_the_name_that_metal_api_expects() -> None:
    assert volume_device("vg00", "varlib") == "/dev/vg00/varlib"


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        (None, ()),
        (("-F", "32"), ("-F", "32")),
        (("-F 32",), ("-F", "32")),
        (("  -E  lazy_itable_init=0 ", ""), ("-E", "lazy_itable_init=0")),
    ],
)
def test_options_as_a_program_takes_them(options: object, arguments: tuple[str, ...]) -> None:
    made = layout(["filesystems", 0, "createoptions"], options)
    assert made.filesystems[0].create_arguments == arguments
    made = layout(["raid", 0, "createoptions"], options)
    assert made.raid[0].create_arguments == arguments


@pytest.mark.parametrize("level", ["0", "1", 0, 1])
def test_a_level_is_text_or_integer(level: object) -> None:
    assert layout(["raid", 0, "level"], level).raid[0].level == str(level)


@pytest.mark.parametrize("key", ["path", "label"])
def test_an_empty_text_is_none(key: str) -> None:
    made = layout(["filesystems", 5, key], "")
    assert getattr(made.filesystems[5], key) is None


@pytest.mark.parametrize(
    "versions",
    ["*", " * ", "12", "10.0.20201026", "v1.2", "= 12", "!= 12", "> 1.2.3", "< 1", ">= 20.04",
     "=> 1", "<= 1", "=< 1", "~ 1", "~> 1.2", "^ 1.2.3-rc.1+b"],
)  # fmt: skip
def test_version_constraints_that_metal_api_takes(versions: str) -> None:
    made = layout(["constraints", "images", "debian"], versions)
    assert made.constraints.images["debian"] == versions


@pytest.mark.parametrize("versions", ["", ">= ", ">=12", "1.2.3.4", "latest", "> 1, < 2", ">=  12"])
def test_version_constraints_that_it_does_not_take(versions: str) -> None:
    text = as_bytes(changed(LAYOUT, ["constraints", "images", "debian"], versions))
    assert [
        problem.partition(":")[0] for problem in problems_of(contract.FilesystemLayout, text)
    ] == ["constraints.images.debian"]


def test_tmpfs_may_be_anywhere_and_of_any_device() -> None:
    made = layout(["filesystems", 4], {"path": "/dev/shm", "device": "none", "format": "tmpfs"})
    assert made.filesystems[4].path == "/dev/shm"


@pytest.mark.parametrize(
    ("path", "label"),
    [
        (["disks", 0, "partitions", 0, "label"], "x" * 36),
        (["disks", 0, "partitions", 0, "label"], "\U0001f427" * 18),
        (["filesystems", 0, "label"], "EFI SYSTEM1"),
        (["filesystems", 1, "label"], "\u00e4" * 8),
        (["filesystems", 5, "label"], "x" * 15),
    ],
)
def test_labels_at_their_limits(path: Path, label: str) -> None:
    text = as_bytes(changed(LAYOUT, path, label))
    assert problems_of(contract.FilesystemLayout, text) == ()
