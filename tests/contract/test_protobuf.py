"""protobuf's JSON mapping: what is taken, and the one form in which it is written."""

import json

import pytest

import contract
from contract import MachineAllocation
from contract.values import Value
from tests.contract.documents import as_bytes, problems_of


def again(values: Value) -> object:
    """The document of `values`, written and read as plain YAML."""
    document = contract.load(MachineAllocation, as_bytes(values), name="doc")
    text = contract.dump(document).encode()
    assert contract.load(MachineAllocation, text, name="doc") == document
    return contract.yaml_reader.read(text)


def network(**values: Value) -> Value:
    return {"networks": (values,)}


def created(time: Value) -> Value:
    return {"meta": {"createdAt": time}}


def egress(**values: Value) -> Value:
    return {"firewallRules": {"egress": (values,)}}


def nothing(key: str) -> Value:
    return {key: ({},)}


@pytest.mark.parametrize(
    ("given", "written"),
    [
        # 64 bits: quoted, and taken either way. 32 bits: the other way round.
        (network(vrf=46), network(vrf="46")),
        (network(vrf="46"), network(vrf="46")),
        (network(vrf=2**64 - 1), network(vrf=str(2**64 - 1))),
        (network(asn=4200000001), network(asn=4200000001)),
        (network(asn="4200000001"), network(asn=4200000001)),
        (egress(ports=(22, "443")), egress(ports=(22, 443))),
        # Enums by name and by number.
        (network(networkType="NETWORK_TYPE_CHILD"), network(networkType="NETWORK_TYPE_CHILD")),
        (network(networkType=5), network(networkType="NETWORK_TYPE_CHILD")),
        (network(natType=2), network(natType="NAT_TYPE_IPV4_MASQUERADE")),
        ({"allocationType": 1}, {"allocationType": "MACHINE_ALLOCATION_TYPE_MACHINE"}),
        ({"image": {"features": (2,)}}, {"image": {"features": ("IMAGE_FEATURE_FIREWALL",)}}),
        (
            {"filesystemLayout": {"raid": ({"level": 1}, {"level": 2})}},
            {"filesystemLayout": {"raid": ({"level": "RAID_LEVEL_0"}, {"level": "RAID_LEVEL_1"})}},
        ),
        # What has its zero value is not written, a message without any value is.
        (network(vrf=0, asn="0", natType=0, network="", ips=()), nothing("networks")),
        (network(natType="NAT_TYPE_UNSPECIFIED", vrf=None, ips=None), nothing("networks")),
        ({"hostname": "", "userdata": None, "vpn": None}, {}),
        ({"vpn": {"connected": False, "authKey": ""}}, {"vpn": {}}),
        # Names of the .proto file, and of before.
        ({"ssh_public_keys": ("a",)}, {"sshPublicKeys": ("a",)}),
        (network(destination_prefixes=("::/0",)), network(destinationPrefixes=("::/0",))),
        ({"dnsServer": ({"ip": "::1"},)}, {"dnsServers": ({"ip": "::1"},)}),
        ({"ntpServer": ({"address": "a"},)}, {"ntpServers": ({"address": "a"},)}),
        # Times in UTC, with 0, 3, 6 or 9 digits.
        (created("2024-11-20T09:41:43Z"), created("2024-11-20T09:41:43Z")),
        (created("2024-11-20T09:41:43.5Z"), created("2024-11-20T09:41:43.500Z")),
        (created("2024-11-20T09:41:43.1234Z"), created("2024-11-20T09:41:43.123400Z")),
        (created("2024-11-20T09:41:43.000Z"), created("2024-11-20T09:41:43Z")),
        (created("2024-11-20T00:41:43+01:00"), created("2024-11-19T23:41:43Z")),
        (created("0001-01-01T00:00:00Z"), created("0001-01-01T00:00:00Z")),
    ],
)
def test_what_is_taken_and_how_it_is_written(given: Value, written: Value) -> None:
    assert again(given) == written


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (network(vrf="-1"), "networks[0].vrf: must be an integer"),
        (network(vrf="046"), "networks[0].vrf: must be an integer"),
        (network(vrf=""), "networks[0].vrf: must be an integer"),
        (network(vrf=True), "networks[0].vrf: must be an integer"),
        (network(vrf=-1), "networks[0].vrf: must be at least 0"),
        (network(vrf=str(2**64)), f"networks[0].vrf: must be at most {2**64 - 1}"),
        (network(asn=2**32), f"networks[0].asn: must be at most {2**32 - 1}"),
        (
            network(natType=3),
            "networks[0].natType: must be one of 'NAT_TYPE_NONE' or 'NAT_TYPE_IPV4_MASQUERADE'",
        ),
        (
            network(natType="none"),
            "networks[0].natType: must be one of 'NAT_TYPE_NONE' or 'NAT_TYPE_IPV4_MASQUERADE'",
        ),
        (
            network(natType=False),
            "networks[0].natType: must be one of 'NAT_TYPE_NONE' or 'NAT_TYPE_IPV4_MASQUERADE'",
        ),
        (
            {"image": {"features": (0,)}},
            "image.features[0]: must be one of 'IMAGE_FEATURE_MACHINE' or 'IMAGE_FEATURE_FIREWALL'",
        ),
        (
            egress(ports=("65533",)),
            "firewallRules.egress[0].ports[0]: must be at most 65532",
        ),
        (egress(ports=("ssh",)), "firewallRules.egress[0].ports[0]: must be an integer"),
        (network(ips=(None,)), "networks[0].ips[0]: must be a string (quote it)"),
        (network(masquerade=True), "networks[0].masquerade: unknown key"),
        ({"sshpublickeys": ()}, "sshpublickeys: unknown key, did you mean sshPublicKeys?"),
        (
            {"dnsServers": (), "dns_servers": ()},
            "dns_servers: is another name of dnsServers, which is there too",
        ),
        (
            {"dnsServer": (), "dns_servers": ()},
            "dns_servers: is another name of dnsServers, which is there too",
        ),
        (
            {"filesystem_layout": {"volume_groups": ({"nam": "x"},)}},
            "filesystemLayout.volumeGroups[0].nam: unknown key, did you mean name?",
        ),
        (
            created("2024-11-20"),
            "meta.createdAt: must be a time of RFC 3339 between the years 1 and 9999",
        ),
        (
            created("2024-02-30T00:00:00Z"),
            "meta.createdAt: must be a time of RFC 3339 between the years 1 and 9999",
        ),
        (
            created("0001-01-01T00:00:00+01:00"),
            "meta.createdAt: must be a time of RFC 3339 between the years 1 and 9999",
        ),
    ],
)
def test_what_is_refused(given: Value, problem: str) -> None:
    assert problems_of(MachineAllocation, as_bytes(given)) == (problem,)


def test_other_models_know_one_name_per_key() -> None:
    text = json.dumps({"nics": [], "root_uuid": "x", "rootUuid": "y"}).encode()
    assert contract.load(contract.MachineDetails, text, name="doc").root_uuid == "x"
