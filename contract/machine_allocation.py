"""machine-allocation.yaml: what a machine is to become, as metal-stack's second API says it."""

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import AfterValidator, Field, SecretStr, WithJsonSchema

from contract.document import rule
from contract.fields import Either, HostName, Listed, OptionalText, Text, Unit
from contract.filesystem_layout_v2 import FilesystemLayout
from contract.meta import Labels, Meta
from contract.protobuf import (
    TRIMMED_PATTERN,
    Flag,
    InQuotes,
    Message,
    Numbered,
    Secret,
    Timestamp,
    Trimmed,
    Uint32,
    Uint64,
    Uuid,
)

_MACHINE = "metal-stack api, api/v2/machine.proto"
_IMAGE = "metal-stack api, api/v2/image.proto"

AllocationTypeName = Literal["MACHINE_ALLOCATION_TYPE_MACHINE", "MACHINE_ALLOCATION_TYPE_FIREWALL"]
AllocationType = Annotated[
    AllocationTypeName | None,
    Numbered(get_args(AllocationTypeName), unset="MACHINE_ALLOCATION_TYPE_UNSPECIFIED"),
]

NetworkTypeName = Literal[
    "NETWORK_TYPE_EXTERNAL",
    "NETWORK_TYPE_UNDERLAY",
    "NETWORK_TYPE_SUPER",
    "NETWORK_TYPE_SUPER_NAMESPACED",
    "NETWORK_TYPE_CHILD",
    "NETWORK_TYPE_CHILD_SHARED",
]
NetworkType = Annotated[
    NetworkTypeName | None, Numbered(get_args(NetworkTypeName), unset="NETWORK_TYPE_UNSPECIFIED")
]

NatTypeName = Literal["NAT_TYPE_NONE", "NAT_TYPE_IPV4_MASQUERADE"]
NatType = Annotated[
    NatTypeName | None, Numbered(get_args(NatTypeName), unset="NAT_TYPE_UNSPECIFIED")
]

ProtocolName = Literal["IP_PROTOCOL_TCP", "IP_PROTOCOL_UDP"]
Protocol = Annotated[
    ProtocolName | None, Numbered(get_args(ProtocolName), unset="IP_PROTOCOL_UNSPECIFIED")
]

ImageFeatureName = Literal["IMAGE_FEATURE_MACHINE", "IMAGE_FEATURE_FIREWALL"]
ImageFeature = Annotated[ImageFeatureName, Numbered(get_args(ImageFeatureName))]

ClassificationName = Literal[
    "IMAGE_CLASSIFICATION_PREVIEW",
    "IMAGE_CLASSIFICATION_SUPPORTED",
    "IMAGE_CLASSIFICATION_DEPRECATED",
]
Classification = Annotated[
    ClassificationName | None,
    Numbered(get_args(ClassificationName), unset="IMAGE_CLASSIFICATION_UNSPECIFIED"),
]

# Less than 65535: so api/v2/machine.proto has it.
Port = Annotated[int, Field(ge=0, le=65532), InQuotes()]


_COMMENT = "[a-z_ -]{0,100}"


def _comment(text: str) -> str:
    if not re.fullmatch(_COMMENT, text):
        raise rule("must be at most 100 lower case letters, underscores, spaces and dashes")
    return text


MAX_USERDATA = 32768


def _userdata(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if len(text) > MAX_USERDATA:
        raise rule(f"must not be longer than {MAX_USERDATA} characters")
    if text != text.strip():
        raise rule("must not begin or end with white space")
    return secret


UserData = Annotated[
    Secret,
    AfterValidator(_userdata),
    Field(json_schema_extra={"maxLength": MAX_USERDATA, "pattern": TRIMMED_PATTERN}),
    Unit("text"),
]

Comment = Annotated[
    str,
    AfterValidator(_comment),
    WithJsonSchema({"type": "string", "pattern": f"^{_COMMENT}$"}),
    Unit("text"),
    Either(None, ""),
]


class Image(Message):
    """The image that is installed."""

    source: ClassVar[str] = f"{_IMAGE}: Image"

    id: Annotated[Text, Unit("text")] = ""
    """Its name and version: debian-12.0.20241118."""

    meta: Meta | None = None
    """What the API knows about it."""

    url: Annotated[Text, Unit("URL")] = ""
    """Where it came from; the agent leaves out user, password and query."""

    name: Annotated[OptionalText, Unit("text")] = None
    """A name for people."""

    description: Annotated[OptionalText, Unit("text")] = None
    """What it is."""

    features: Listed[ImageFeature] = ()
    """What it is made for."""

    classification: Classification = None
    """Whether it is new, supported or on its way out."""

    expires_at: Timestamp | None = None
    """From when on it is not installed any more."""


class Network(Message):
    """A network that the machine is in."""

    source: ClassVar[str] = f"{_MACHINE}: MachineNetwork"

    network: Annotated[Text, Unit("text")] = ""
    """Name of the network."""

    prefixes: Annotated[Listed[str], Unit("CIDR prefix")] = ()
    """Prefixes of the network."""

    destination_prefixes: Annotated[Listed[str], Unit("CIDR prefix")] = ()
    """Prefixes that are reached through it; 0.0.0.0/0 or ::/0 marks the default route."""

    ips: Annotated[Listed[str], Unit("IP address")] = ()
    """Addresses of the machine in it, without prefix length."""

    network_type: NetworkType = None
    """The machine's own private network is a CHILD, or a CHILD_SHARED of its own project."""

    nat_type: NatType = None
    """Whether packets that leave through it are masqueraded."""

    vrf: Annotated[Uint64, Unit("number of a VRF")] = 0
    """Number of its VRF, left out for the underlay."""

    asn: Annotated[Uint32, Unit("AS number")] = 0
    """Autonomous system number of the machine in it, 32 bit (RFC 6793)."""

    project: Uuid = ""
    """Project that it belongs to; left out if to none."""


class EgressRule(Message):
    """Traffic that a firewall lets out."""

    source: ClassVar[str] = f"{_MACHINE}: FirewallEgressRule"

    protocol: Protocol = None
    """Protocol; without one it is tcp."""

    ports: Annotated[Listed[Port], Unit("port number")] = ()
    """Ports that the rule lets through, up to 65532."""

    to: Annotated[Listed[str], Unit("CIDR prefix")] = ()
    """Prefixes that may be reached."""

    comment: Comment = ""
    """What the rule is for: at most 100 lower case letters, underscores, spaces and dashes."""


class IngressRule(Message):
    """Traffic that a firewall lets in."""

    source: ClassVar[str] = f"{_MACHINE}: FirewallIngressRule"

    protocol: Protocol = None
    """Protocol; without one it is tcp."""

    ports: Annotated[Listed[Port], Unit("port number")] = ()
    """Ports that the rule lets through, up to 65532."""

    to: Annotated[Listed[str], Unit("CIDR prefix")] = ()
    """Prefixes that may be reached."""

    from_: Annotated[Listed[str], Field(alias="from"), Unit("CIDR prefix")] = ()
    """Prefixes that may send."""

    comment: Comment = ""
    """What the rule is for: at most 100 lower case letters, underscores, spaces and dashes."""


class FirewallRules(Message):
    """Rules of a firewall from its start on."""

    source: ClassVar[str] = f"{_MACHINE}: FirewallRules"

    egress: Listed[EgressRule] = ()
    """What is let out."""

    ingress: Listed[IngressRule] = ()
    """What is let in."""


class DnsServer(Message):
    """A resolver."""

    source: ClassVar[str] = f"{_MACHINE}: DNSServer"

    ip: Annotated[Text, Unit("IP address")] = ""
    """Its address."""


class NtpServer(Message):
    """A time server."""

    source: ClassVar[str] = f"{_MACHINE}: NTPServer"

    address: Annotated[Text, Unit("host name or IP address")] = ""
    """Its name or address."""


class Vpn(Message):
    """How a machine joins the VPN of the partition."""

    source: ClassVar[str] = f"{_MACHINE}: MachineVPN"

    control_plane_address: Annotated[Text, Unit("URL")] = ""
    """URL of the VPN's control plane."""

    auth_key: Annotated[Secret, Unit("text")] = SecretStr("")
    """Key that admits the machine. Never logged, never an argument."""

    connected: Flag = False
    """Whether the machine is connected already."""

    ips: Annotated[Listed[str], Unit("IP address")] = ()
    """Addresses of the machine in the VPN."""


class MachineAllocation(Message):
    """/etc/metal/machine-allocation.yaml in the image, mode 0600, beside machine-details.yaml.

    Written as protojson in YAML: a key that is not set is not there, numbers of
    64 bits are in quotes, enums have their full names.
    """

    source: ClassVar[str] = f"{_MACHINE}: MachineAllocation"

    older_names: ClassVar[Mapping[str, str]] = {
        "dnsServer": "dnsServers",
        "ntpServer": "ntpServers",
    }

    uuid: Uuid = ""
    """UUID of the allocation, which is not that of the machine."""

    meta: Meta | None = None
    """What the API knows about it."""

    name: Annotated[Text, Unit("text")] = ""
    """A name for people."""

    description: Annotated[Text, Unit("text")] = ""
    """What it is for."""

    created_by: Annotated[str, Field(max_length=128), Unit("text"), Either(None, "")] = ""
    """Who asked for it, at most 128 characters."""

    project: Uuid = ""
    """Project that the machine belongs to."""

    image: Image | None = None
    """The image that is installed."""

    filesystem_layout: FilesystemLayout | None = None
    """What the disks look like."""

    networks: Listed[Network] = ()
    """Networks of the machine."""

    hostname: Annotated[HostName | None, Unit("host name"), Either("", None)] = None
    """Name of the machine (RFC 1123), at most 64 characters."""

    ssh_public_keys: Annotated[
        tuple[Trimmed, ...], Field(max_length=50), Unit("OpenSSH key"), Either(None, ())
    ] = ()
    """Public keys of the user `metal`, at most 50, without white space around them."""

    userdata: UserData = SecretStr("")
    """User data as they were given, plain or base64, trimmed, at most 32768 characters."""

    allocation_type: AllocationType = None
    """Whether the machine is to become a firewall."""

    firewall_rules: FirewallRules | None = None
    """Rules of a firewall from its start on."""

    dns_servers: Annotated[tuple[DnsServer, ...], Field(max_length=3), Either(None, ())] = ()
    """Resolvers, at most 3; with none the image keeps its own."""

    ntp_servers: Annotated[tuple[NtpServer, ...], Field(max_length=10), Either(None, ())] = ()
    """Time servers, at most 10; with none the image keeps its own."""

    vpn: Vpn | None = None
    """How to join the VPN."""

    placement_labels: Labels | None = None
    """Labels that placed the machine."""
