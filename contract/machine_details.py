"""machine-details.yaml: what os-installer is told of a machine beside its allocation."""

from typing import Annotated, ClassVar

from pydantic import Field, SecretStr

from contract.document import Document
from contract.fields import Listed, Source, Text, Unit

_STRUCT = "os-installer, api/v1/api.go: MachineDetails"


class MachineNic(Document):
    """A network interface, or what is seen at the other end of its cable."""

    source: ClassVar[str] = "metal-stack api, api/v2/machine.proto: MachineNic, names lower-cased"

    mac: Annotated[Text, Unit("MAC address or name of a port")] = ""
    """MAC address; of a neighbour what its switch tells, which may be `Eth1/4(Port1)`."""

    name: Annotated[Text, Unit("interface name")] = ""
    """Name of the interface on its machine."""

    identifier: Annotated[Text, Unit("text")] = ""
    """Name by which metal-api knows the interface; empty for a neighbour."""

    vendor: Annotated[Text, Unit("text")] = ""
    """Who made it; the agent does not know and leaves it empty."""

    model: Annotated[Text, Unit("text")] = ""
    """What it is; the agent does not know and leaves it empty."""

    speed: Annotated[int, Field(ge=0, le=2**64 - 1), Unit("bit/s")] = 0
    """How fast it is; the agent does not know and leaves it at 0."""

    neighbors: Listed["MachineNic"] = ()
    """The port of a switch that the interface is connected to (LLDP): the first one, or none."""

    hostname: Annotated[Text, Unit("host name")] = ""
    """Host that the neighbour belongs to; the agent leaves it empty."""


class MachineDetails(Document):
    """/etc/metal/machine-details.yaml in the image, mode 0600, beside machine-allocation.yaml.

    Written as Go's yaml.v3 writes the struct: every key, with its zero value
    where there is nothing to tell.
    """

    source: ClassVar[str] = _STRUCT

    id: Annotated[Text, Unit("UUID")] = ""
    """SMBIOS UUID of the machine, lower case."""

    nics: Listed[MachineNic] = ()
    """Interfaces of the machine whose neighbours are all known, as in install.yaml."""

    password: Annotated[SecretStr, Unit("text")] = SecretStr("")
    """Password of the user `metal` on the console, in clear. Never logged, never an argument."""

    console: Annotated[Text, Unit("console as in console= of Linux")] = ""
    """Last `console=` of the ramdisk's kernel, with speed and parity: ttyS1,115200n8."""

    raidenabled: bool = False
    """Whether the layout has a RAID array."""

    root_uuid: Annotated[Text, Unit("UUID"), Source(f"{_STRUCT}, RootUUID")] = ""
    """UUID of the filesystem at `/` (not of its partition)."""
