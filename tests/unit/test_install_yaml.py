"""Step 7: install.yaml from a machine document, byte for byte."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath

import pytest
from pydantic import SecretStr

import contract
from contract.generations import GENERATIONS, generation_of
from hammer import spec
from hammer.steps.format import Volume
from hammer.steps.handover import complete_console, install_config
from tests.contract import golden
from tests.contract.documents import mapping_of
from tests.unit.fakes import Bench

MACHINE = rb"""
id: 4c4c4544-0042-4810-8056-b4c04f395332
allocation:
  hostname: fw-1
  role: firewall
  image: {url: "https://images.example.com/debian/img.tar.lz4"}
  filesystemlayout:
    filesystems: [{path: /, device: /dev/sda1, format: ext4, label: system}]
    disks: [{device: /dev/sda, partitions: [{number: 1, size: 0}]}]
  ssh_pub_keys:
    - "ssh-ed25519 AAAAC3Nza alice@example.com\n"
    - ssh-rsa AAAAB3Nza= bob@example.com
  networks:
    - {asn: 4294967295, ips: [10.0.0.1], networkid: on, networktype: underlay, underlay: true,
       destinationprefixes: null, prefixes: [10.0.0.0/24]}
    - {asn: 65000, ips: ["2001:db8::1"], nat: true, networkid: internet, networktype: external,
       destinationprefixes: ["::/0"], vrf: 104009, projectid: ""}
  firewall_rules:
    egress: [{ports: [443], to: [0.0.0.0/0]}]
    ingress: [{comment: "f\u00fcr alle: ssh", from: ["::/0"], ports: [22], protocol: tcp, to: null}]
  dns_servers: [{ip: 192.0.2.53}]
hardware:
  nics:
    - mac: 00:03:00:11:11:01
      name: lan0
      identifier: 00:03:00:11:11:01
      neighbors:
        - {mac: Eth1/4(Port1), name: null, neighbors: [{mac: "", name: swp1}]}
    - {mac: 00:03:00:11:11:02, name: lan1, neighbors: [{mac: 44:38:39:00:00:1a}, {mac: ""}]}
    - {mac: 00:03:00:11:11:03, name: lan2, neighbors: [{mac: null}]}
    - {mac: 00:03:00:11:11:04, name: lan3, neighbors: []}
"""

ROOT = Volume(
    device="/dev/sda1",
    format="ext4",
    label="system",
    uuid="543eb7f8-98d4-d986-e669-824dbebe69e5",
    path=PurePosixPath("/"),
    mountoptions=(),
)


@pytest.fixture
def config(tmp_path: Path) -> contract.InstallConfig:
    document = spec.read(MACHINE, where="machine.yaml")
    return install_config(Bench(tmp_path).machine, document, (ROOT,))


def test_install_yaml_byte_for_byte(config: contract.InstallConfig) -> None:
    of_that_day = {"password": SecretStr("KAWT5DugqSPAezMl"), "timestamp": "2019-07-01T09:41:43Z"}
    written = contract.dump(config.model_copy(update=of_that_day)).encode()
    assert written == (golden.FOLDER / "handover.yaml").read_bytes()
    assert generation_of(mapping_of(written)) is GENERATIONS[-1]


def test_the_timestamp_is_now(config: contract.InstallConfig) -> None:
    assert re.fullmatch(r"[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}Z", config.timestamp)
    age = datetime.now(UTC) - datetime.fromisoformat(config.timestamp)
    assert timedelta(0) <= age < timedelta(minutes=1)


def test_the_password_is_another_each_time(config: contract.InstallConfig, tmp_path: Path) -> None:
    document = spec.read(MACHINE, where="machine.yaml")
    again = install_config(Bench(tmp_path).machine, document, (ROOT,))
    assert re.fullmatch(r"[A-Za-z0-9+/]{16}", config.password.get_secret_value())
    assert again.password != config.password


@pytest.mark.parametrize(
    ("given", "complete"),
    [
        ("ttyS0", "ttyS0,115200n8"),
        ("ttyS1,", "ttyS1,115200n8"),
        ("ttyS1,9600", "ttyS1,9600n8"),
        ("ttyS10,57600n", "ttyS10,57600n8"),
        ("ttyS1,115200n8", "ttyS1,115200n8"),
        ("ttyS1,115200n8r", "ttyS1,115200n8r"),
        ("ttyS1,115200e7", "ttyS1,115200e7"),
        ("tty0", "tty0"),
        ("ttyAMA0", "ttyAMA0"),
        ("hvc0", "hvc0"),
        ("uart8250,io,0x3f8,115200n8", "uart8250,io,0x3f8,115200n8"),
        ("ttyS", "ttyS"),
    ],
)
def test_the_console_has_what_installers_parse(given: str, complete: str) -> None:
    assert complete_console(given) == complete
