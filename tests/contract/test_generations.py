"""Every generation of install.yaml is read, told apart, and written as the newest."""

import itertools
from pathlib import Path

import pytest

import contract
from contract.__main__ import main
from contract.generations import GENERATIONS, Generation, generation_of, keys_of
from contract.values import Value
from contract.yaml_writer import write
from tests.contract import golden
from tests.contract.documents import mapping_of

NEWEST = GENERATIONS[-1]
UUID = "e0ab02d2-27cd-5a5e-8efc-080ba80cf258"

every_generation = pytest.mark.parametrize(
    "generation", GENERATIONS, ids=lambda generation: str(generation.since)
)


def loaded(since: str) -> contract.InstallConfig:
    return contract.load(contract.InstallConfig, golden.install_yaml(since), name=since)


def told(values: dict[str, Value]) -> str | None:
    found = generation_of(values)
    return found.since if found else None


def test_there_is_a_file_of_each() -> None:
    files = {path.name for path in golden.FOLDER.glob("install-*.yaml")}
    assert files == {f"install-{generation.since}.yaml" for generation in GENERATIONS}


def test_each_removes_only_what_was_there_and_adds_only_what_was_not() -> None:
    for before, after in itertools.pairwise(GENERATIONS):
        assert after.removed <= keys_of(before)
        assert not after.added & keys_of(before)
        assert keys_of(after) != keys_of(before)


def test_the_newest_has_the_keys_of_the_models() -> None:
    keys = {
        *contract.InstallConfig.model_fields,
        *(f"networks.{name}" for name in contract.Network.model_fields),
        *(f"nics.{name}" for name in contract.Nic.model_fields),
    }
    assert keys_of(NEWEST) == keys


@every_generation
def test_a_full_file_is_told(
    generation: Generation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "install.yaml"
    path.write_bytes(golden.install_yaml(generation.since))
    assert main(["check", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}: ok (install.yaml, as of {generation.since})\n"


@every_generation
def test_a_fixture_that_lacks_a_key_is_never_taken_for_newer(generation: Generation) -> None:
    values = mapping_of(golden.install_yaml(generation.since))
    at = GENERATIONS.index(generation)
    # Without a key that was dropped later it is a full file of then.
    dropped = frozenset[str]().union(*(later.removed for later in GENERATIONS[at + 1 :]))
    for gone in values.keys() - dropped:
        left = {key: value for key, value in values.items() if key != gone}
        found = generation_of(left)
        assert found
        assert GENERATIONS.index(found) <= at


@every_generation
def test_what_is_written_is_of_the_newest(generation: Generation) -> None:
    config = loaded(generation.since)
    text = contract.dump(config).encode()
    assert contract.load(contract.InstallConfig, text, name="x") == config
    assert told(mapping_of(text)) == (
        NEWEST.since if config.networks else "v0.13.8"  # without networks none has their keys
    )


def test_the_newest_is_written_byte_for_byte() -> None:
    assert contract.dump(loaded(NEWEST.since)).encode() == golden.install_yaml(NEWEST.since)


@pytest.mark.parametrize(
    "since", ["v0.10.0", "v0.10.4", "v0.11.0", "v0.12.2", "v0.13.0", "v0.13.8"]
)
def test_the_writer_writes_as_they_wrote(since: str) -> None:
    text = golden.install_yaml(since)
    assert write(mapping_of(text)).encode() == text


@every_generation
def test_nothing_is_lost(generation: Generation) -> None:
    newest, config = loaded(NEWEST.since), loaded(generation.since)
    known = keys_of(generation)
    for name in contract.InstallConfig.model_fields.keys() - {"networks", "nics", "machineuuid"}:
        if name in known:
            assert getattr(config, name) == getattr(newest, name)
    assert config.machineuuid == (UUID if known & {"machineuuid", "deviceuuid"} else "")
    if "networks" in known:
        for network, as_of_today in zip(config.networks, newest.networks, strict=True):
            missing = {"nattypev2": None, "networktypev2": None, "projectid": None}
            if generation is not NEWEST:
                as_of_today = as_of_today.model_copy(update=missing)
            assert network == as_of_today


def test_the_address_of_a_file_without_networks_is_its_network() -> None:
    assert loaded("v0.1.0").networks == (contract.Network(asn=4210000017, ips=("10.0.17.2",)),)


@pytest.mark.parametrize(
    ("asn", "address", "networks"),
    [
        ("4294967296", "10.0.0.1", (contract.Network(ips=("10.0.0.1",)),)),
        ("\u0661", None, ()),
        (7, 7, ()),
        ("x", "", ()),
        ("4294967295", None, (contract.Network(asn=4294967295),)),
    ],
)
def test_an_old_key_with_another_value_is_ignored(
    asn: object, address: object, networks: tuple[contract.Network, ...]
) -> None:
    old = {"hostname": "m", "asn": asn, "ipaddress": address, "deviceuuid": 7}
    config = contract.InstallConfig.model_validate(old)
    assert (config.networks, config.machineuuid) == (networks, "")


@pytest.mark.parametrize(
    ("flags", "networktype"),
    [
        ({"private": True, "privateprimary": True}, "privateprimaryunshared"),
        ({"private": True, "privateprimary": False}, ""),  # nobody can tell
        ({"private": True}, ""),
        ({"private": False}, "external"),
        ({"private": False, "underlay": True}, "underlay"),
        ({}, ""),
        ({"private": False, "networktype": None}, ""),
        ({"private": True, "networktype": "privatesecondaryshared"}, "privatesecondaryshared"),
    ],
)
def test_the_type_of_a_network_that_has_none(flags: dict[str, object], networktype: str) -> None:
    values = {"hostname": "m", "networks": (flags,)}
    (network,) = contract.InstallConfig.model_validate(values).networks
    assert network.networktype == networktype


@pytest.mark.parametrize(
    ("values", "since"),
    [
        ({}, "2018-10"),
        ({"hostname": "m", "bmc_exists": True}, "2018-10"),
        ({"hostname": "m", "ipaddress": "10.0.0.1"}, "v0.1.0"),
        ({"hostname": "m", "devmode": True, "machineuuid": "x"}, "2019-02"),
        ({"hostname": "m", "networks": ({"networktype": "external"},)}, "2020-10"),
        ({"nics": ({"neighbors": ({"identifier": "swp1"},)},)}, "v0.13.0"),
        ({"hostname": "m", "role": "machine", "vpn": None}, "v0.11.0"),
        ({"hostname": "m", "devmode": True, "vpn": None}, None),
        ({"hostname": "m", "deviceuuid": "x", "machineuuid": "x"}, None),
        ({"networks": "x", "nics": (1, None)}, "2019-06"),
        ({"hostname": "m", "sshpublickey": "k", "devmode": True}, "2018-12"),
    ],
)
def test_a_fixture_is_of_the_oldest_that_knows_its_keys(
    values: dict[str, Value], since: str | None
) -> None:
    assert told(values) == since
