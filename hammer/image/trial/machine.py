"""The machine document of a trial: one of our own, or the author's, fitted to the guest."""

import random
import re
import uuid
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import SecretStr

import contract
from contract import machine_document as machine
from hammer.errors import ArgumentInvalid, DocumentInvalid, DocumentMissing
from hammer.public_keys import public_keys
from hammer.steps.userdata import decoded

Role = Literal["machine", "firewall"]

DISK = "/dev/vda"
ESP_MIB = 256

# Shorter ones would hide half of the console.
SECRET_CHARS = 6

# A file that is given by mistake, such as a device, must not fill the memory.
FILE_BYTES_MAX = 1 << 20

# Of the documentation's ranges (RFC 5737) where the world could see them; nothing
# listens there, and an installer only writes them into files.
PRIVATE = machine.Network(
    asn=4200000001,
    ips=("10.0.16.2",),
    networkid="trial-private",
    networktype="privateprimaryunshared",
    prefixes=("10.0.16.0/22",),
    private=True,
    vrf=3981,
)
EXTERNAL = machine.Network(
    asn=4200000001,
    destinationprefixes=("0.0.0.0/0",),
    ips=("203.0.113.10",),
    nat=True,
    networkid="trial-internet",
    networktype="external",
    prefixes=("203.0.113.0/24",),
    vrf=104009,
)
UNDERLAY = machine.Network(
    asn=4200000001,
    ips=("10.1.0.1",),
    networkid="trial-underlay",
    networktype="underlay",
    prefixes=("10.1.0.0/24",),
    underlay=True,
)
RULES = machine.FirewallRules(
    egress=(machine.EgressRule(comment="web", ports=(443,), protocol="tcp", to=("0.0.0.0/0",)),),
    ingress=(
        machine.IngressRule(
            comment="ssh",
            from_=("198.51.100.0/24",),
            ports=(22,),
            protocol="tcp",
            to=("203.0.113.10/32",),
        ),
    ),
)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a machine of our own is to be."""

    role: Role = "machine"
    uefi: bool = False
    ssh_key: Path | None = None
    user_data: Path | None = None


def own(wanted: Wanted, *, image_url: str) -> contract.MachineDocument:
    """A machine that installers accept: networks, interfaces with neighbours, one disk.

    Its name is of this trial alone, so that a login prompt with it can be of
    nobody else. Raises ArgumentInvalid for a file that cannot be read.
    """
    firewall = wanted.role == "firewall"
    tag = f"{random.randrange(1 << 24):06x}"
    return contract.MachineDocument(
        id=str(uuid.uuid4()),
        allocation=contract.Allocation(
            hostname=f"try-{tag}",
            image=contract.Image(id="trial-1.0", url=image_url),
            filesystemlayout=layout(uefi=wanted.uefi),
            role=wanted.role,
            networks=(PRIVATE, UNDERLAY, EXTERNAL) if firewall else (PRIVATE, EXTERNAL),
            firewall_rules=RULES if firewall else None,
            ssh_pub_keys=_keys(wanted.ssh_key),
            user_data=_user_data(wanted.user_data),
        ),
        hardware=contract.Hardware(
            nics=tuple(_nic(tag, number) for number in range(2)),
        ),
    )


def layout(*, uefi: bool) -> contract.FilesystemLayout:
    """One disk: with `uefi` an EFI system partition, and the rest of it for root."""
    esp = (contract.Partition(number=1, label="efi", size=ESP_MIB, gpttype="ef00"),) if uefi else ()
    root = contract.Partition(number=len(esp) + 1, label="root", size=0, gpttype="8300")
    return contract.FilesystemLayout(
        id="trial",
        disks=(contract.Disk(device=DISK, partitions=(*esp, root), wipeonreinstall=True),),
        filesystems=(
            *(
                contract.Filesystem(
                    path="/boot/efi",
                    device=contract.partition_device(DISK, part.number),
                    format="vfat",
                    label="efi",
                    createoptions=("-F 32",),
                )
                for part in esp
            ),
            contract.Filesystem(
                path="/",
                device=contract.partition_device(DISK, root.number),
                format="ext4",
                label="root",
            ),
        ),
    )


def given(path: Path, *, image_url: str) -> contract.MachineDocument:
    """The author's document with the image that is tried, for a machine with an identity.

    Raises DocumentMissing or DocumentInvalid.
    """
    try:
        document = contract.load_file(contract.MachineDocument, path)
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise DocumentMissing(where=str(path), reason=reason) from None
    except contract.ContractError as error:
        raise DocumentInvalid(where=str(path), problems=error.problems) from None
    image = document.allocation.image.model_copy(
        update={"url": image_url, "digest": None, "digest_type": None, "os_image": None}
    )
    allocation = document.allocation.model_copy(update={"image": image})
    identity = document.id or str(uuid.uuid4())
    return document.model_copy(update={"id": identity, "allocation": allocation})


def macs(document: contract.MachineDocument) -> tuple[str, ...]:
    """Addresses for the guest's interfaces: those of the document that an interface can have."""
    told = [nic.mac.lower() for nic in document.hardware.nics if nic.mac]
    unicast = re.compile(r"[0-9a-f][02468ace](:[0-9a-f]{2}){5}")
    return tuple(dict.fromkeys(mac for mac in told if unicast.fullmatch(mac)))


def secrets(document: contract.MachineDocument) -> tuple[str, ...]:
    """What no message may show, the longest first."""
    allocation = document.allocation
    texts = []
    if allocation.user_data:
        told = allocation.user_data.get_secret_value()
        texts = [*told.split(), *decoded(told).decode(errors="replace").splitlines()]
    if allocation.vpn:
        texts.append(allocation.vpn.auth_key.get_secret_value())
    found = {text.strip() for text in texts if len(text.strip()) >= SECRET_CHARS}
    return tuple(sorted(found, key=len, reverse=True))


def _nic(tag: str, number: int) -> machine.Nic:
    # Locally administered and unicast (IEEE 802, bits of the first octet).
    mac = f"52:54:{number:02x}:{tag[:2]}:{tag[2:4]}:{tag[4:]}"
    port = f"swp{number + 1}"
    switch = f"02:00:00:00:{number:02x}:01"
    return machine.Nic(
        identifier=mac,
        mac=mac,
        name=f"eth{number}",
        neighbors=(machine.Nic(identifier=port, mac=switch, name=port),),
    )


def _keys(path: Path | None) -> tuple[str, ...]:
    if path is None:
        return ()
    text = _read(path, "--ssh-key").decode(errors="replace")
    try:
        return public_keys(text)
    except ValueError as problem:
        raise ArgumentInvalid(argument="--ssh-key", reason=f"{path} {problem}") from None


def _user_data(path: Path | None) -> SecretStr | None:
    # As metal-api delivers it, so that what looks like base64 arrives as it is, too.
    return None if path is None else SecretStr(b64encode(_read(path, "--userdata")).decode())


def _read(path: Path, argument: str) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        reason = f"{path}: {error.strerror or error}"
        raise ArgumentInvalid(argument=argument, reason=reason) from None
    if len(content) > FILE_BYTES_MAX:
        reason = f"{path} is larger than {FILE_BYTES_MAX >> 10} KiB"
        raise ArgumentInvalid(argument=argument, reason=reason)
    return content
