"""The layout of the disks in the words of metal-stack's second API.

Only to be handed on: what is to be made is decided by contract.filesystem_layout.
"""

from typing import Annotated, ClassVar, Literal, TypeVar, get_args

from pydantic import AfterValidator, Field

from contract.document import rule
from contract.fields import Either, Listed, Mapped, OptionalText, Text, Unit
from contract.meta import Meta
from contract.protobuf import Int32, Message, Numbered, Uint32, Uint64

_SOURCE = "metal-stack api, api/v2/filesystem.proto"

T = TypeVar("T")

FormatName = Literal[
    "FORMAT_VFAT", "FORMAT_EXT3", "FORMAT_EXT4", "FORMAT_SWAP", "FORMAT_TMPFS", "FORMAT_NONE"
]
Format = Annotated[FormatName | None, Numbered(get_args(FormatName), unset="FORMAT_UNSPECIFIED")]

GptTypeName = Literal[
    "GPT_TYPE_BOOT", "GPT_TYPE_LINUX", "GPT_TYPE_LINUX_RAID", "GPT_TYPE_LINUX_LVM"
]
GptType = Annotated[
    GptTypeName | None, Numbered(get_args(GptTypeName), unset="GPT_TYPE_UNSPECIFIED")
]

# RAID_LEVEL_0 has the number 1, and RAID_LEVEL_1 the number 2.
RaidLevelName = Literal["RAID_LEVEL_0", "RAID_LEVEL_1"]
RaidLevel = Annotated[
    RaidLevelName | None, Numbered(get_args(RaidLevelName), unset="RAID_LEVEL_UNSPECIFIED")
]

LvmTypeName = Literal["LVM_TYPE_LINEAR", "LVM_TYPE_STRIPED", "LVM_TYPE_RAID1"]
LvmType = Annotated[
    LvmTypeName | None, Numbered(get_args(LvmTypeName), unset="LVM_TYPE_UNSPECIFIED")
]


def _each_once(options: tuple[T, ...]) -> tuple[T, ...]:
    if len(set(options)) != len(options):
        raise rule("must not hold an element twice")
    return options


Options = Annotated[
    tuple[str, ...],
    Field(max_length=32, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_each_once),
    Unit("command line option"),
    Either(None, ()),
]
MountPath = Annotated[str, Field(max_length=4096)]


class Filesystem(Message):
    """A filesystem to make and to mount."""

    source: ClassVar[str] = f"{_SOURCE}: Filesystem"

    device: Annotated[Text, Unit("device path")] = ""
    """Partition, disk, array or volume that holds it; `tmpfs` for one in memory."""

    format: Format = None
    """What it is formatted as."""

    name: Annotated[OptionalText, Unit("text")] = None
    """A name for people."""

    description: Annotated[OptionalText, Unit("text")] = None
    """What it is for."""

    path: Annotated[MountPath | None, Unit("path in the image"), Either("", None)] = None
    """Where it is mounted, at most 4096 characters; without one it is made and not mounted."""

    label: Annotated[OptionalText, Unit("text")] = None
    """Its label."""

    mount_options: Options = ()
    """Options of mount and fstab, one per element, each once, at most 32."""

    create_options: Options = ()
    """Arguments of mkfs, each once, at most 32."""


class DiskPartition(Message):
    """A partition of a disk (GPT)."""

    source: ClassVar[str] = f"{_SOURCE}: DiskPartition"

    number: Annotated[Uint32, Unit("partition number")] = 0
    """Its number, from 1."""

    label: Annotated[OptionalText, Unit("text")] = None
    """Its name in the GPT."""

    size: Annotated[Uint64, Unit("MiB")] = 0
    """Size in MiB; 0 is the rest of the disk."""

    gpt_type: GptType = None
    """Its type in the GPT."""


class Disk(Message):
    """A disk of the machine. Whether a reinstallation may erase it is not told here."""

    source: ClassVar[str] = f"{_SOURCE}: Disk"

    device: Annotated[Text, Unit("device path")] = ""
    """The disk by its kernel name."""

    partitions: Listed[DiskPartition] = ()
    """Its partitions."""


class Raid(Message):
    """An array of Linux software RAID (md)."""

    source: ClassVar[str] = f"{_SOURCE}: Raid"

    array_name: Annotated[Text, Unit("device path")] = ""
    """Device of the array."""

    devices: Annotated[
        tuple[str, ...], Field(max_length=128), Unit("device path"), Either(None, ())
    ] = ()
    """Disks and partitions it is made of, spares included, at most 128."""

    level: RaidLevel = None
    """RAID_LEVEL_0 stripes and has the number 1, RAID_LEVEL_1 mirrors and has the number 2."""

    create_options: Options = ()
    """Arguments of mdadm --create, each once, at most 32."""

    spares: Annotated[Int32, Unit("count")] = 0
    """How many of the devices are spares."""


class VolumeGroup(Message):
    """A volume group of LVM."""

    source: ClassVar[str] = f"{_SOURCE}: VolumeGroup"

    name: Annotated[Text, Unit("text")] = ""
    """Its name."""

    devices: Annotated[Listed[str], Unit("device path")] = ()
    """Disks, partitions and arrays it is made of."""

    tags: Annotated[Listed[str], Unit("text")] = ()
    """Tags that LVM keeps with it."""


class LogicalVolume(Message):
    """A volume of LVM."""

    source: ClassVar[str] = f"{_SOURCE}: LogicalVolume"

    name: Annotated[Text, Unit("text")] = ""
    """Its name."""

    volume_group: Annotated[Text, Unit("name of a volume group")] = ""
    """Group that holds it."""

    size: Annotated[Uint64, Unit("MiB")] = 0
    """Size in MiB; 0 is the rest of the group."""

    lvm_type: LvmType = None
    """How it lies on the disks of its group."""


class Constraints(Message):
    """Which machines and images get the layout."""

    source: ClassVar[str] = f"{_SOURCE}: FilesystemLayoutConstraints"

    sizes: Annotated[Listed[str], Unit("machine size")] = ()
    """Sizes of machines."""

    images: Annotated[Mapped[str], Unit("version constraint")] = Field(default_factory=dict)
    """From operating system to versions."""


class FilesystemLayout(Message):
    """The layout of the disks, as it was made."""

    source: ClassVar[str] = f"{_SOURCE}: FilesystemLayout"

    id: Annotated[Text, Unit("text")] = ""
    """Its name in the API."""

    meta: Meta | None = None
    """What the API knows about it."""

    name: Annotated[OptionalText, Unit("text")] = None
    """A name for people."""

    description: Annotated[OptionalText, Unit("text")] = None
    """What it is for."""

    filesystems: Listed[Filesystem] = ()
    """Its filesystems."""

    disks: Listed[Disk] = ()
    """Disks that it uses."""

    raid: Listed[Raid] = ()
    """Its arrays."""

    volume_groups: Listed[VolumeGroup] = ()
    """Its volume groups."""

    logical_volumes: Listed[LogicalVolume] = ()
    """Its volumes."""

    constraints: Constraints | None = None
    """Which machines and images it is for."""
