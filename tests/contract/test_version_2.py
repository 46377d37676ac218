"""The documents of os-installer: limits, types, and the form in which they are written."""

import pytest

import contract
from contract import BuildMeta, MachineAllocation, MachineDetails, OsInstaller
from contract.document import Document
from contract.values import Value
from tests.contract.documents import as_bytes, problems_of

KEY = "ssh-ed25519 AAAA"
SERVER = {"ip": "192.0.2.1"}
CLOCK = {"address": "time.example.com"}


def rules(**rule: Value) -> Value:
    return {"firewallRules": {"egress": (rule,), "ingress": (rule,)}}


def layout(**filesystem: Value) -> Value:
    return {"filesystemLayout": {"filesystems": (filesystem,)}}


@pytest.mark.parametrize(
    "values",
    [
        {"sshPublicKeys": (KEY,) * 50},
        {"dnsServers": (SERVER,) * 3},
        {"ntpServers": (CLOCK,) * 10},
        {"userdata": "x" * 32768},
        {"createdBy": "x" * 128},
        {"uuid": "C4B2A2D2-27cd-5a5e-8efc-080ba80cf258", "project": ""},
        rules(ports=(0, 65532), comment="a-b_c d" * 14),
        layout(createOptions=tuple(map(str, range(32))), path="/" + "x" * 4095),
        {"filesystemLayout": {"raid": ({"devices": ("/dev/sda",) * 128},)}},
    ],
    ids=lambda values: next(iter(values)),
)
def test_what_a_limit_just_allows(values: Value) -> None:
    assert problems_of(MachineAllocation, as_bytes(values)) == ()


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"sshPublicKeys": (KEY,) * 51}, "sshPublicKeys: must not have more than 50 items"),
        ({"sshPublicKeys": (f"{KEY}\n",)},
         "sshPublicKeys[0]: must not begin or end with white space"),
        ({"dnsServers": (SERVER,) * 4}, "dnsServers: must not have more than 3 items"),
        ({"ntpServers": (CLOCK,) * 11}, "ntpServers: must not have more than 10 items"),
        ({"userdata": "x" * 32769}, "userdata: must not be longer than 32768 characters"),
        ({"userdata": "#cloud-config\n"}, "userdata: must not begin or end with white space"),
        ({"createdBy": "x" * 129}, "createdBy: must not be longer than 128 characters"),
        ({"uuid": "1"}, "uuid: must be a UUID"),
        ({"project": "mine"}, "project: must be a UUID"),
        ({"networks": ({"project": "mine"},)}, "networks[0].project: must be a UUID"),
        ({"hostname": "a_b"}, "hostname: must be a host name (RFC 1123): labels of letters, "
         "digits and hyphens, not longer than 63 characters, divided by dots"),
        (layout(path="/" + "x" * 4096),
         "filesystemLayout.filesystems[0].path: must not be longer than 4096 characters"),
        (layout(createOptions=("-F", "-F")),
         "filesystemLayout.filesystems[0].createOptions: must not hold an element twice"),
        (layout(mountOptions=tuple(map(str, range(33)))),
         "filesystemLayout.filesystems[0].mountOptions: must not have more than 32 items"),
        ({"filesystemLayout": {"raid": ({"devices": ("/dev/sda",) * 129},)}},
         "filesystemLayout.raid[0].devices: must not have more than 128 items"),
        ({"filesystemLayout": {"raid": ({"spares": -1},)}},
         "filesystemLayout.raid[0].spares: must be at least 0"),
    ],
)  # fmt: skip
def test_what_a_limit_refuses(values: Value, problem: str) -> None:
    assert problems_of(MachineAllocation, as_bytes(values)) == (problem,)


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({"ports": (65533,)}, "ports[0]: must be at most 65532"),
        ({"comment": "Web"},
         "comment: must be at most 100 lower case letters, underscores, spaces and dashes"),
        ({"comment": "x" * 101},
         "comment: must be at most 100 lower case letters, underscores, spaces and dashes"),
        ({"protocol": "tcp"}, "protocol: must be one of 'IP_PROTOCOL_TCP' or 'IP_PROTOCOL_UDP'"),
    ],
)  # fmt: skip
def test_limits_of_firewall_rules(rule: dict[str, Value], problem: str) -> None:
    assert problems_of(MachineAllocation, as_bytes(rules(**rule))) == (
        f"firewallRules.egress[0].{problem}",
        f"firewallRules.ingress[0].{problem}",
    )


@pytest.mark.parametrize(
    ("model", "values", "problem"),
    [
        (MachineDetails, {"nics": ({"speed": "25000"},)}, "nics[0].speed: must be an integer"),
        (MachineDetails, {"nics": ({"speed": -1},)}, "nics[0].speed: must be at least 0"),
        (MachineDetails, {"raidenabled": "true"}, "raidenabled: must be true or false"),
        (MachineDetails, {"password": 1}, "password: must be a string (quote it)"),
        (OsInstaller, {"onyl": ()}, "onyl: unknown key, did you mean only?"),
        (OsInstaller, {"os_name": 12}, "os_name: must be a string (quote it)"),
        (
            OsInstaller,
            {"custom_script": {}},
            "custom_script.executable_path: is missing and required",
        ),
        (
            OsInstaller,
            {"custom_script": {"executable_path": "bin/x"}},
            "custom_script.executable_path: must be an absolute path of a file",
        ),
        (BuildMeta, {"buildSHA": 1917}, "buildSHA: must be a string (quote it)"),
    ],
)
def test_wrong_types(model: type[Document], values: Value, problem: str) -> None:
    assert problems_of(model, as_bytes(values)) == (problem,)


def test_a_task_that_does_not_exist_is_told_with_those_that_do() -> None:
    (problem,) = problems_of(OsInstaller, as_bytes({"only": ("write bootloader config",)}))
    assert problem.startswith("only[0]: must be one of 'persist configuration data from metal-ham")
    assert "'write booatloader config'" in problem


def test_what_is_null_is_not_there() -> None:
    text = b"os_name: null\nonly: null\nexcept: null\ncustom_script: null\n"
    assert contract.load(OsInstaller, text, name="doc") == OsInstaller()
    text = b"id: null\nnics: null\nconsole: null\n"
    assert contract.load(MachineDetails, text, name="doc") == MachineDetails()


def test_what_a_newer_os_installer_adds_is_ignored_where_programs_write() -> None:
    for model in (MachineDetails, BuildMeta):
        assert problems_of(model, as_bytes({"later": 1})) == ()
    assert problems_of(MachineAllocation, as_bytes({"later": 1})) == ("later: unknown key",)


def test_build_meta_as_os_installer_writes_it() -> None:
    text = b'---\nbuildVersion: v0.3.1\nbuildDate: ""\nbuildSHA: 1917b76\nbuildRevision: main\n'
    meta = contract.load(BuildMeta, text, name="build-meta.yaml")
    assert (meta.version, meta.sha, meta.ignition_version) == ("v0.3.1", "1917b76", "")


DETAILS = """\
id: e0ab02d2-27cd-5a5e-8efc-080ba80cf258
nics:
    - mac: 00:03:00:11:11:01
      name: lan0
      identifier: 00:03:00:11:11:01
      vendor: ""
      model: ""
      speed: 0
      neighbors:
        - mac: Eth1/4(Port1)
          name: Ethernet3
          identifier: ""
          vendor: ""
          model: ""
          speed: 0
          neighbors: []
          hostname: ""
      hostname: ""
password: KAWT5DugqSPAezMl
console: ttyS1,115200n8
raidenabled: false
root_uuid: 543eb7f8-98d4-d986-e669-824dbebe69e5
"""


def test_machine_details_are_written_with_all_keys() -> None:
    text = DETAILS.replace("00:03:00:11:11:01", '"00:03:00:11:11:01"')
    details = contract.load(MachineDetails, text.encode(), name="doc")
    assert contract.dump(details) == text


def test_no_repr_of_an_allocation_holds_a_secret() -> None:
    text = b"userdata: hunter2\nvpn: {authKey: hunter3}\n"
    shown = repr(contract.load(MachineAllocation, text, name="doc"))
    assert "hunter" not in shown
