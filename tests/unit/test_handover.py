"""What the installer finds in /etc/metal, made from the machine document."""

import json
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import contract
from contract import paths
from contract.values import Value
from contract.yaml_reader import read
from hammer.errors import DocumentInvalid
from hammer.host.lvm import LVMLOCAL_CONF
from hammer.spec import InstallSpec
from hammer.spec import read as read_spec
from hammer.steps.format import Volume
from hammer.steps.handover import disk_json
from hammer.steps.machine_allocation import machine_allocation
from hammer.steps.machine_details import machine_details
from hammer.steps.network_v2 import nat_type, network_type
from hammer.stream.image import Offer
from tests.contract.documents import as_bytes, changed
from tests.unit.documents import spec_of
from tests.unit.fakes import DIGEST, Bench

PROJECT = "0a6f8f5c-6d3e-4a4b-9a3c-3a4f6f1d2b11"
ALLOCATION = "c4b2a2d2-27cd-5a5e-8efc-080ba80cf258"


def offer_of(spec: InstallSpec) -> Offer:
    image = spec.allocation.image
    return Offer(url=image.url or "", digest=DIGEST, size_bytes=None, image_id=image.id)


def told(spec: InstallSpec) -> dict[str, object]:
    """machine-allocation.yaml as another reader of YAML sees it."""
    allocation, left_out = machine_allocation(spec, offer_of(spec))
    assert left_out == []
    text = contract.dump(allocation)
    assert contract.load(contract.MachineAllocation, text.encode(), name="x") == allocation
    values = yaml.safe_load(text)
    assert isinstance(values, dict)
    return values


def with_keys(keys: str) -> InstallSpec:
    """The usual document with more keys in its allocation."""
    return spec_of(("  role: machine\n", keys))


# --- machine-details.yaml -----------------------------------------------------------------


def test_details_are_those_of_install_yaml(bench: Bench) -> None:
    bench.images.files["etc/metal/machine-details.yaml"] = b"id: of another machine\n"
    bench.provision(spec_of())
    metal = bench.target / "etc/metal"
    config = contract.load_file(contract.InstallConfig, metal / "install.yaml")
    details = contract.load_file(contract.MachineDetails, metal / "machine-details.yaml")
    assert (details.id, details.root_uuid) == (config.machineuuid, config.root_uuid)
    assert (details.console, details.raidenabled) == (config.console, False)
    assert details.password == config.password
    assert len(details.password.get_secret_value()) == 16
    assert [nic.name for nic in details.nics] == ["eth0"]


def test_only_the_first_neighbour_and_only_two_of_its_keys() -> None:
    neighbours = (
        contract.Nic(mac="Eth1/4(Port1)", name=None, identifier="Eth1/4"),
        contract.Nic(mac="00:00:00:00:00:09", name="swp9"),
    )
    nic = contract.Nic(mac="00:00:00:00:00:01", name="eth0", neighbors=neighbours)
    config = contract.InstallConfig(hostname="m", nics=(nic, contract.Nic(identifier="eth1")))
    first, second = machine_details(config).nics
    assert first.neighbors == (contract.MachineNic(mac="Eth1/4(Port1)", name=""),)
    assert second == contract.MachineNic(identifier="eth1")


# --- machine-allocation.yaml --------------------------------------------------------------

FULL = f"""  role: firewall
  allocationuuid: {ALLOCATION.upper()}
  name: shop
  description: of the shop
  project: {PROJECT}
  creator: alice
  created: "2024-11-18T10:20:30.405Z"
  vpn: {{address: "https://vpn.test", auth_key: hunter2, connected: true}}
  dns_servers: [{{ip: 192.0.2.53}}]
  ntp_servers: [{{address: time.test}}]
  firewall_rules:
    egress: [{{comment: web, ports: [443], to: [0.0.0.0/0]}}]
    ingress: [{{ports: [53], protocol: udp, from: [10.0.0.0/8], to: [10.0.0.1/32]}}]
"""


def test_the_allocation_of_a_firewall() -> None:
    values = told(with_keys(FULL))
    del values["filesystemLayout"]
    assert values == {
        "uuid": ALLOCATION.upper(),
        "meta": {"createdAt": "2024-11-18T10:20:30.405Z"},
        "name": "shop",
        "description": "of the shop",
        "createdBy": "alice",
        "project": PROJECT,
        "image": {"id": "debian-12.0.20261101", "url": "http://images.test/img.tar.lz4"},
        "hostname": "node1",
        "sshPublicKeys": ["ssh-ed25519 AAAA one", "ssh-ed25519 BBBB two"],
        "userdata": "#cloud-config",
        "allocationType": "MACHINE_ALLOCATION_TYPE_FIREWALL",
        "firewallRules": {
            "egress": [
                {
                    "protocol": "IP_PROTOCOL_TCP",
                    "ports": [443],
                    "to": ["0.0.0.0/0"],
                    "comment": "web",
                }
            ],
            "ingress": [
                {
                    "protocol": "IP_PROTOCOL_UDP",
                    "ports": [53],
                    "to": ["10.0.0.1/32"],
                    "from": ["10.0.0.0/8"],
                }
            ],
        },
        "dnsServers": [{"ip": "192.0.2.53"}],
        "ntpServers": [{"address": "time.test"}],
        "vpn": {
            "controlPlaneAddress": "https://vpn.test",
            "authKey": "hunter2",
            "connected": True,
        },
    }


def test_the_layout_goes_along() -> None:
    assert told(spec_of())["filesystemLayout"] == {
        "id": "default",
        "filesystems": [
            {
                "device": "/dev/vda1",
                "format": "FORMAT_VFAT",
                "path": "/boot/efi",
                "label": "efi",
                "createOptions": ["-F 32"],
            },
            {
                "device": "/dev/vda2",
                "format": "FORMAT_EXT4",
                "path": "/",
                "label": "root",
                "mountOptions": ["defaults", "noatime"],
            },
            {
                "device": "tmpfs",
                "format": "FORMAT_TMPFS",
                "path": "/tmp",
                "mountOptions": ["defaults", "size=512M"],
            },
        ],
        "disks": [
            {
                "device": "/dev/vda",
                "partitions": [
                    {"number": 1, "label": "efi", "size": "500", "gptType": "GPT_TYPE_BOOT"},
                    {"number": 2, "label": "root", "gptType": "GPT_TYPE_LINUX"},
                ],
            }
        ],
    }


def test_a_partition_without_a_type_is_told_as_it_was_made() -> None:
    layout = told(spec_of((', gpttype: "8300"}', "}")))["filesystemLayout"]
    assert isinstance(layout, dict)
    types = [each["gptType"] for each in layout["disks"][0]["partitions"]]
    assert types == ["GPT_TYPE_BOOT", "GPT_TYPE_LINUX"]


ARRAYS = """raid: [{arrayname: /dev/md0, devices: [/dev/vda3], level: "1", spares: 0}]
    volumegroups: [{name: vg, devices: [/dev/vda4, /dev/md0], tags: [t]}]
    logicalvolumes:
      - {name: a, volumegroup: vg, size: 7, lvmtype: striped}
      - {name: b, volumegroup: vg, size: 0}
    id: default"""


def test_arrays_and_volumes_go_along() -> None:
    more = (
        '{number: 3, size: 9, gpttype: "fd00"}\n          - {number: 4, size: 9, gpttype: "8e00"}'
    )
    spec = spec_of(
        ("id: default", ARRAYS),
        ("          - {number: 2,", f"          - {more}\n          - {{number: 2,"),
    )
    layout = told(spec)["filesystemLayout"]
    assert isinstance(layout, dict)
    assert layout["raid"] == [
        {"arrayName": "/dev/md0", "devices": ["/dev/vda3"], "level": "RAID_LEVEL_1"}
    ]
    assert layout["volumeGroups"] == [
        {"name": "vg", "devices": ["/dev/vda4", "/dev/md0"], "tags": ["t"]}
    ]
    assert layout["logicalVolumes"] == [
        {"name": "a", "volumeGroup": "vg", "size": "7", "lvmType": "LVM_TYPE_STRIPED"},
        {"name": "b", "volumeGroup": "vg", "lvmType": "LVM_TYPE_LINEAR"},
    ]


def test_an_image_is_told_without_the_secrets_of_its_url() -> None:
    image = (
        '{id: i, name: n, description: d, url: "https://me:hunter2@h/i.lz4?sig=hunter3", '
        "features: [machine], classification: deprecated, "
        'expirationDate: "2025-05-18T02:00:00+02:00"}'
    )
    old = '{id: debian-12.0.20261101, url: "http://images.test/img.tar.lz4"}'
    assert told(spec_of((old, image)))["image"] == {
        "id": "i",
        "url": "https://h/i.lz4",
        "name": "n",
        "description": "d",
        "features": ["IMAGE_FEATURE_MACHINE"],
        "classification": "IMAGE_CLASSIFICATION_DEPRECATED",
        "expiresAt": "2025-05-18T00:00:00Z",
    }


OWN, SHARED = "privateprimaryunshared", "privateprimaryshared"


@pytest.mark.parametrize(
    ("network", "found"),
    [
        ({"networktype": OWN}, "NETWORK_TYPE_CHILD"),
        ({"networktype": SHARED, "projectid": PROJECT}, "NETWORK_TYPE_CHILD_SHARED"),
        ({"networktype": SHARED}, "NETWORK_TYPE_CHILD"),
        ({"networktype": "privatesecondaryshared"}, "NETWORK_TYPE_CHILD_SHARED"),
        ({"networktype": "external"}, "NETWORK_TYPE_EXTERNAL"),
        ({"networktype": "underlay"}, "NETWORK_TYPE_UNDERLAY"),
        ({"underlay": True}, "NETWORK_TYPE_UNDERLAY"),
        ({"private": True}, "NETWORK_TYPE_CHILD"),
        ({}, "NETWORK_TYPE_EXTERNAL"),
        # What the API says of it is not guessed again, and not taken from the NAT type.
        ({"networktype": OWN, "networktypev2": "child-shared"}, "NETWORK_TYPE_CHILD_SHARED"),
        ({"networktypev2": "super"}, "NETWORK_TYPE_SUPER"),
        ({"networktypev2": "super-namespaced"}, "NETWORK_TYPE_SUPER_NAMESPACED"),
        ({"networktypev2": "NETWORK_TYPE_CHILD", "nattypev2": "none"}, "NETWORK_TYPE_CHILD"),
        ({"networktype": OWN, "networktypev2": ""}, "NETWORK_TYPE_CHILD"),
    ],
)
def test_types_of_networks(network: dict[str, object], found: str) -> None:
    assert network_type(contract.Network.model_validate(network), project="") == found


def test_an_own_shared_network_is_of_the_machines_project() -> None:
    network = contract.Network(networktype=SHARED)
    assert network_type(network, project=PROJECT) == "NETWORK_TYPE_CHILD_SHARED"


@pytest.mark.parametrize(
    ("network", "found"),
    [
        ({"nat": True}, "NAT_TYPE_IPV4_MASQUERADE"),
        ({"nat": False}, "NAT_TYPE_NONE"),
        ({"nat": True, "nattypev2": "none"}, "NAT_TYPE_NONE"),
        ({"nattypev2": "ipv4-masq"}, "NAT_TYPE_IPV4_MASQUERADE"),
        ({"nat": True, "nattypev2": "NAT_TYPE_NONE"}, "NAT_TYPE_NONE"),
    ],
)
def test_kinds_of_masquerading(network: dict[str, object], found: str) -> None:
    assert nat_type(contract.Network.model_validate(network)) == found


NETWORKS = """networks:
    - {networkid: own, networktype: privateprimaryshared, ips: [10.0.0.1], vrf: 46, asn: 4200000001}
    - {networkid: other, networktype: privatesecondaryshared, projectid: %s}
    - {networkid: internet, networktype: external, nat: true, destinationprefixes: [0.0.0.0/0]}
"""
OTHER_PROJECT = "11111111-2222-3333-4444-555555555555"


def test_networks_of_a_machine_in_a_shared_network() -> None:
    spec = spec_of(
        ("networks: []\n", NETWORKS % OTHER_PROJECT),
        ("  role: machine\n", f"  role: machine\n  project: {PROJECT}\n"),
    )
    assert told(spec)["networks"] == [
        {
            "network": "own",
            "ips": ["10.0.0.1"],
            "networkType": "NETWORK_TYPE_CHILD_SHARED",
            "natType": "NAT_TYPE_NONE",
            "vrf": "46",
            "asn": 4200000001,
            "project": PROJECT,
        },
        {
            "network": "other",
            "networkType": "NETWORK_TYPE_CHILD_SHARED",
            "natType": "NAT_TYPE_NONE",
            "project": OTHER_PROJECT,
        },
        {
            "network": "internet",
            "destinationPrefixes": ["0.0.0.0/0"],
            "networkType": "NETWORK_TYPE_EXTERNAL",
            "natType": "NAT_TYPE_IPV4_MASQUERADE",
        },
    ]


def test_the_project_of_a_machine_is_that_of_its_own_network() -> None:
    own = NETWORKS.replace("networkid: own", f"networkid: own, projectid: {PROJECT}")
    values = told(spec_of(("networks: []\n", own % OTHER_PROJECT)))
    assert values["project"] == PROJECT


def test_what_breaks_a_limit_is_left_out_whole_and_told(bench: Bench) -> None:
    servers = ", ".join(f"{{ip: 192.0.2.{number}}}" for number in range(4))
    spec = with_keys(f"  role: machine\n  created: yesterday\n  dns_servers: [{servers}]\n")
    bench.provision(spec)
    path = bench.target / "etc/metal/machine-allocation.yaml"
    allocation = contract.load_file(contract.MachineAllocation, path)
    assert (allocation.dns_servers, allocation.meta) == ((), None)
    assert allocation.hostname == "node1"
    config = contract.load_file(contract.InstallConfig, path.with_name("install.yaml"))
    assert len(config.dns_servers) == 4
    warnings = [event["text"] for event in bench.events if event["event"] == "warning"]
    assert warnings == [
        "machine-allocation.yaml: without meta, meta.createdAt: must be a time of RFC 3339 "
        "between the years 1 and 9999",
        "machine-allocation.yaml: without dnsServers, dnsServers: must not have more than 3 items",
    ]


ANSWER = read(Path(__file__).parents[1].joinpath("contract/metal_api_answer.json").read_bytes())


def leaves(value: Value, path: Sequence[str | int] = ()) -> list[Sequence[str | int]]:
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in leaves(item, [*path, key])]
    if isinstance(value, tuple):
        return [leaf for at, item in enumerate(value) for leaf in leaves(item, [*path, at])]
    return [path]


@settings(deadline=None, max_examples=300)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([leaf for leaf in leaves(ANSWER) if leaf[0] == "allocation"]),
            st.text(max_size=140) | st.integers(0, 2**70) | st.booleans() | st.none(),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_no_document_that_is_good_fails_when_it_is_handed_over(
    changes: list[tuple[Sequence[str | int], Value]],
) -> None:
    """The disks are erased by then: what cannot be told is left out, and the rest is good."""
    values: Value = ANSWER
    for path, new in changes:
        values = changed(values, path, new)
    try:
        spec = read_spec(as_bytes(values), where="machine.yaml")
    except DocumentInvalid:
        return
    allocation, _ = machine_allocation(spec, offer_of(spec))
    text = contract.dump(allocation).encode()
    assert contract.load(contract.MachineAllocation, text, name="x") == allocation


def test_a_rule_is_not_lost_by_its_comment() -> None:
    values = told(with_keys(FULL.replace("comment: web", 'comment: "Web: 1\u00e9"')))
    rules = values["firewallRules"]
    assert isinstance(rules, dict)
    assert rules["egress"][0]["comment"] == "web- --"
    values = told(with_keys(FULL.replace("comment: web", f"comment: {'W' * 101}")))
    assert values["firewallRules"]["egress"][0]["comment"] == "w" * 100  # type: ignore[index]


def test_user_data_that_are_too_long_are_left_out_and_not_told() -> None:
    secret = "hunter2" * 5000
    allocation, left_out = machine_allocation(
        spec := spec_of(('"#cloud-config"', f'"{secret}"')), offer_of(spec)
    )
    assert allocation.userdata.get_secret_value() == ""
    assert left_out == [(("userdata",), "must not be longer than 32768 characters")]


def test_user_data_and_keys_are_trimmed() -> None:
    keys = ("[ssh-ed25519 AAAA one,", r'["ssh-ed25519 AAAA one\n",')
    values = told(spec_of(('"#cloud-config"', r'"#cloud-config\n\n"'), keys))
    assert values["userdata"] == "#cloud-config"
    assert values["sshPublicKeys"] == ["ssh-ed25519 AAAA one", "ssh-ed25519 BBBB two"]


# --- all files ----------------------------------------------------------------------------


def test_files_with_secrets_are_for_root_alone(bench: Bench) -> None:
    bench.provision(spec_of())
    metal = bench.target / "etc/metal"
    names = ("install.yaml", "machine-details.yaml", "machine-allocation.yaml", "disk.json")
    assert {(metal / name).stat().st_mode & 0o777 for name in (*names, "userdata")} == {0o600}


def test_what_an_image_was_built_with_is_removed(bench: Bench) -> None:
    bench.images.files["etc/metal/build-meta.yaml"] = b"buildVersion: of another build\n"
    bench.provision(spec_of())
    assert not (bench.target / "etc/metal/build-meta.yaml").exists()


@pytest.mark.parametrize("has_lvm", [True, False])
def test_lvm_is_told_the_same_wherever_the_agent_runs(bench: Bench, has_lvm: bool) -> None:
    """Never what this host's LVM is told: on a rescue system that is about other disks."""
    if has_lvm:
        bench.images.files["etc/lvm/lvm.conf"] = b""
    bench.provision(spec_of())
    path = bench.target / paths.LVM_LOCAL.relative_to("/")
    assert path.exists() == has_lvm
    if has_lvm:
        assert path.read_text() == LVMLOCAL_CONF
        assert path.stat().st_mode & 0o777 == 0o600


def volume(path: str | None, label: str | None, format: str = "ext4") -> Volume:
    where = PurePosixPath(path) if path else None
    return Volume(
        device=f"/dev/{label}", path=where, format=format, label=label or "", uuid=f"uuid-{label}",
        mountoptions=(),
    )  # fmt: skip


def test_disk_json_has_three_labels_in_the_order_of_the_mounts() -> None:
    volumes = [
        volume("/var/lib", "varlib"),
        volume("/boot/efi", "efi", "vfat"),
        volume("/srv", "data"),
        volume(None, "root"),  # not mounted, whatever it is called
        volume("/", "root"),
    ]
    assert contract.dump_json(disk_json(volumes)) == json.dumps(
        {
            "Device": "legacy",
            "Partitions": [
                {"Label": "root", "Filesystem": "ext4", "Properties": {"UUID": "uuid-root"}},
                {"Label": "varlib", "Filesystem": "ext4", "Properties": {"UUID": "uuid-varlib"}},
                {"Label": "efi", "Filesystem": "vfat", "Properties": {"UUID": "uuid-efi"}},
            ],
        },
        indent=2,
    )
