"""The generations of install.yaml: which keys it had when, and how an old one is read.

An image, a fixture or a saved file may be of any age since 2018. Readers take
all of them; what is written is always of the newest generation.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from contract.fields import MAX_ASN

# `asn` at the top, `networks.asn` in a network, `nics.mac` in a nic or a neighbour.
Key = str


@dataclass(frozen=True)
class Generation:
    """What came and went with one version of metal-hammer."""

    since: str
    """First version that wrote it, or the month where no version was made."""

    source: str
    added: frozenset[Key] = frozenset()
    removed: frozenset[Key] = frozenset()


def _keys(text: str) -> frozenset[Key]:
    return frozenset(text.split())


_HAMMER = "metal-hammer, cmd/install.go"
_MODELS = "metal-go, models"

GENERATIONS = (
    Generation("2018-10", _HAMMER, added=_keys("hostname sshpublickey")),
    Generation("v0.1.0", _HAMMER, added=_keys("ipaddress asn")),
    Generation("2018-12", _HAMMER, added=_keys("password devmode deviceuuid")),
    Generation("2019-02", _HAMMER, added=_keys("machineuuid"), removed=_keys("deviceuuid")),
    Generation("2019-03", _HAMMER, added=_keys("console")),
    Generation(
        "2019-05",
        _HAMMER,
        added=_keys(
            "networks networks.asn networks.destinationprefixes networks.ips networks.nat"
            " networks.networkid networks.prefixes networks.private networks.privateprimary"
            " networks.underlay networks.vrf"
        ),
    ),
    Generation("2019-06", _HAMMER, added=_keys("timestamp nics nics.mac nics.name nics.neighbors")),
    # Up to v0.9.8; v0.5.3 has exactly these keys.
    Generation("v0.3.0", "metal-hammer 8e8b1a6", removed=_keys("ipaddress asn")),
    Generation(
        "2020-10",
        _MODELS,
        added=_keys("networks.networktype"),
        removed=_keys("networks.privateprimary"),
    ),
    Generation("v0.10.0", _HAMMER, removed=_keys("devmode")),
    Generation("v0.10.4", _HAMMER, added=_keys("vpn")),
    Generation("v0.11.0", _HAMMER, added=_keys("role raidenabled root_uuid")),
    Generation("v0.12.2", _HAMMER, added=_keys("firewall_rules")),
    # In which v0.13 it came is not known; none of v0.12 has it.
    Generation("v0.13.0", _MODELS, added=_keys("nics.identifier")),
    Generation("v0.13.8", _HAMMER, added=_keys("dns_servers ntp_servers")),
    Generation(
        "v0.15.0",
        "os-installer v0.3.1, legacy.go",
        added=_keys("networks.nattypev2 networks.networktypev2 networks.projectid"),
    ),
)
"""Oldest first."""


def keys_of(generation: Generation) -> frozenset[Key]:
    """Every key that a file of the generation may have."""
    known: frozenset[Key] = frozenset()
    for step in GENERATIONS[: GENERATIONS.index(generation) + 1]:
        known = (known | step.added) - step.removed
    return known


_KNOWN = {generation: keys_of(generation) for generation in GENERATIONS}
_EVER = frozenset[Key]().union(*_KNOWN.values())


def generation_of(values: Mapping[str, object]) -> Generation | None:
    """The generation of an install.yaml; None if its keys never were in one file.

    The agent writes all keys always, so a file with all of a generation's is one
    of it. Fixtures leave keys out: for them the oldest that knows every key, which
    is certain. Keys that no generation ever had do not count.
    """
    seen = frozenset(_seen(values)) & _EVER
    knowing = [generation for generation, known in _KNOWN.items() if seen <= known]
    complete = [generation for generation in knowing if _at_top(generation) <= seen]
    return next(iter(complete or knowing), None)


def _at_top(generation: Generation) -> frozenset[Key]:
    return frozenset(key for key in _KNOWN[generation] if "." not in key)


def _seen(values: Mapping[str, object]) -> Iterator[Key]:
    for key, value in values.items():
        yield key
        if key in ("networks", "nics"):
            yield from _inside(key, value)


def _inside(name: str, items: object) -> Iterator[Key]:
    for item in items if isinstance(items, tuple | list) else ():
        if isinstance(item, Mapping):
            yield from (f"{name}.{key}" for key in item)
            yield from _inside(name, item.get("neighbors"))


# --- reading ------------------------------------------------------------------------------


def in_newest_form(values: Mapping[str, object]) -> dict[str, object]:
    """What an old file says, under the keys of today; what needs no change stays.

    deviceuuid is machineuuid. ipaddress and asn, of a file without networks, are
    the one network of the machine. A network that lacks its type gets it from the
    flags that told it before. devmode has no successor and is dropped; old keys
    whose values are not what they were then are ignored as unknown ones are.
    """
    made = dict(values)
    if "machineuuid" not in made and isinstance(made.get("deviceuuid"), str):
        made["machineuuid"] = made["deviceuuid"]
    if "networks" not in made and (network := _only_network(made)):
        made["networks"] = (network,)
    networks = made.get("networks")
    if isinstance(networks, tuple):
        made["networks"] = tuple(_with_type(network) for network in networks)
    return made


def _only_network(values: Mapping[str, object]) -> dict[str, object]:
    address, asn = values.get("ipaddress"), values.get("asn")
    network: dict[str, object] = {}
    if isinstance(address, str) and address:
        network["ips"] = (address,)
    if isinstance(asn, str) and re.fullmatch("[0-9]{1,10}", asn) and int(asn) <= MAX_ASN:
        network["asn"] = int(asn)
    return network


def _with_type(network: object) -> object:
    if not isinstance(network, Mapping) or "networktype" in network:
        return network
    for flag, value, networktype in (
        ("underlay", True, "underlay"),
        ("privateprimary", True, "privateprimaryunshared"),  # shared ones came with the type
        ("private", False, "external"),
    ):
        if network.get(flag) is value:
            return {**network, "networktype": networktype}
    return network
