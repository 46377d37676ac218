"""install.yaml: what the agent tells the installer of an image."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, SecretStr, model_validator

from contract.document import Document
from contract.fields import Asn, HostName, IpAddress, Listed, Prefix, Source, Text, Unit
from contract.generations import in_newest_form

Port = Annotated[int, Field(ge=0, le=65535), Unit("port")]

_MODELS = "metal-go v0.43.2, models"


class Network(Document):
    """A network that the machine is in, as metal-api delivers it."""

    source: ClassVar[str] = _MODELS

    asn: Asn = 0
    """Autonomous system number of the machine in this network, 32 bit (RFC 6793)."""

    destinationprefixes: Listed[Prefix] = ()
    """Prefixes that are reached through this network; 0.0.0.0/0 or ::/0 marks the default route."""

    ips: Listed[IpAddress] = ()
    """Addresses of the machine in this network, without prefix length."""

    nat: bool = False
    """Whether packets that leave through this network are masqueraded."""

    nattypev2: Annotated[str | None, Unit("NAT type")] = None
    """Kind of masquerading in the words of metal-stack's second API; null if not told."""

    networkid: Annotated[Text, Unit("name")] = ""
    """Name of the network in metal-api."""

    networktype: Annotated[Text, Unit("network type")] = ""
    """privateprimaryunshared, privateprimaryshared, privatesecondaryshared, external, underlay."""

    networktypev2: Annotated[str | None, Unit("network type")] = None
    """Kind of network in the words of metal-stack's second API; null if not told."""

    prefixes: Listed[Prefix] = ()
    """Prefixes of the network."""

    private: bool = False
    """Whether this is a private network (kept for images older than networktype)."""

    projectid: Annotated[str | None, Unit("name")] = None
    """Project that the network belongs to; null or empty if to none."""

    underlay: bool = False
    """Whether this is the underlay (kept for images older than networktype)."""

    vrf: Annotated[int, Field(ge=0, le=2**63 - 1), Unit("VRF number")] = 0
    """Number of the VRF of this network, 0 for the underlay."""


class Nic(Document):
    """A network interface, or what is seen at the other end of its cable."""

    source: ClassVar[str] = _MODELS

    identifier: Annotated[Text, Unit("name")] = ""
    """Name by which metal-api knows the interface: its MAC address, or a port of a switch."""

    mac: Annotated[str | None, Unit("MAC address")] = None
    """MAC address, as it was reported."""

    name: Annotated[str | None, Unit("name")] = None
    """Name of the interface on its machine, null when not told."""

    neighbors: Listed["Nic"] = ()
    """Ports of switches that are connected to this interface (LLDP)."""


class Vpn(Document):
    """How a machine joins the VPN of the partition."""

    source: ClassVar[str] = _MODELS

    address: Annotated[Text, Unit("URL")] = ""
    """URL of the VPN's control plane."""

    auth_key: Annotated[SecretStr, Unit("text")] = SecretStr("")
    """Key that admits the machine. Never logged, never an argument."""

    connected: bool = False
    """Whether the machine is connected already."""


class EgressRule(Document):
    """Traffic that a firewall lets out."""

    source: ClassVar[str] = _MODELS

    omitted_if_empty: ClassVar[frozenset[str]] = frozenset({"comment", "protocol"})

    comment: Text = ""
    """What the rule is for; left out when empty."""

    ports: Listed[Port] = ()
    """Ports that the rule lets through."""

    protocol: Annotated[Text, Unit("IP protocol")] = ""
    """tcp or udp, lower case; left out when empty, which means tcp."""

    to: Listed[Prefix] = ()
    """Prefixes that may be reached."""


class IngressRule(Document):
    """Traffic that a firewall lets in."""

    source: ClassVar[str] = _MODELS

    omitted_if_empty: ClassVar[frozenset[str]] = frozenset({"comment", "protocol"})

    comment: Text = ""
    """What the rule is for; left out when empty."""

    from_: Annotated[Listed[Prefix], Field(alias="from")] = ()
    """Prefixes that may send."""

    ports: Listed[Port] = ()
    """Ports that the rule lets through."""

    protocol: Annotated[Text, Unit("IP protocol")] = ""
    """tcp or udp, lower case; left out when empty, which means tcp."""

    to: Listed[Prefix] = ()
    """Prefixes that may be reached."""


class FirewallRules(Document):
    """Rules of a firewall from its start on."""

    source: ClassVar[str] = _MODELS

    egress: Listed[EgressRule] = ()
    """What is let out."""

    ingress: Listed[IngressRule] = ()
    """What is let in."""


class DnsServer(Document):
    """A resolver."""

    source: ClassVar[str] = _MODELS

    ip: IpAddress
    """Its address."""


class NtpServer(Document):
    """A time server."""

    source: ClassVar[str] = _MODELS

    address: Annotated[str, Unit("host name or IP address")]
    """Its name or address."""


class InstallConfig(Document):
    """/etc/metal/install.yaml in the image, mode 0600, while the installer runs.

    Keys and their order follow metal-hammer v0.13 (InstallerConfig); images in
    the field read them, so a rename is a new document and not an edit. Files of
    older versions and of test fixtures lack keys, hence the defaults; what older
    versions had is in contract/generations.py.
    """

    source: ClassVar[str] = "metal-hammer v0.13.16: InstallerConfig"

    hostname: HostName
    """Name of the machine (RFC 1123), at most 64 characters."""

    networks: Listed[Network] = ()
    """Networks of the machine, in the order of metal-api."""

    machineuuid: Annotated[Text, Unit("UUID")] = ""
    """SMBIOS UUID of the machine, lower case."""

    sshpublickey: Annotated[Text, Unit("lines of authorized_keys"), Source("sshd(8)")] = ""
    """Public keys of the user `metal`, one per line, without a last line end; may be empty."""

    password: Annotated[SecretStr, Unit("text")] = SecretStr("")
    """Password of the user `metal` on the console, in clear. Never logged, never an argument."""

    console: Annotated[Text, Unit("kernel console")] = "ttyS0"
    """Last `console=` of the ramdisk's kernel: ttyS1,115200n8. Installers need speed and parity."""

    timestamp: Annotated[Text, Unit("RFC 3339 time"), Source("RFC 3339, 5.6")] = ""
    """When the agent wrote this, RFC 3339 with seconds: 2019-07-01T09:41:43Z."""

    nics: Listed[Nic] = ()
    """Interfaces of the machine whose neighbours are all known by their MAC address."""

    vpn: Vpn | None = None
    """How to join the VPN; null when there is none."""

    role: Literal["machine", "firewall"] = "machine"
    """What the machine is to become."""

    raidenabled: bool = False
    """Whether the layout has a RAID array."""

    root_uuid: Annotated[Text, Unit("UUID"), Source("blkid(8): UUID")] = ""
    """UUID of the filesystem at `/` (not of its partition); older agents took the label `root`."""

    firewall_rules: FirewallRules | None = None
    """Rules for a firewall; null for a machine."""

    dns_servers: Listed[DnsServer] = ()
    """Resolvers; with none the image keeps its own."""

    ntp_servers: Listed[NtpServer] = ()
    """Time servers; with none the image keeps its own."""

    @model_validator(mode="before")
    @classmethod
    def read_older_generations(cls, values: object) -> object:
        return in_newest_form(values) if isinstance(values, dict) else values
