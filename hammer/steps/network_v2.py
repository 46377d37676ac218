"""Networks of metal-stack's first API in the words of its second."""

from collections.abc import Sequence
from typing import Any

import contract

OWN_SHARED = "privateprimaryshared"
_OWN = ("privateprimaryunshared", OWN_SHARED)

# metal-lib, pkg/net: the types of the first API. A shared network that is not the
# machine's own one differs from its own by the project alone.
_NETWORK_TYPES = {
    "privateprimaryunshared": "NETWORK_TYPE_CHILD",
    OWN_SHARED: "NETWORK_TYPE_CHILD_SHARED",
    "privatesecondaryshared": "NETWORK_TYPE_CHILD_SHARED",
    "external": "NETWORK_TYPE_EXTERNAL",
    "underlay": "NETWORK_TYPE_UNDERLAY",
}

# The words in which the first API delivers types of the second (api/v2/network.proto,
# enum_string_value). Full names are taken, too.
_TYPES_V2 = {
    "external": "NETWORK_TYPE_EXTERNAL",
    "underlay": "NETWORK_TYPE_UNDERLAY",
    "super": "NETWORK_TYPE_SUPER",
    "super-namespaced": "NETWORK_TYPE_SUPER_NAMESPACED",
    "child": "NETWORK_TYPE_CHILD",
    "child-shared": "NETWORK_TYPE_CHILD_SHARED",
}
_NAT_TYPES_V2 = {"none": "NAT_TYPE_NONE", "ipv4-masq": "NAT_TYPE_IPV4_MASQUERADE"}


def networks(delivered: Sequence[contract.Network], *, project: str) -> tuple[dict[str, Any], ...]:
    """The networks with the keys of machine-allocation.yaml; `project` is the allocation's."""
    return tuple(_network(network, project) for network in delivered)


def project_of(delivered: Sequence[contract.Network]) -> str:
    """Project of the machine's own network, which is that of the machine; empty if not told."""
    return next((each.projectid for each in delivered if each.projectid and is_own(each)), "")


def is_own(network: contract.Network) -> bool:
    """Whether this is the machine's own private network ("private primary")."""
    return network.networktype in _OWN


def network_type(network: contract.Network, *, project: str) -> str:
    """The type that the API delivers; else what the type of the first API means.

    os-installer (pkg/network) takes for the machine's own network the first
    CHILD, else the CHILD_SHARED whose project is that of the allocation. An own
    shared network without any project would not be found, and is a CHILD here.
    Before 2020 there were no types, but the flags `private` and `underlay`.
    """
    if told := network.networktypev2:
        return _TYPES_V2.get(told, told)
    if network.networktype == OWN_SHARED and not (network.projectid or project):
        return "NETWORK_TYPE_CHILD"
    if network.networktype:
        return _NETWORK_TYPES.get(network.networktype, network.networktype)
    if network.underlay:
        return "NETWORK_TYPE_UNDERLAY"
    return "NETWORK_TYPE_CHILD" if network.private else "NETWORK_TYPE_EXTERNAL"


def nat_type(network: contract.Network) -> str:
    """The kind of masquerading that the API delivers, else what the flag says."""
    if told := network.nattypev2:
        return _NAT_TYPES_V2.get(told, told)
    return "NAT_TYPE_IPV4_MASQUERADE" if network.nat else "NAT_TYPE_NONE"


def _network(network: contract.Network, project: str) -> dict[str, Any]:
    return {
        "network": network.networkid,
        "prefixes": network.prefixes,
        "destinationPrefixes": network.destinationprefixes,
        "ips": network.ips,
        "networkType": network_type(network, project=project),
        "natType": nat_type(network),
        "vrf": network.vrf,
        "asn": network.asn,
        # An own network is of the machine's project, told or not.
        "project": network.projectid or (project if is_own(network) else ""),
    }
