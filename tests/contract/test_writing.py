"""What is written: byte for byte as images know it, and the same to every reader."""

import json
import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

import contract
from contract.install_config import EgressRule, FirewallRules, IngressRule, Network, Nic, Vpn
from contract.values import Value
from contract.yaml_reader import read
from contract.yaml_writer import write
from tests.contract.golden import FOLDER
from tests.contract.independent import yaml_1_2

CONFIG = contract.InstallConfig(
    hostname="on",
    networks=(
        Network(
            asn=4210000000,
            destinationprefixes=("0.0.0.0/0", "::/0"),
            ips=("10.0.17.2",),
            nat=True,
            networkid="internet",
            networktype="external",
            prefixes=("10.0.17.0/24",),
            projectid="",
            vrf=3981,
        ),
        Network(underlay=True),
    ),
    machineuuid="e0ab02d2-27cd-5a5e-8efc-080ba80cf258",
    sshpublickey="ssh-ed25519 AAAAC3 a@b\nssh-rsa AAAAB3= c: d",
    password=SecretStr("KAWT5DugqSPAezMl"),
    console="ttyS1,115200n8",
    timestamp="2019-07-01T09:41:43Z",
    nics=(
        Nic(
            identifier="00:03:00:11:11:01",
            mac="00:03:00:11:11:01",
            name="lan0",
            neighbors=(Nic(mac="44:38:39:00:00:1a"),),
        ),
    ),
    vpn=Vpn(address="http://1.2.3.4", auth_key=SecretStr("abracadabra")),
    role="firewall",
    raidenabled=True,
    root_uuid="543eb7f8-98d4-d986-e669-824dbebe69e5",
    firewall_rules=FirewallRules(
        egress=(EgressRule(comment="allow apt: http", ports=(80, 443), to=("0.0.0.0/0",)),),
        ingress=(IngressRule(from_=("10.0.0.0/8",), ports=(22,), protocol="tcp"),),
    ),
    ntp_servers=(contract.NtpServer(address="time.example.com"),),
)

GOLDEN = """\
hostname: "on"
networks:
    - asn: 4210000000
      destinationprefixes:
        - 0.0.0.0/0
        - ::/0
      ips:
        - 10.0.17.2
      nat: true
      nattypev2: null
      networkid: internet
      networktype: external
      networktypev2: null
      prefixes:
        - 10.0.17.0/24
      private: false
      projectid: ""
      underlay: false
      vrf: 3981
    - asn: 0
      destinationprefixes: []
      ips: []
      nat: false
      nattypev2: null
      networkid: ""
      networktype: ""
      networktypev2: null
      prefixes: []
      private: false
      projectid: null
      underlay: true
      vrf: 0
machineuuid: e0ab02d2-27cd-5a5e-8efc-080ba80cf258
sshpublickey: |-
    ssh-ed25519 AAAAC3 a@b
    ssh-rsa AAAAB3= c: d
password: KAWT5DugqSPAezMl
console: ttyS1,115200n8
timestamp: "2019-07-01T09:41:43Z"
nics:
    - identifier: "00:03:00:11:11:01"
      mac: "00:03:00:11:11:01"
      name: lan0
      neighbors:
        - identifier: ""
          mac: 44:38:39:00:00:1a
          name: null
          neighbors: []
vpn:
    address: http://1.2.3.4
    auth_key: abracadabra
    connected: false
role: firewall
raidenabled: true
root_uuid: 543eb7f8-98d4-d986-e669-824dbebe69e5
firewall_rules:
    egress:
        - comment: 'allow apt: http'
          ports:
            - 80
            - 443
          to:
            - 0.0.0.0/0
    ingress:
        - from:
            - 10.0.0.0/8
          ports:
            - 22
          protocol: tcp
          to: []
dns_servers: []
ntp_servers:
    - address: time.example.com
"""

DISK_JSON = """\
{
  "Device": "legacy",
  "Partitions": [
    {
      "Label": "root",
      "Filesystem": "ext4",
      "Properties": {
        "UUID": "543eb7f8-98d4-d986-e669-824dbebe69e5"
      }
    },
    {
      "Label": "efi",
      "Filesystem": "vfat",
      "Properties": {
        "UUID": "C29C-38F6"
      }
    }
  ]
}"""


def test_install_yaml_byte_for_byte() -> None:
    assert contract.dump(CONFIG) == GOLDEN


def test_install_yaml_reads_back_equal() -> None:
    assert contract.load(contract.InstallConfig, GOLDEN.encode(), name="x") == CONFIG
    assert contract.dump(CONFIG) == contract.dump(CONFIG)


def test_the_smallest_install_yaml_has_all_keys() -> None:
    text = contract.dump(contract.InstallConfig(hostname="m"))
    assert [*yaml.safe_load(text)] == [
        "hostname", "networks", "machineuuid", "sshpublickey", "password", "console", "timestamp",
        "nics", "vpn", "role", "raidenabled", "root_uuid", "firewall_rules", "dns_servers",
        "ntp_servers",
    ]  # fmt: skip
    assert "\nvpn: null\n" in text
    assert "\nnics: []\n" in text


def test_boot_info_byte_for_byte() -> None:
    text = 'initrd: null\ncmdline: console=ttyS0 root=UUID=1\nkernel: /boot/k\nbootloader_id: ""\n'
    info = contract.BootInfo(cmdline="console=ttyS0 root=UUID=1", kernel="/boot/k")
    assert contract.dump(info) == text


def test_disk_json_byte_for_byte() -> None:
    document = contract.DiskJson(
        partitions=(
            contract.DiskPartition(
                label="root",
                filesystem="ext4",
                properties=contract.Properties(uuid="543eb7f8-98d4-d986-e669-824dbebe69e5"),
            ),
            contract.DiskPartition(
                label="efi",
                filesystem="vfat",
                properties=contract.Properties(uuid="C29C-38F6"),
            ),
        )
    )
    assert contract.dump_json(document) == DISK_JSON
    assert contract.load(contract.DiskJson, DISK_JSON.encode(), name="disk.json") == document
    assert json.loads(contract.dump_json(contract.DiskJson())) == {
        "Device": "legacy",
        "Partitions": [],
    }


# --- text that readers take for something else ---------------------------------------------

# What YAML 1.1 on paper makes of a bare word (yaml.org/type), which readers
# implement in part: PyYAML knows on and off, Ruby base 60 with leading zeros.
PAPER_1_1 = re.compile(
    r"(y|n|yes|no|true|false|on|off|null|~|=|<<|"
    r"[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?0o[0-7_]+|[-+]?0x[0-9a-f_]+|[-+]?[0-9][0-9_]*|"
    r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?|"
    r"[-+]?([0-9][0-9_]*\.[0-9_]*|\._*[0-9][0-9_]*)(e[-+]?[0-9]+)?|[-+]?[0-9][0-9_]*e[-+]?[0-9]+|"
    r"[-+]?\.inf|\.nan|"
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
    r"(([Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(\.[0-9]*)?"
    r"([ \t]*(Z|[-+][0-9]{1,2}(:[0-9]{2})?))?)?)?",
    re.IGNORECASE,
)

ODD = """
on off yes no y n Y N true False null NULL ~ = << 1 -1 0123 0o17 0x1F 0b1 1_000 1e3 1.5 .5 1. .inf
-.INF .nan 12:34:56 00:03:00:11:11:01 190:20:30.15 2019-07-01 2019-07-01T09:41:43Z - ? : -- --- ...
-a ?a :a a: a:b #a a#b & * ! | > ' \" % @ ` , [ ] { } [] {} %a @a a, +1 +a
"""


ODD_TEXTS = [
    *ODD.split(), "", " ", "-", "::/0", "::1", "fe80::", "08", "-08",
     " a", "a ", "a: b", "a #b", "- a", "? a", "a\tb", "a\nb", "a\n", "\na", "a\n\n",
     "a\n\nb", " a\nb", "a\n b", "a \nb", "--- a", "... a", "a\n---\nb", "a\r\nb", "\u00e4\u00f6",
     "\U0001f600", "\x7f", "\x85", "\u2028", "\ufeffa", "\0", "it's", 'say "x"', "a\\b", "#a\nb",
     "- a\n- b", "a\n\tb", "\ufffe", "\u00a0",
    "Eth1/4(Port1)", "ttyS1,115200n8", "0.0.0.0/0", "_1", "1_0e3", ")a", "f\u00fcr a: b",
    "0000-0-0", "-_", "+_1", "._", "a\n\tb\n", "a\nf\u00fcr\n\n c", "2019-7-1",
]  # fmt: skip

# Where Go's bytes are read as something else, or by nobody (contract/yaml_writer.py).
UNLIKE_GO = {
    "0000-0-0",
    "=",
    "<<",
    "-_",
    "._",
    " a\nb",
    "\na",
    "a\n\n",
    "\u2028",
    "\ufeffa",
}


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_odd_text_stays_what_it_is(text: str) -> None:
    shapes: list[dict[str, Value]] = [{"a": text}, {text: "a"}, {"a": (text, {"b": text})}]
    for values in shapes:
        written = write(values)
        assert read(written.encode()) == values  # YAML 1.2
        assert yaml.load(written, Loader=yaml.SafeLoader) == _lists(values)  # YAML 1.1
        assert yaml_1_2(written.encode()) == _lists(values)
    _quoted_if_paper_says_so(text)


def test_odd_text_is_written_as_go_writes_it() -> None:
    """The file is what gopkg.in/yaml.v3 v3.0.1 wrote of the same values."""
    odd = tuple(text for text in ODD_TEXTS if text not in UNLIKE_GO)
    expected = (FOLDER / "odd-text.yaml").read_text()
    assert write({"list": odd} | {f"key{at}": text for at, text in enumerate(odd)}) == expected


@given(st.text())
def test_any_text_stays_what_it_is(text: str) -> None:
    test_odd_text_stays_what_it_is(text)


@given(st.text(alphabet="0123456789_.:+-exobEnyfa ", max_size=12))
def test_what_looks_like_a_number_stays_text(text: str) -> None:
    test_odd_text_stays_what_it_is(text)


def _quoted_if_paper_says_so(text: str) -> None:
    if PAPER_1_1.fullmatch(text):
        assert write({"a": text})[3] in "'\""


def _lists(value: Value) -> object:
    """With lists as the usual loader makes them."""
    if isinstance(value, dict):
        return {key: _lists(item) for key, item in value.items()}
    return [_lists(item) for item in value] if isinstance(value, tuple) else value


_value: st.SearchStrategy[Value] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=6), _value, max_size=4))
def test_any_values_read_back_equal(values: dict[str, Value]) -> None:
    written = write(values)
    assert read(written.encode()) == values
    assert yaml.safe_load(written) == _lists(values)


# --- documents, written and read -----------------------------------------------------------

_names = st.text(max_size=10)
_networks = st.builds(
    Network,
    asn=st.integers(0, 2**32 - 1),
    destinationprefixes=st.lists(_names, max_size=2).map(tuple),
    ips=st.lists(_names, max_size=2).map(tuple),
    nat=st.booleans(),
    nattypev2=st.none() | _names,
    networkid=_names,
    projectid=st.none() | _names,
    vrf=st.integers(0, 2**63 - 1),
)
_nics = st.recursive(
    st.builds(Nic, mac=st.none() | _names, name=st.none() | _names, identifier=_names),
    lambda inner: st.builds(Nic, neighbors=st.lists(inner, max_size=2).map(tuple)),
    max_leaves=5,
)
_configs = st.builds(
    contract.InstallConfig,
    hostname=st.from_regex(r"[a-z0-9]{1,12}", fullmatch=True),
    networks=st.lists(_networks, max_size=2).map(tuple),
    machineuuid=_names,
    sshpublickey=_names,
    password=_names.map(SecretStr),
    console=_names,
    timestamp=st.datetimes().map(lambda at: at.strftime("%Y-%m-%dT%H:%M:%SZ")),
    nics=st.lists(_nics, max_size=2).map(tuple),
    vpn=st.none() | st.builds(Vpn, address=_names, auth_key=_names.map(SecretStr)),
    role=st.sampled_from(["machine", "firewall"]),
    raidenabled=st.booleans(),
    root_uuid=_names,
    firewall_rules=st.none()
    | st.builds(
        FirewallRules,
        egress=st.lists(
            st.builds(EgressRule, comment=_names, ports=st.just((1, 65535))), max_size=2
        ).map(tuple),
        ingress=st.lists(
            st.builds(IngressRule, from_=st.lists(_names, max_size=2).map(tuple), protocol=_names),
            max_size=2,
        ).map(tuple),
    ),
    dns_servers=st.lists(st.builds(contract.DnsServer, ip=_names), max_size=2).map(tuple),
    ntp_servers=st.lists(st.builds(contract.NtpServer, address=_names), max_size=2).map(tuple),
)


@given(_configs)
def test_a_config_that_is_written_reads_back_equal(config: contract.InstallConfig) -> None:
    text = contract.dump(config)
    assert contract.load(contract.InstallConfig, text.encode(), name="x") == config
    # An image reads it with whatever reads YAML.
    usual = yaml.safe_load(text)
    assert usual["hostname"] == config.hostname
    assert usual["password"] == config.password.get_secret_value()
    assert usual["timestamp"] == config.timestamp
    assert usual["sshpublickey"] == config.sshpublickey
