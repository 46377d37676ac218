"""The machine document: what metal-api answers to GET /v1/machine/{id}, as YAML or JSON."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, JsonValue, SecretStr, model_validator

from contract import install_config
from contract.document import ClosedDocument, Problem, refuse
from contract.fields import (
    Either,
    HostName,
    ImageUrl,
    Listed,
    MachineUuid,
    Source,
    StoreUrl,
    Text,
    Unit,
)
from contract.filesystem_layout import FilesystemLayout
from contract.image_digest import DigestType, ImageDigest, type_problem
from contract.image_reference import ImageId
from contract.os_image import OsImage

_SOURCE = "metal-api, service/v1: MachineResponse"


# For the schema, what `_how_to_find` says.
_TOLD: dict[str, JsonValue] = {"type": "string", "minLength": 1}
_URL_OR_STORE: list[JsonValue] = [
    {"required": ["url"], "properties": {"url": _TOLD}},
    {"required": ["id", "store"], "properties": {"id": _TOLD, "store": _TOLD}},
    {"required": ["os_image"], "properties": {"os_image": {"type": "object"}}},
]


class Image(ClosedDocument):
    """The image to install: by its URL, by its id in a store, or by an OSImage."""

    model_config = ConfigDict(json_schema_extra={"anyOf": _URL_OR_STORE})

    source: ClassVar[str] = _SOURCE

    unused_keys = frozenset({"changed", "created", "usedby"})

    id: Annotated[Text, Unit("image id")] = ""
    """Its name and version: debian-12.0.20241118; debian-12 in a store is the newest 12.0."""

    name: Text = ""
    """A name for people."""

    description: Text = ""
    """What it is."""

    url: Annotated[ImageUrl | None, Either("", None)] = None
    """A .tar.lz4, .tar.zst, .tar.gz or .tar by http, https or file. The store is not asked then."""

    store: Annotated[StoreUrl | None, Either("", None), Source("hammer")] = None
    """Where to look for the id: a store of images (http, https, file), or an image index."""

    digest: Annotated[ImageDigest | None, Either("", None), Source("hammer")] = None
    """Digest, `sha256:DIGEST`, or URL of a checksum file; without it, a file beside the image."""

    digest_type: Annotated[DigestType, Source("hammer")] = None
    """The algorithm of the digest; null: its length tells."""

    os_image: Annotated[OsImage | None, Source("hammer")] = None
    """An OSImage manifest; it takes the place of url, store, digest and digest_type."""

    mirrors: Annotated[Listed[StoreUrl], Source("hammer")] = ()
    """Where it is as well: URLs of it, or bases that end in / and have it under its own path."""

    features: Annotated[Listed[str], Unit("text")] = ()
    """What it is made for: machine, firewall; machine-allocation.yaml gets it."""

    classification: Annotated[Text, Unit("text")] = ""
    """preview, supported or deprecated; machine-allocation.yaml gets it."""

    expiration_date: Annotated[Text, Field(alias="expirationDate"), Unit("RFC 3339 time")] = ""
    """From when on it is not to be installed; machine-allocation.yaml gets it."""

    @model_validator(mode="after")
    def refuse_what_cannot_be_found(self) -> Self:
        refuse(type(self).__name__, _how_to_find(self))
        return self

    @model_validator(mode="after")
    def refuse_a_digest_of_another_type(self) -> Self:
        if problem := type_problem(self.digest, self.digest_type):
            refuse(type(self).__name__, [(("digest_type",), problem)])
        return self


def _how_to_find(image: Image) -> Iterator[Problem]:
    if image.url or image.os_image:
        return
    if not image.store:
        yield (), "must have a url, or an id and a store, or an os_image"
        return
    try:
        ImageId.parse(image.id)
    except ValueError as error:
        yield ("id",), str(error) if image.id else "is missing and required beside store"


class Network(ClosedDocument, install_config.Network):
    """A network that the machine is in; install.yaml gets it as it is."""

    unused_keys = frozenset({"privateprimary"})


class Nic(ClosedDocument, install_config.Nic):
    """A network interface, or what is seen at the other end of its cable."""

    neighbors: Listed["Nic"] = ()
    """Ports of switches that are connected to this interface (LLDP)."""


class Vpn(ClosedDocument, install_config.Vpn):
    """How a machine joins the VPN of the partition."""

    unused_keys = frozenset({"ips"})


class EgressRule(ClosedDocument, install_config.EgressRule):
    """Traffic that a firewall lets out."""


class IngressRule(ClosedDocument, install_config.IngressRule):
    """Traffic that a firewall lets in."""


class FirewallRules(ClosedDocument, install_config.FirewallRules):
    """Rules of a firewall from its start on."""

    egress: Listed[EgressRule] = ()
    """What is let out."""

    ingress: Listed[IngressRule] = ()
    """What is let in."""


class DnsServer(ClosedDocument, install_config.DnsServer):
    """A resolver."""


class NtpServer(ClosedDocument, install_config.NtpServer):
    """A time server."""


class Allocation(ClosedDocument):
    """What the machine is to become."""

    source: ClassVar[str] = _SOURCE

    unused_keys = frozenset(
        {
            "boot_info",
            "console_password",
            "succeeded",
        }
    )

    hostname: HostName
    """Name of the machine (RFC 1123), at most 64 characters."""

    image: Image
    """The image to install, and where it is."""

    filesystemlayout: FilesystemLayout
    """What the disks are to look like."""

    role: Literal["machine", "firewall"] = "machine"
    """What the machine is to become; install.yaml gets it."""

    networks: Listed[Network] = ()
    """Networks of the machine; install.yaml gets them as they are."""

    ssh_pub_keys: Annotated[Listed[str], Unit("line of authorized_keys")] = ()
    """Public keys that may log in."""

    user_data: Annotated[SecretStr | None, Unit("text or base64")] = None
    """cloud-init or ignition text, plain or base64; it may carry secrets."""

    vpn: Vpn | None = None
    """How to join the VPN; null when there is none."""

    firewall_rules: FirewallRules | None = None
    """Rules of a firewall from its start on; null for a machine."""

    dns_servers: Listed[DnsServer] = ()
    """Resolvers; with none the image keeps its own."""

    ntp_servers: Listed[NtpServer] = ()
    """Time servers; with none the image keeps its own."""

    allocationuuid: Annotated[Text, Unit("UUID")] = ""
    """UUID of the allocation; machine-allocation.yaml gets this and the keys below."""

    name: Annotated[Text, Unit("text")] = ""
    """A name for people."""

    description: Annotated[Text, Unit("text")] = ""
    """What the machine is for."""

    project: Annotated[Text, Unit("UUID")] = ""
    """Project that the machine belongs to."""

    creator: Annotated[Text, Unit("text")] = ""
    """Who asked for the machine."""

    created: Annotated[Text, Unit("RFC 3339 time")] = ""
    """When it was asked for."""

    reinstall: bool = False
    """Whether this machine was installed before and keeps disks with wipeonreinstall: false."""


class Hardware(ClosedDocument):
    """What the machine consists of, as it was reported."""

    source: ClassVar[str] = _SOURCE

    unused_keys = frozenset({"cpu_cores", "cpus", "disks", "gpus", "memory"})

    nics: Listed[Nic] = ()
    """Network interfaces and what they are connected to."""


class MachineDocument(ClosedDocument):
    """One machine as metal-api's GET /v1/machine/{id} returns it.

    A saved response replays unchanged. Keys that metal-api knows and the agent
    has no use for are accepted; a key that nobody knows is refused.
    """

    source: ClassVar[str] = _SOURCE

    unused_keys = frozenset(
        {
            "bios",
            "changed",
            "created",
            "description",
            "events",
            "ipmi",
            "ledstate",
            "liveliness",
            "name",
            "partition",
            "rackid",
            "size",
            "state",
            "tags",
        }
    )

    id: MachineUuid | None = None
    """SMBIOS UUID of the machine, lower case; without it the document fits any machine."""

    allocation: Allocation
    """What is to be installed, and how."""

    hardware: Hardware = Hardware()
    """What the machine consists of."""
