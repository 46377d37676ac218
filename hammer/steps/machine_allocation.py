"""machine-allocation.yaml, from the machine document."""

import re
from typing import Any

from pydantic import ValidationError

import contract
from contract.document import Problem, problems_of
from hammer import redact
from hammer.spec import InstallSpec
from hammer.steps.layout_v2 import layout_v2
from hammer.steps.network_v2 import networks, project_of
from hammer.stream.image import Offer

Values = dict[str, Any]


def machine_allocation(
    spec: InstallSpec, offer: Offer
) -> tuple[contract.MachineAllocation, list[Problem]]:
    """What the machine is to become, and the keys that are left out because of a limit.

    Version 2 has limits that version 1 has not. A key that breaks one is left
    out whole: half a list of keys or rules would look like all of it, and the
    installers of version 1 have no part in it. Pure.
    """
    values = _values(spec, offer)
    problems = _problems(values)
    for place, _ in problems:
        values.pop(str(place[0]), None)
    return contract.MachineAllocation.model_validate(values), problems


def _problems(values: Values) -> list[Problem]:
    try:
        contract.MachineAllocation.model_validate(values)
    except ValidationError as error:
        return problems_of(error)
    return []


def _values(spec: InstallSpec, offer: Offer) -> Values:
    allocation = spec.allocation
    project = allocation.project or project_of(allocation.networks)
    user_data = allocation.user_data.get_secret_value() if allocation.user_data else ""
    return {
        "uuid": allocation.allocationuuid,
        "meta": {"createdAt": allocation.created} if allocation.created else None,
        "name": allocation.name,
        "description": allocation.description,
        "createdBy": allocation.creator,
        "project": project,
        "image": _image(allocation.image, offer),
        "filesystemLayout": layout_v2(spec.layout),
        "networks": networks(allocation.networks, project=project),
        "hostname": allocation.hostname,
        "sshPublicKeys": tuple(key.strip() for key in allocation.ssh_pub_keys),
        "userdata": user_data.strip(),
        "allocationType": f"MACHINE_ALLOCATION_TYPE_{allocation.role.upper()}",
        "firewallRules": _rules(allocation.firewall_rules) if allocation.firewall_rules else None,
        "dnsServers": tuple({"ip": each.ip} for each in allocation.dns_servers),
        "ntpServers": tuple({"address": each.address} for each in allocation.ntp_servers),
        "vpn": _vpn(allocation.vpn) if allocation.vpn else None,
    }


def _image(image: contract.Image, offer: Offer) -> Values:
    # As it was found: a document may name the newest of a store, and no URL.
    found = {"id": offer.image_id, "url": redact.url(offer.url).removesuffix("?...")}
    if not offer.described:
        return found
    return {
        **found,
        "name": image.name,
        "description": image.description,
        "features": tuple(f"IMAGE_FEATURE_{feature.upper()}" for feature in image.features),
        "classification": (
            f"IMAGE_CLASSIFICATION_{image.classification.upper()}" if image.classification else None
        ),
        "expiresAt": image.expiration_date or None,
    }


def _rules(rules: contract.FirewallRules) -> Values:
    return {
        "egress": tuple(
            {
                "protocol": _protocol(rule.protocol),
                "ports": rule.ports,
                "to": rule.to,
                "comment": _comment(rule.comment),
            }
            for rule in rules.egress
        ),
        "ingress": tuple(
            {
                "protocol": _protocol(rule.protocol),
                "ports": rule.ports,
                "to": rule.to,
                "from": rule.from_,
                "comment": _comment(rule.comment),
            }
            for rule in rules.ingress
        ),
    }


def _comment(text: str) -> str:
    """In the letters that version 2 has for it: a rule must not get lost by its comment."""
    return re.sub(r"[^a-z_ -]", "-", text.lower())[:100]


def _protocol(name: str) -> str:
    """Without one a rule is for tcp."""
    return f"IP_PROTOCOL_{(name or 'tcp').upper()}"


def _vpn(vpn: contract.Vpn) -> Values:
    return {
        "controlPlaneAddress": vpn.address,
        "authKey": vpn.auth_key.get_secret_value(),
        "connected": vpn.connected,
    }
