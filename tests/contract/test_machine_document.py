"""The machine document: a saved answer of metal-api replays, a typing error does not."""

import json
from pathlib import Path

import pytest

import contract
from contract.document import Document
from tests.contract.documents import GONE, MACHINE, as_bytes, changed, problems_of

ANSWER = Path(__file__).with_name("metal_api_answer.json")


def test_a_saved_answer_replays_unchanged() -> None:
    machine = contract.load_file(contract.MachineDocument, ANSWER)
    assert machine.id == "4c4c4544-0042-4810-8056-b4c04f395332"
    assert machine.allocation.hostname == "node-1"
    assert [nic.name for nic in machine.hardware.nics] == ["lan0", "lan1"]
    assert machine.hardware.nics[0].neighbors[0].identifier == "Eth1/1"


def test_a_saved_answer_as_yaml_is_the_same() -> None:
    machine = contract.load_file(contract.MachineDocument, ANSWER)
    text = contract.dump(machine)
    assert contract.load(contract.MachineDocument, text.encode(), name="machine.yaml") == machine


def test_networks_go_to_install_yaml_as_they_came() -> None:
    machine = contract.load_file(contract.MachineDocument, ANSWER)
    networks = json.loads(ANSWER.read_text())["allocation"]["networks"]
    config = contract.InstallConfig(
        hostname="m", networks=machine.allocation.networks, nics=machine.hardware.nics
    )
    again = contract.load(contract.InstallConfig, contract.dump(config).encode(), name="x")
    for network, delivered in zip(again.networks, networks, strict=True):
        for key, value in delivered.items():
            found = getattr(network, key)
            assert (list(found) if isinstance(value, list) else found) == value


def test_what_is_least_needed() -> None:
    text = b"""
allocation:
    hostname: m1
    image: {url: "file:///images/img.tar.lz4"}
    filesystemlayout:
        disks: [{device: /dev/vda, partitions: [{number: 1}]}]
        filesystems: [{path: /, device: /dev/vda1, format: ext4}]
"""
    machine = contract.load(contract.MachineDocument, text, name="machine.yaml")
    assert machine.id is None
    assert machine.allocation.role == "machine"
    assert machine.allocation.networks == ()
    assert machine.hardware.nics == ()
    assert machine.allocation.user_data is None


@pytest.mark.parametrize(
    "key", ["networks", "ssh_pub_keys", "dns_servers", "ntp_servers", "vpn", "firewall_rules",
            "user_data"]
)  # fmt: skip
@pytest.mark.parametrize("absent", [None, GONE])
def test_what_may_be_missing_or_null(key: str, absent: object) -> None:
    text = as_bytes(changed(MACHINE, ["allocation", key], absent))
    assert problems_of(contract.MachineDocument, text) == ()


@pytest.mark.parametrize(
    "url",
    [
        "http://images.example.com/img.tar.lz4",
        "https://user:pw@host:8443/a/b.tar.lz4?sig=1#x",
        "http://[2001:db8::1]:8080/img",
        "http://10.0.2.2/img",
        "file:///srv/img.tar.lz4",
        "HTTPS://host/img",
    ],
)
def test_urls_of_images(url: str) -> None:
    text = as_bytes(changed(MACHINE, ["allocation", "image", "url"], url))
    assert problems_of(contract.MachineDocument, text) == ()


def test_a_document_for_people_refuses_what_install_yaml_ignores() -> None:
    """An image may be older than the agent; the writer of a machine document made a mistake."""
    cases: list[tuple[type[Document], object]] = [
        (contract.InstallConfig, {"hostname": "m", "later": 1, "networks": [{"later": 1}]}),
        (contract.BootInfo, {"kernel": "/k", "cmdline": "", "later": 1}),
    ]
    for model, values in cases:
        assert problems_of(model, as_bytes(values)) == ()
    text = as_bytes(changed(MACHINE, ["later"], 1))
    assert problems_of(contract.MachineDocument, text) == ("later: unknown key",)
