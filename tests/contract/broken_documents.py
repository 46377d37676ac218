"""Broken documents: one fault each, what is said of it, and whether a schema can tell.

A row for another kind: `schema_tells(kind, place, new value, "path: reason", ...)`,
or `check_tells` for a fault that JSON Schema has no words for. The document is the
good one of tests/contract/documents.py, or else the example of the kind, with the
new value at that place.
"""

from dataclasses import dataclass

from contract.kinds import kind_named
from contract.values import Value, values_of
from contract.yaml_limits import MAX_BYTES, MAX_NODES
from tests.contract.documents import GONE, GOOD, Path, as_bytes, changed

BOOT_INFO, INSTALL = "boot-info.yaml", "install.yaml"
LAYOUT, MACHINE = "filesystem-layout", "machine"
DETAILS, ALLOCATION = "machine-details.yaml", "machine-allocation.yaml"
OS_IMAGE, PROVENANCE = "os-image", "hammer-provenance.json"
OS_INSTALLER, BUILD_META, INDEX = "os-installer.yaml", "build-meta.yaml", "image-index"

NOT_PROVIDED = "is no disk, partition, array or volume of the layout"
TWICE_USED = "is used by another part of the layout"
NOT_36_UNITS = "must not be longer than 36 UTF-16 units (UEFI 2.10, 5.3.3: PartitionName)"
NO_COLON = "must not hold a colon, it divides number and name in sgdisk --change-name"
LAST_ONLY = "0 (the rest) is for the last partition only"
LVM_NAME = "must be a name of LVM: letters, digits and + _ . -, not - first"
NORMALISED = "must be normalised: no . or .., no double slash, none at the end"
VERSION = "must be * or a version, with an operator and a space before it"
NO_STRING = "must be a string (quote it)"
NO_TIME = "must be a time of RFC 3339 between the years 1 and 9999"
UNTRIMMED = "must not begin or end with white space"
NO_COMMENT = "must be at most 100 lower case letters, underscores, spaces and dashes"
NO_PATH = "must be an absolute path of a file"
NO_DIGEST = "must be a digest in hexadecimal digits, or the URL of a checksum file"
DIGITS = "must have 32 digits for md5, 64 for sha256, 128 for sha512"
DIGEST = ["allocation", "image", "digest"]
PROPERTIES = ["spec", "properties"]
METAL3 = "metal3.vcluster.com"
NO_TASK = (
    "must be one of 'persist configuration data from metal-hammer', "
    "'check if running in efi mode', 'remove .dockerenv if running in virtual environment', "
    "'write hostname', 'write /etc/hosts', 'write /etc/resolv.conf', 'write ntp configuration', "
    "'create metal user', 'configure network', 'authorized ssh keys', "
    "'fix wrong filesystem permissions', 'process userdata', 'build kernel cmdline', "
    "'write /etc/metal/boot-info.yaml', 'write booatloader config', 'unset machine id', "
    "'deploy systemd services', 'write /etc/metal/build-meta.yaml' or "
    "'execute custom executable'"
)


@dataclass(frozen=True)
class Row:
    """A good document with another value at one place."""

    kind: str
    place: Path
    new: object
    problems: tuple[str, ...]
    """All that is said of it: path, colon, reason."""
    schema_can_tell: bool

    @property
    def id(self) -> str:
        path = ".".join(map(str, self.place))
        shown = "gone" if self.new is GONE else ascii(self.new)
        return f"{self.kind} {path} {shown[:30]}"

    @property
    def text(self) -> bytes:
        return as_bytes(changed(good(self.kind), self.place, self.new))


def good(kind: str) -> Value:
    """What the rows of a kind start from."""
    found = kind_named(kind)
    return GOOD[found.model] if found.model in GOOD else values_of(found.example)


def schema_tells(kind: str, place: Path, new: object, *problems: str) -> Row:
    return Row(kind, place, new, problems, schema_can_tell=True)


def check_tells(kind: str, place: Path, new: object, *problems: str) -> Row:
    return Row(kind, place, new, problems, schema_can_tell=False)


ROWS = [
    # --- boot-info.yaml
    schema_tells(BOOT_INFO, ["kernel"], GONE, "kernel: is missing and required"),
    schema_tells(BOOT_INFO, ["kernel"], "", "kernel: must be an absolute path of a file"),
    schema_tells(
        BOOT_INFO, ["kernel"], "boot/vmlinuz", "kernel: must be an absolute path of a file"
    ),
    schema_tells(BOOT_INFO, ["kernel"], "/boot/", "kernel: must be an absolute path of a file"),
    schema_tells(BOOT_INFO, ["kernel"], "/boot/../vmlinuz", "kernel: must not hold .."),
    schema_tells(BOOT_INFO, ["kernel"], "/a\nb", "kernel: must not hold line ends or zero bytes"),
    schema_tells(BOOT_INFO, ["kernel"], 1, "kernel: must be a string (quote it)"),
    schema_tells(BOOT_INFO, ["initrd"], "initrd", "initrd: must be an absolute path of a file"),
    schema_tells(BOOT_INFO, ["initrd"], ("/a",), "initrd: must be a string (quote it)"),
    schema_tells(BOOT_INFO, ["cmdline"], GONE, "cmdline: is missing and required"),
    schema_tells(BOOT_INFO, ["cmdline"], "a\nb", "cmdline: must be one line"),
    schema_tells(
        BOOT_INFO,
        ["cmdline"],
        "a" * 2048,
        "cmdline: must not be longer than 2047 bytes, the kernel cuts it there",
    ),
    schema_tells(BOOT_INFO, ["bootloader_id"], 7, "bootloader_id: must be a string (quote it)"),
    # --- install.yaml
    schema_tells(INSTALL, ["hostname"], GONE, "hostname: is missing and required"),
    schema_tells(INSTALL, ["hostname"], None, "hostname: must be a string (quote it)"),
    schema_tells(INSTALL, ["hostname"], 12, "hostname: must be a string (quote it)"),
    schema_tells(INSTALL, ["password"], 1234, "password: must be a string (quote it)"),
    schema_tells(INSTALL, ["password"], None, "password: must be a string (quote it)"),
    schema_tells(INSTALL, ["networks"], {}, "networks: must be a list"),
    schema_tells(INSTALL, ["networks"], "x", "networks: must be a list"),
    schema_tells(INSTALL, ["networks", 0], "x", "networks[0]: must be a mapping"),
    schema_tells(INSTALL, ["networks", 0, "asn"], -1, "networks[0].asn: must be at least 0"),
    schema_tells(
        INSTALL, ["networks", 0, "asn"], 4294967296, "networks[0].asn: must be at most 4294967295"
    ),
    schema_tells(INSTALL, ["networks", 0, "asn"], "1", "networks[0].asn: must be an integer"),
    check_tells(INSTALL, ["networks", 0, "asn"], 1.0, "networks[0].asn: must be an integer"),
    schema_tells(INSTALL, ["networks", 0, "asn"], True, "networks[0].asn: must be an integer"),
    schema_tells(INSTALL, ["networks", 0, "vrf"], -1, "networks[0].vrf: must be at least 0"),
    schema_tells(
        INSTALL,
        ["networks", 0, "vrf"],
        2**63,
        "networks[0].vrf: must be at most 9223372036854775807",
    ),
    schema_tells(INSTALL, ["networks", 0, "nat"], 1, "networks[0].nat: must be true or false"),
    schema_tells(INSTALL, ["networks", 0, "nat"], "yes", "networks[0].nat: must be true or false"),
    schema_tells(
        INSTALL, ["networks", 0, "ips", 0], 1, "networks[0].ips[0]: must be a string (quote it)"
    ),
    schema_tells(
        INSTALL, ["nics"], ({"neighbors": (1,)},), "nics[0].neighbors[0]: must be a mapping"
    ),
    schema_tells(INSTALL, ["vpn"], (), "vpn: must be a mapping"),
    schema_tells(INSTALL, ["vpn", "auth_key"], (), "vpn.auth_key: must be a string (quote it)"),
    schema_tells(INSTALL, ["role"], "router", "role: must be one of 'machine' or 'firewall'"),
    schema_tells(INSTALL, ["raidenabled"], "true", "raidenabled: must be true or false"),
    schema_tells(INSTALL, ["dns_servers"], ({},), "dns_servers[0].ip: is missing and required"),
    schema_tells(
        INSTALL,
        ["firewall_rules"],
        {"ingress": ({"ports": (70000,)},)},
        "firewall_rules.ingress[0].ports[0]: must be at most 65535",
    ),
    schema_tells(
        INSTALL,
        ["firewall_rules"],
        {"ingress": ({"from": "x"},)},
        "firewall_rules.ingress[0].from: must be a list",
    ),
    # --- filesystem-layout
    schema_tells(LAYOUT, ["disks", 0, "device"], GONE, "disks[0].device: is missing and required"),
    schema_tells(
        LAYOUT,
        ["disks", 1, "device"],
        "sdb",
        "disks[1].device: must be a device below /dev",
        f"raid[0].devices[0]: {NOT_PROVIDED}",
    ),
    check_tells(
        LAYOUT,
        ["disks", 5],
        {"device": "/dev/sdb"},
        "disks[5].device: is a disk of the layout already",
    ),
    schema_tells(
        LAYOUT,
        ["disks", 5],
        {"device": "/dev/disk/by-id/x"},
        "disks[5].device: must be the kernel's name of the disk, as /dev/sda",
    ),
    schema_tells(
        LAYOUT,
        ["disks", 5],
        {"device": "/dev/../etc"},
        "disks[5].device: must be a device below /dev",
    ),
    schema_tells(
        LAYOUT,
        ["disks", 0, "wipeonreinstal"],
        True,
        "disks[0].wipeonreinstal: unknown key, did you mean wipeonreinstall?",
    ),
    check_tells(
        LAYOUT,
        ["disks", 0, "partitions", 3],
        {"number": 3, "size": 0},
        f"disks[0].partitions[2].size: {LAST_ONLY}",
        "disks[0].partitions[3].number: is used by another partition of the disk",
    ),
    schema_tells(
        LAYOUT,
        ["disks", 0, "partitions", 0, "number"],
        0,
        "disks[0].partitions[0].number: must be at least 1",
    ),
    schema_tells(
        LAYOUT,
        ["disks", 0, "partitions", 0, "number"],
        129,
        "disks[0].partitions[0].number: must be at most 128",
    ),
    schema_tells(
        LAYOUT,
        ["disks", 0, "partitions", 0, "size"],
        -1,
        "disks[0].partitions[0].size: must be at least 0",
    ),
    schema_tells(
        LAYOUT,
        ["disks", 0, "partitions", 0, "size"],
        "500",
        "disks[0].partitions[0].size: must be an integer",
    ),
    check_tells(
        LAYOUT,
        ["disks", 0, "partitions", 1, "size"],
        0,
        f"disks[0].partitions[1].size: {LAST_ONLY}",
    ),
    schema_tells(
        LAYOUT,
        ["disks", 0, "partitions", 0, "gpttype"],
        "ef01",
        "disks[0].partitions[0].gpttype: must be one of 'ef00', '8300', 'fd00' or '8e00'",
    ),
    schema_tells(
        LAYOUT,
        ["disks", 0, "partitions", 0, "gpttype"],
        8300,
        "disks[0].partitions[0].gpttype: must be one of 'ef00', '8300', 'fd00' or '8e00'",
    ),
    schema_tells(
        LAYOUT,
        ["disks", 0, "partitions", 0, "label"],
        "a:b",
        f"disks[0].partitions[0].label: {NO_COLON}",
    ),
    schema_tells(
        LAYOUT,
        ["disks", 0, "partitions", 0, "label"],
        "x" * 37,
        f"disks[0].partitions[0].label: {NOT_36_UNITS}",
    ),
    check_tells(
        LAYOUT,
        ["disks", 0, "partitions", 0, "label"],
        "\U0001f427" * 19,
        f"disks[0].partitions[0].label: {NOT_36_UNITS}",
    ),
    schema_tells(
        LAYOUT,
        ["disks", 0, "partitions", 0, "label"],
        "a\nb",
        "disks[0].partitions[0].label: must not hold control characters",
    ),
    schema_tells(
        LAYOUT,
        ["filesystems", 0, "label"],
        "xxxxxxxxxxxx",
        "filesystems[0].label: must not be longer than 11 bytes, the label of vfat",
    ),
    schema_tells(
        LAYOUT,
        ["filesystems", 0, "label"],
        "a/b",
        "filesystems[0].label: must not hold characters that a label of vfat cannot",
    ),
    schema_tells(
        LAYOUT,
        ["filesystems", 0, "label"],
        "efi ",
        "filesystems[0].label: must not hold characters that a label of vfat cannot",
    ),
    check_tells(
        LAYOUT,
        ["filesystems", 1, "label"],
        "\u00e4" * 9,
        "filesystems[1].label: must not be longer than 16 bytes, the label of ext4",
    ),
    schema_tells(
        LAYOUT,
        ["filesystems", 1, "label"],
        "a\tb",
        "filesystems[1].label: must not hold control characters",
    ),
    schema_tells(
        LAYOUT,
        ["filesystems", 5, "label"],
        "xxxxxxxxxxxxxxxxx",
        "filesystems[5].label: must not be longer than 15 bytes, the label of swap",
    ),
    schema_tells(
        LAYOUT, ["filesystems", 1, "path"], None, "filesystems: must have a filesystem with path /"
    ),
    schema_tells(
        LAYOUT, ["filesystems", 0, "path"], "boot", "filesystems[0].path: must be absolute"
    ),
    schema_tells(
        LAYOUT, ["filesystems", 0, "path"], "/boot/", f"filesystems[0].path: {NORMALISED}"
    ),
    schema_tells(
        LAYOUT, ["filesystems", 0, "path"], "/a/../b", f"filesystems[0].path: {NORMALISED}"
    ),
    schema_tells(
        LAYOUT, ["filesystems", 0, "path"], "//boot", f"filesystems[0].path: {NORMALISED}"
    ),
    schema_tells(
        LAYOUT,
        ["filesystems", 0, "path"],
        "/a b",
        "filesystems[0].path: must not hold white space or control characters (fstab)",
    ),
    schema_tells(
        LAYOUT,
        ["filesystems", 0, "path"],
        "/proc/x",
        "filesystems[0].path: must not be below /proc, where the kernel's filesystem is mounted",
    ),
    schema_tells(
        LAYOUT,
        ["filesystems", 0, "path"],
        "/",
        "filesystems[1].path: has a filesystem of the layout already",
    ),
    check_tells(
        LAYOUT, ["filesystems", 0, "device"], "/dev/sda2", f"filesystems[1].device: {TWICE_USED}"
    ),
    check_tells(
        LAYOUT,
        ["filesystems", 0, "device"],
        "/dev/sda",
        "filesystems[0].device: is a disk with partitions, use one of them",
    ),
    check_tells(
        LAYOUT, ["filesystems", 0, "device"], "/dev/sda9", f"filesystems[0].device: {NOT_PROVIDED}"
    ),
    schema_tells(
        LAYOUT,
        ["filesystems", 0, "format"],
        "btrfs",
        "filesystems[0].format: must be one of 'vfat', 'ext3', 'ext4', 'swap', 'tmpfs' or 'none'",
    ),
    schema_tells(
        LAYOUT, ["filesystems", 4, "path"], "", "filesystems[4].path: is required for tmpfs"
    ),
    schema_tells(
        LAYOUT,
        ["filesystems", 0, "format"],
        "none",
        "filesystems[0].path: must be left out: format none cannot be mounted",
    ),
    schema_tells(
        LAYOUT,
        ["filesystems", 5, "path"],
        "/swap",
        "filesystems[5].path: must be left out: format swap cannot be mounted",
    ),
    schema_tells(
        LAYOUT,
        ["filesystems", 2, "mountoptions", 0],
        "ro noexec",
        "filesystems[2].mountoptions[0]: must not be empty or hold white space (fstab)",
    ),
    schema_tells(
        LAYOUT,
        ["filesystems", 0, "options"],
        (),
        "filesystems[0].options: unknown key, did you mean mountoptions?",
    ),
    schema_tells(LAYOUT, ["raid", 0, "level"], "5", "raid[0].level: must be one of '0' or '1'"),
    schema_tells(LAYOUT, ["raid", 0, "level"], 5, "raid[0].level: must be one of '0' or '1'"),
    schema_tells(LAYOUT, ["raid", 0, "level"], True, "raid[0].level: must be one of '0' or '1'"),
    check_tells(
        LAYOUT, ["raid", 0, "spares"], 2, "raid[0].spares: must leave a device that is no spare"
    ),
    schema_tells(
        LAYOUT,
        ["raid", 0],
        {"arrayname": "/dev/md0", "devices": ("/dev/sdb", "/dev/sdc"), "level": 0, "spares": 1},
        "raid[0].spares: must be 0: level 0 has no spares (mdadm(8))",
    ),
    schema_tells(LAYOUT, ["raid", 0, "devices"], None, "raid[0].devices: must not be empty"),
    schema_tells(
        LAYOUT, ["raid", 0, "devices", 1], "/dev/sdb", f"raid[0].devices[1]: {TWICE_USED}"
    ),
    check_tells(
        LAYOUT,
        ["raid", 0, "devices", 1],
        "/dev/md0",
        f"filesystems[3].device: {TWICE_USED}",
        f"raid[0].devices[1]: {NOT_PROVIDED}",
    ),
    schema_tells(
        LAYOUT,
        ["raid", 0, "arrayname"],
        "md0",
        f"filesystems[3].device: {NOT_PROVIDED}",
        "raid[0].arrayname: must be a device below /dev",
    ),
    check_tells(
        LAYOUT,
        ["raid", 1],
        {"arrayname": "/dev/md0", "devices": ("/dev/sda1",), "level": "1"},
        "raid[1].arrayname: is an array of the layout already",
        f"filesystems[0].device: {TWICE_USED}",
    ),
    check_tells(
        LAYOUT,
        ["volumegroups", 0, "devices"],
        ("/dev/sdd",),
        "logicalvolumes[0].lvmtype: raid1 needs a group of two devices or more",
    ),
    check_tells(
        LAYOUT,
        ["volumegroups", 0, "devices"],
        ("/dev/sdd", "/dev/sdb"),
        f"volumegroups[0].devices[1]: {TWICE_USED}",
    ),
    schema_tells(
        LAYOUT,
        ["volumegroups", 1],
        {"name": "-x", "devices": ()},
        "volumegroups[1].devices: must not be empty",
        f"volumegroups[1].name: {LVM_NAME}",
    ),
    check_tells(
        LAYOUT,
        ["volumegroups", 1],
        {"name": "vg", "devices": ("/dev/sdz",)},
        f"volumegroups[1].devices[0]: {NOT_PROVIDED}",
        "volumegroups[1].name: is a group of the layout already",
        "logicalvolumes[0].lvmtype: raid1 needs a group of two devices or more",
    ),
    check_tells(
        LAYOUT,
        ["logicalvolumes", 0, "size"],
        0,
        "logicalvolumes[0].size: 0 (the rest) is for the last volume of the group only",
    ),
    check_tells(
        LAYOUT,
        ["logicalvolumes", 1, "name"],
        "data",
        "logicalvolumes[1].name: is a volume of the group already",
    ),
    schema_tells(
        LAYOUT, ["logicalvolumes", 1, "name"], "a b", f"logicalvolumes[1].name: {LVM_NAME}"
    ),
    check_tells(
        LAYOUT,
        ["logicalvolumes", 1, "volumegroup"],
        "other",
        "logicalvolumes[1].volumegroup: is no volume group of the layout",
    ),
    schema_tells(
        LAYOUT,
        ["constraints", "sizes"],
        ("c1", "c1", "c*"),
        "constraints.sizes[1]: is listed already",
        "constraints.sizes[2]: must not hold a wildcard",
    ),
    schema_tells(
        LAYOUT,
        ["constraints", "images", "*"],
        "*",
        "constraints.images.(odd key): must name an operating system, without a wildcard",
    ),
    schema_tells(
        LAYOUT, ["constraints", "images", "debian"], ">=12", f"constraints.images.debian: {VERSION}"
    ),
    schema_tells(
        LAYOUT,
        ["constraints", "images", "debian"],
        "? 12",
        "constraints.images.debian: must have an operator of != < <= = =< => > >= ^ ~ ~>",
    ),
    schema_tells(
        LAYOUT,
        ["constraints", "images", "debian"],
        12.5,
        "constraints.images.debian: must be a string (quote it)",
    ),
    # --- machine
    schema_tells(MACHINE, ["allocation"], None, "allocation: must be a mapping"),
    schema_tells(MACHINE, ["allocation"], GONE, "allocation: is missing and required"),
    schema_tells(
        MACHINE,
        ["allocation"],
        {},
        "allocation.filesystemlayout: is missing and required",
        "allocation.hostname: is missing and required",
        "allocation.image: is missing and required",
    ),
    schema_tells(
        MACHINE,
        ["id"],
        "4C4C4544-0042-4810-8056-B4C04F395332",
        "id: must be a UUID in lower case, as in /sys/class/dmi/id/product_uuid",
    ),
    schema_tells(MACHINE, ["id"], 5, "id: must be a string (quote it)"),
    schema_tells(MACHINE, ["alocation"], {}, "alocation: unknown key, did you mean allocation?"),
    schema_tells(MACHINE, ["zzz"], 1, "zzz: unknown key"),
    schema_tells(
        MACHINE,
        ["allocation", "hostnam"],
        "m",
        "allocation.hostnam: unknown key, did you mean hostname?",
    ),
    schema_tells(
        MACHINE,
        ["allocation", "hostname"],
        "a" * 65,
        "allocation.hostname: must not be longer than 64 characters, what Linux takes",
    ),
    schema_tells(
        MACHINE,
        ["allocation", "image", "url"],
        "oci://x/y",
        "allocation.image.url: must be a URL with http, https or file",
    ),
    schema_tells(
        MACHINE,
        ["allocation", "image", "url"],
        "img.tar.lz4",
        "allocation.image.url: must be a URL with http, https or file",
    ),
    schema_tells(
        MACHINE,
        ["allocation", "image", "url"],
        "http:///img",
        "allocation.image.url: must name a host",
    ),
    schema_tells(
        MACHINE,
        ["allocation", "image", "url"],
        "https://host/",
        "allocation.image.url: must name a file on the server",
    ),
    check_tells(
        MACHINE,
        ["allocation", "image", "url"],
        "http://[::1/img",
        "allocation.image.url: must be a URL",
    ),
    schema_tells(MACHINE, ["allocation", "image", "sha"], "x", "allocation.image.sha: unknown key"),
    schema_tells(MACHINE, DIGEST, "x", f"allocation.image.digest: {NO_DIGEST}"),
    schema_tells(
        MACHINE, DIGEST, f"{'0' * 32}  img.tar.lz4", f"allocation.image.digest: {NO_DIGEST}"
    ),
    schema_tells(MACHINE, DIGEST, "0" * 40, f"allocation.image.digest: {DIGITS}"),
    schema_tells(MACHINE, DIGEST, f"sha256:{'0' * 32}", f"allocation.image.digest: {DIGITS}"),
    schema_tells(
        MACHINE,
        DIGEST,
        f"sha1:{'0' * 40}",
        "allocation.image.digest: must be of md5, sha256 or sha512",
    ),
    schema_tells(
        MACHINE, DIGEST, "http://host/", "allocation.image.digest: must name a file on the server"
    ),
    *(
        check_tells(
            MACHINE,
            DIGEST,
            nothing,
            f"allocation.image.digest: is the {algorithm} digest of an empty file, "
            "which is no image",
        )
        for algorithm, nothing in (
            ("md5", "D41D8CD98F00B204E9800998ECF8427E"),
            ("sha256", "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (
                "sha512",
                "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
                "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
            ),
        )
    ),
    schema_tells(
        MACHINE,
        ["allocation", "image", "digest_type"],
        "sha1",
        "allocation.image.digest_type: must be one of 'md5', 'sha256' or 'sha512'",
    ),
    check_tells(
        MACHINE,
        ["allocation", "image"],
        {"url": "http://host/img", "digest": f"{'0' * 64}", "digest_type": "md5"},
        "allocation.image.digest_type: is md5, and the digest is one of sha256",
    ),
    schema_tells(
        MACHINE,
        ["allocation", "image"],
        {"os_image": {"apiVersion": "management.loft.sh/v1", "kind": "OSImage"}},
        "allocation.image.os_image.spec: is missing and required",
    ),
    # --- OSImage
    schema_tells(OS_IMAGE, ["kind"], "Image", "kind: must be one of 'OSImage'"),
    schema_tells(
        OS_IMAGE, ["apiVersion"], "v1", "apiVersion: must be one of 'management.loft.sh/v1'"
    ),
    schema_tells(OS_IMAGE, ["spec"], GONE, "spec: is missing and required"),
    schema_tells(
        OS_IMAGE,
        PROPERTIES,
        {"kubevirt.vcluster.com/image-url": "docker://x"},
        f"spec.properties.{METAL3}/image-url: is missing and required",
    ),
    schema_tells(
        OS_IMAGE,
        [*PROPERTIES, f"{METAL3}/image-url"],
        "oci://host/x",
        f"spec.properties.{METAL3}/image-url: must be a URL with http, https or file",
    ),
    check_tells(
        OS_IMAGE,
        [*PROPERTIES, f"{METAL3}/image-checksum"],
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        f"spec.properties.{METAL3}/image-checksum: is the sha256 digest of an empty file, "
        "which is no image",
    ),
    check_tells(
        OS_IMAGE,
        [*PROPERTIES, f"{METAL3}/image-checksum"],
        "0" * 128,
        f"spec.properties.{METAL3}/image-checksum-type: is sha256, and the digest is one of sha512",
    ),
    schema_tells(
        OS_IMAGE,
        [*PROPERTIES, f"{METAL3}/image-checksum-type"],
        "auto",
        f"spec.properties.{METAL3}/image-checksum-type: must be one of 'md5', 'sha256' or 'sha512'",
    ),
    # --- hammer-provenance.json
    schema_tells(PROVENANCE, ["agent"], GONE, "agent: is missing and required"),
    schema_tells(PROVENANCE, ["image", "members"], -1, "image.members: must be at least 0"),
    schema_tells(
        PROVENANCE,
        ["image", "digest", "algorithm"],
        "sha1",
        "image.digest.algorithm: must be one of 'md5', 'sha256' or 'sha512'",
    ),
    schema_tells(
        MACHINE,
        ["allocation", "role"],
        "Machine",
        "allocation.role: must be one of 'machine' or 'firewall'",
    ),
    schema_tells(
        MACHINE, ["allocation", "ssh_pub_keys"], "key", "allocation.ssh_pub_keys: must be a list"
    ),
    schema_tells(
        MACHINE,
        ["allocation", "networks", 0, "natt"],
        True,
        "allocation.networks[0].natt: unknown key, did you mean nat?",
    ),
    schema_tells(
        MACHINE,
        ["allocation", "vpn", "authkey"],
        "k",
        "allocation.vpn.authkey: unknown key, did you mean auth_key?",
    ),
    schema_tells(
        MACHINE,
        ["allocation", "firewall_rules", "egress", 0, "form"],
        (),
        "allocation.firewall_rules.egress[0].form: unknown key",
    ),
    schema_tells(
        MACHINE,
        ["allocation", "user_data"],
        {"a": 1},
        "allocation.user_data: must be a string (quote it)",
    ),
    check_tells(
        MACHINE,
        ["allocation", "filesystemlayout", "disks", 0, "partitions", 1, "size"],
        0,
        f"allocation.filesystemlayout.disks[0].partitions[1].size: {LAST_ONLY}",
    ),
    schema_tells(
        MACHINE,
        ["hardware", "nics", 0, "neighbors", 0, "nam"],
        "x",
        "hardware.nics[0].neighbors[0].nam: unknown key, did you mean name?",
    ),
    schema_tells(
        MACHINE,
        ["hardware", "nics", 0, "mac"],
        1,
        "hardware.nics[0].mac: must be a string (quote it)",
    ),
    # --- lists that must not be empty
    schema_tells(LAYOUT, ["raid", 0, "devices"], (), "raid[0].devices: must not be empty"),
    schema_tells(
        LAYOUT,
        ["volumegroups", 0, "devices"],
        (),
        "volumegroups[0].devices: must not be empty",
        "logicalvolumes[0].lvmtype: raid1 needs a group of two devices or more",
    ),
    # --- disk.json
    schema_tells("disk.json", ["Device"], 1, "Device: must be a string (quote it)"),
    schema_tells("disk.json", ["Partitions"], {}, "Partitions: must be a list"),
    schema_tells(
        "disk.json",
        ["Partitions", 0, "Properties", "UUID"],
        (),
        "Partitions[0].Properties.UUID: must be a string (quote it)",
    ),
    # --- machine-details.yaml
    schema_tells(DETAILS, ["id"], 5, f"id: {NO_STRING}"),
    schema_tells(DETAILS, ["nics"], {}, "nics: must be a list"),
    schema_tells(DETAILS, ["nics", 0], "lan0", "nics[0]: must be a mapping"),
    schema_tells(DETAILS, ["nics", 0, "mac"], 1, f"nics[0].mac: {NO_STRING}"),
    schema_tells(DETAILS, ["nics", 0, "speed"], -1, "nics[0].speed: must be at least 0"),
    schema_tells(
        DETAILS,
        ["nics", 0, "speed"],
        2**64,
        "nics[0].speed: must be at most 18446744073709551615",
    ),
    # Quotes around a number are for protobuf alone.
    schema_tells(DETAILS, ["nics", 0, "speed"], "1", "nics[0].speed: must be an integer"),
    schema_tells(
        DETAILS,
        ["nics", 0, "neighbors", 0, "name"],
        5,
        f"nics[0].neighbors[0].name: {NO_STRING}",
    ),
    schema_tells(DETAILS, ["password"], None, f"password: {NO_STRING}"),
    schema_tells(DETAILS, ["password"], ("secret-password",), f"password: {NO_STRING}"),
    schema_tells(DETAILS, ["raidenabled"], "yes", "raidenabled: must be true or false"),
    schema_tells(DETAILS, ["root_uuid"], 1e9, f"root_uuid: {NO_STRING}"),
    # --- machine-allocation.yaml
    schema_tells(ALLOCATION, ["uuid"], "x", "uuid: must be a UUID"),
    schema_tells(ALLOCATION, ["project"], "shop", "project: must be a UUID"),
    schema_tells(
        ALLOCATION,
        ["createdBy"],
        "a" * 129,
        "createdBy: must not be longer than 128 characters",
    ),
    schema_tells(ALLOCATION, ["meta", "createdAt"], "yesterday", f"meta.createdAt: {NO_TIME}"),
    schema_tells(
        ALLOCATION, ["meta", "createdAt"], "2024-02-30T00:00:00Z", f"meta.createdAt: {NO_TIME}"
    ),
    schema_tells(ALLOCATION, ["meta", "updatedAt"], 0, f"meta.updatedAt: {NO_STRING}"),
    schema_tells(ALLOCATION, ["meta", "generation"], -1, "meta.generation: must be at least 0"),
    schema_tells(
        ALLOCATION,
        ["image", "features"],
        ("machine",),
        "image.features[0]: must be one of 'IMAGE_FEATURE_MACHINE' or 'IMAGE_FEATURE_FIREWALL'",
    ),
    # Number 0 of an enum is "not set", which no element of a list can be.
    schema_tells(
        ALLOCATION,
        ["image", "features"],
        (0,),
        "image.features[0]: must be one of 'IMAGE_FEATURE_MACHINE' or 'IMAGE_FEATURE_FIREWALL'",
    ),
    schema_tells(
        ALLOCATION,
        ["allocationType"],
        "firewall",
        "allocationType: must be one of 'MACHINE_ALLOCATION_TYPE_MACHINE' or "
        "'MACHINE_ALLOCATION_TYPE_FIREWALL'",
    ),
    schema_tells(
        ALLOCATION,
        ["networks", 0, "natType"],
        3,
        "networks[0].natType: must be one of 'NAT_TYPE_NONE' or 'NAT_TYPE_IPV4_MASQUERADE'",
    ),
    schema_tells(ALLOCATION, ["networks", 0, "vrf"], "046", "networks[0].vrf: must be an integer"),
    check_tells(
        ALLOCATION,
        ["networks", 0, "vrf"],
        "18446744073709551616",
        "networks[0].vrf: must be at most 18446744073709551615",
    ),
    schema_tells(
        ALLOCATION,
        ["networks", 0, "asn"],
        2**32,
        "networks[0].asn: must be at most 4294967295",
    ),
    schema_tells(
        ALLOCATION,
        ["networks", 0, "network_type"],
        "NETWORK_TYPE_CHILD",
        "networks[0].network_type: is another name of networkType, which is there too",
    ),
    schema_tells(
        ALLOCATION,
        ["dnsServer"],
        (),
        "dnsServer: is another name of dnsServers, which is there too",
    ),
    schema_tells(
        ALLOCATION,
        ["networks", 0, "netwrk"],
        "x",
        "networks[0].netwrk: unknown key, did you mean network?",
    ),
    schema_tells(
        ALLOCATION,
        ["hostname"],
        "a" * 65,
        "hostname: must not be longer than 64 characters, what Linux takes",
    ),
    schema_tells(
        ALLOCATION,
        ["sshPublicKeys"],
        ("ssh-ed25519 AAAA",) * 51,
        "sshPublicKeys: must not have more than 50 items",
    ),
    schema_tells(ALLOCATION, ["sshPublicKeys", 0], "key\n", f"sshPublicKeys[0]: {UNTRIMMED}"),
    schema_tells(ALLOCATION, ["userdata"], "secret-userdata\n", f"userdata: {UNTRIMMED}"),
    schema_tells(
        ALLOCATION,
        ["userdata"],
        "x" * 32769,
        "userdata: must not be longer than 32768 characters",
    ),
    schema_tells(
        ALLOCATION,
        ["firewallRules", "egress", 0, "ports"],
        (65533,),
        "firewallRules.egress[0].ports[0]: must be at most 65532",
    ),
    schema_tells(
        ALLOCATION,
        ["firewallRules", "egress", 0, "comment"],
        "Web",
        f"firewallRules.egress[0].comment: {NO_COMMENT}",
    ),
    schema_tells(
        ALLOCATION,
        ["firewallRules", "ingress", 0, "comment"],
        "a" * 101,
        f"firewallRules.ingress[0].comment: {NO_COMMENT}",
    ),
    schema_tells(
        ALLOCATION,
        ["firewallRules", "egress", 0, "from"],
        ("10.0.0.0/8",),
        "firewallRules.egress[0].from: unknown key",
    ),
    schema_tells(
        ALLOCATION,
        ["dnsServers"],
        ({"ip": "192.0.2.53"},) * 4,
        "dnsServers: must not have more than 3 items",
    ),
    schema_tells(
        ALLOCATION,
        ["ntpServers"],
        ({"address": "time.example.com"},) * 11,
        "ntpServers: must not have more than 10 items",
    ),
    schema_tells(ALLOCATION, ["vpn", "authKey"], ("secret-key",), f"vpn.authKey: {NO_STRING}"),
    schema_tells(
        ALLOCATION,
        ["vpn", "auth_ky"],
        "secret-key",
        "vpn.auth_ky: unknown key, did you mean authKey?",
    ),
    schema_tells(
        ALLOCATION,
        ["filesystemLayout", "disks", 0, "wipeonreinstall"],
        True,
        "filesystemLayout.disks[0].wipeonreinstall: unknown key",
    ),
    schema_tells(
        ALLOCATION,
        ["filesystemLayout", "filesystems", 0, "mountOptions"],
        ("ro", "ro"),
        "filesystemLayout.filesystems[0].mountOptions: must not hold an element twice",
    ),
    schema_tells(
        ALLOCATION,
        ["filesystemLayout", "filesystems", 0, "path"],
        "/" + "a" * 4096,
        "filesystemLayout.filesystems[0].path: must not be longer than 4096 characters",
    ),
    schema_tells(
        ALLOCATION,
        ["filesystemLayout", "raid", 0, "level"],
        "1",
        "filesystemLayout.raid[0].level: must be one of 'RAID_LEVEL_0' or 'RAID_LEVEL_1'",
    ),
    schema_tells(
        ALLOCATION,
        ["placementLabels"],
        {"rack": "a"},
        "placementLabels.rack: unknown key",
    ),
    # --- os-installer.yaml
    schema_tells(OS_INSTALLER, ["os_nam"], "x", "os_nam: unknown key, did you mean os_name?"),
    schema_tells(OS_INSTALLER, ["only"], "write hostname", "only: must be a list"),
    schema_tells(OS_INSTALLER, ["only", 0], "write hostnames", f"only[0]: {NO_TASK}"),
    schema_tells(OS_INSTALLER, ["except", 0], "write bootloader config", f"except[0]: {NO_TASK}"),
    schema_tells(
        OS_INSTALLER,
        ["custom_script", "executable_path"],
        GONE,
        "custom_script.executable_path: is missing and required",
    ),
    schema_tells(
        OS_INSTALLER,
        ["custom_script", "executable_path"],
        "run.sh",
        f"custom_script.executable_path: {NO_PATH}",
    ),
    schema_tells(
        OS_INSTALLER,
        ["custom_script", "executable_path"],
        "/usr/../run.sh",
        "custom_script.executable_path: must not hold ..",
    ),
    schema_tells(
        OS_INSTALLER,
        ["custom_script", "work_dir"],
        "/",
        "custom_script.work_dir: unknown key, did you mean workdir?",
    ),
    schema_tells(OS_INSTALLER, ["overwrites"], (), "overwrites: must be a mapping"),
    schema_tells(
        OS_INSTALLER, ["overwrites", "bootloader_id"], 1, f"overwrites.bootloader_id: {NO_STRING}"
    ),
    # --- build-meta.yaml
    schema_tells(BUILD_META, ["buildVersion"], 0.3, f"buildVersion: {NO_STRING}"),
    schema_tells(BUILD_META, ["buildSHA"], 1917, f"buildSHA: {NO_STRING}"),
    schema_tells(BUILD_META, ["ignitionVersion"], ("2",), f"ignitionVersion: {NO_STRING}"),
    # --- image-index
    schema_tells(INDEX, ["images"], "x", "images: must be a list"),
    schema_tells(INDEX, ["image"], (), "image: unknown key, did you mean images?"),
    schema_tells(INDEX, ["images", 0, "id"], GONE, "images[0].id: is missing and required"),
    schema_tells(
        INDEX,
        ["images", 0, "id"],
        "debian",
        "images[0].id: must be an operating system and a version: debian-12.0.20241118",
    ),
    schema_tells(
        INDEX,
        ["images", 0, "id"],
        "debian-bookworm",
        "images[0].id: must have a version as 12, 12.0 or 12.0.20241118",
    ),
    check_tells(
        INDEX,
        ["images", 0, "id"],
        "debian-12.0.18446744073709551616",
        "images[0].id: must have a version of numbers below 2^64",
    ),
    check_tells(
        INDEX,
        ["images", 1, "id"],
        "debian-12.0.20241118",
        "images[1].id: is the id of another image already",
    ),
    schema_tells(INDEX, ["images", 0, "url"], GONE, "images[0].url: is missing and required"),
    schema_tells(INDEX, ["images", 0, "url"], 7, f"images[0].url: {NO_STRING}"),
    schema_tells(INDEX, ["images", 0, "features"], (7,), f"images[0].features[0]: {NO_STRING}"),
    schema_tells(
        INDEX, ["images", 0, "classification"], 7, f"images[0].classification: {NO_STRING}"
    ),
    schema_tells(INDEX, ["images", 0, "sha256"], "x", "images[0].sha256: unknown key"),
]

# --- texts that are no document of any kind: name, text, what is said ----------------------

_BOMB = b"a: &a [x, x, x, x]\n" + b"".join(
    b"%c: &%c [*%c, *%c, *%c, *%c]\n" % (c + 1, c + 1, c, c, c, c) for c in range(97, 121)
)

UNREADABLE: list[tuple[str, bytes, str]] = [
    ("empty", b"", "must be a mapping"),
    ("only a comment", b"# nothing\n", "must be a mapping"),
    ("a list", b"- a\n", "must be a mapping"),
    ("a scalar", b"hello\n", "must be a mapping"),
    ("a JSON list", b"[]", "must be a mapping"),
    ("binary", bytes(range(256)), "line 2: is not UTF-8"),
    ("a tarball", b"img\x00\x00\x00" * 1000, "line 1: "),
    ("latin-1", "a: 1\nhostname: m\u00fcller\n".encode("latin-1"), "line 2: is not UTF-8"),
    ("UTF-16", "hostname: m1\n".encode("utf-16"), "line 1: is not UTF-8"),
    ("a control character", b"a: 1\nb: \x07\n", "line 2: holds a character that YAML forbids"),
    ("two documents", b"a: 1\n---\nb: 2\n", "line 2: a second document begins; one per file"),
    ("a key twice", b"a: 1\nb: 2\na: 3\n", "line 3: the same key as in line 1"),
    ("a quoted key twice", b"a: 1\n'a': 3\n", "line 2: the same key as in line 1"),
    ("an inner key twice", b"a:\n  b: 1\n  b: 1\n", "line 3: the same key as in line 2"),
    ("a JSON key twice", b'{"a": 1, "a": 1}', "an object has the same key twice"),
    ("an alias", b"a: &x [1]\nb: *x\n", "line 2: aliases are not supported"),
    ("a merge", b"a: &x {b: 1}\nc:\n  <<: *x\n", "line 3: aliases are not supported"),
    ("an alias of nothing", b"a: *x\n", "line 1: "),
    ("an alias bomb", _BOMB, "line 2: aliases are not supported"),
    ("an alias as key", b"a: &x b\n*x : 1\n", "line 2: a key must be a string"),
    ("a tag", b"a: 1\nb: !!python/object/apply:os.system [x]\n", "line 2: tags are not supported"),
    ("a tagged scalar", b"a: !!int 5\n", "line 1: tags are not supported"),
    ("a tagged mapping", b"a: !vault {b: 1}\n", "line 1: tags are not supported"),
    ("a list as key", b"? [a]\n: 1\n", "line 1: a key must be a string"),
    ("a tab", b"a:\n\tb: 1\n", "line 2: found character"),
    ("an open quote", b"a: 1\nb: 'x\n", "line 3: found unexpected end of stream"),
    ("an open bracket", b"a: [1\n", "line 2: did not find expected ',' or ']'"),
    ("two colons", b"a: b: c\n", "line 1: mapping values are not allowed in this context"),
    ("JSON cut short", b'{"a": {"b": 1', "did not find expected ',' or '}'"),
    ("JSON with NaN", b'{"a": NaN}', "holds NaN or Infinity"),
    ("deep YAML", b"a: " + b"[" * 100_000, "nested deeper than 64 levels"),
    ("deep blocks", b"- " * 100_000, "nested deeper than 64 levels"),
    ("deep JSON", b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested deeper than 64"),
    ("JSON a little deep", b'{"a": ' + b"[" * 65 + b"]" * 65 + b"}", "nested deeper than 64"),
    ("many values", b"a:\n" + b"- a\n" * 1_000_000, f"holds more than {MAX_NODES} values"),
    ("many JSON values", b'{"a":[' + b"1," * 2_000_000 + b"1]}", f"more than {MAX_NODES} values"),
    ("many brackets", b"{" * MAX_BYTES, "line 1: a key must be a string"),
    ("many question marks", b"? " * 2_000_000, "line 1: a key must be a string"),
    ("many anchors", b"a: " + b"&a" * 2_000_000, "line 1: "),
    ("one byte too many", b"a: " + b"x" * (MAX_BYTES - 2), "is larger than 4096 KiB"),
    ("100 MB", b"\0" * 100_000_000, "is larger than 4096 KiB"),
]
