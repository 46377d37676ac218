"""The layout of the disks: partitions, arrays, volumes and filesystems of a machine."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from contract import layout_rules, layout_schema
from contract.document import ClosedDocument, refuse
from contract.fields import Either, Listed, Mapped, OptionalText, Source, Text, Unit

Format = Literal["vfat", "ext3", "ext4", "swap", "tmpfs", "none"]
GptType = Literal["ef00", "8300", "fd00", "8e00"]
# Go's int of metal-api; more is no disk that exists.
SizeMib = Annotated[int, Field(ge=0, le=2**43), Unit("MiB")]

DiskName = Annotated[str, Field(json_schema_extra=layout_schema.DISK), Unit("device path")]
ArrayName = Annotated[str, Field(json_schema_extra=layout_schema.DEVICE), Unit("device path")]
Provided = Annotated[str, Field(json_schema_extra=layout_schema.PROVIDED), Unit("device path")]
LvmName = Annotated[
    str, Field(json_schema_extra=layout_schema.LVM_NAME), Unit("name"), Source("lvm(8)")
]
Argument = Annotated[str, Unit("program argument")]

_SOURCE = "metal-api, internal/metal/filesystem.go"


class Filesystem(ClosedDocument):
    """A filesystem to make and to mount."""

    model_config = ConfigDict(json_schema_extra=layout_schema.FILESYSTEM)

    source: ClassVar[str] = _SOURCE

    path: Annotated[
        OptionalText, Field(json_schema_extra=layout_schema.MOUNT_PATH), Unit("mount path")
    ] = None
    """Where it is mounted, absolute; without one it is made and not mounted."""

    device: Annotated[str, Unit("device path")]
    """Partition, disk, array or volume that holds it; `tmpfs` for one in memory."""

    format: Format
    """vfat, ext3, ext4, swap, tmpfs, or none for a device that is left as it is."""

    label: Annotated[OptionalText, Field(json_schema_extra=layout_schema.LABEL), Unit("label")] = (
        None
    )
    """Its label. Old installers find `root`, `efi` and `varlib` by it (disk.json)."""

    mountoptions: Annotated[Listed[str], Unit("mount option"), Source("mount(8), fstab(5)")] = ()
    """Options of mount and fstab, one per element."""

    createoptions: Annotated[Listed[Argument], Source("mkfs(8)")] = ()
    """Arguments of mkfs; an element with white space counts as several ("-F 32")."""

    @property
    def create_arguments(self) -> tuple[str, ...]:
        """The options as a program takes them. Layouts in the field have "-F 32" as one element."""
        return split(self.createoptions)


class Partition(ClosedDocument):
    """A partition of a disk (GPT)."""

    source: ClassVar[str] = _SOURCE

    number: Annotated[
        int, Field(ge=1, le=128), Unit("partition number"), Source("UEFI 2.10, 5.3; sgdisk(8)")
    ]
    """Its number, from 1 to 128 (entries in the table that sgdisk makes)."""

    label: Annotated[
        OptionalText,
        Field(json_schema_extra=layout_schema.PARTITION_LABEL),
        Unit("label"),
        Source("UEFI 2.10, 5.3.3: PartitionName"),
    ] = None
    """Its name in the GPT, at most 36 UTF-16 units."""

    size: SizeMib = 0
    """Size in MiB; 0 is the rest of the disk, for the last partition only."""

    gpttype: Annotated[GptType | None, Either("", None), Source("sgdisk(8): --typecode")] = None
    """Type in the short form of sgdisk: ef00 EFI, 8300 Linux, fd00 RAID, 8e00 LVM."""


class Disk(ClosedDocument):
    """A disk of the machine, which is all the layout's."""

    source: ClassVar[str] = _SOURCE

    # What once divided disk and number, before metal-api derived it from the name.
    unused_keys = frozenset({"partitionprefix"})

    device: DiskName
    """The disk by its kernel name: /dev/sda, /dev/nvme0n1."""

    partitions: Listed[Partition] = ()
    """Partitions to make; without any the disk is used as a whole or not at all."""

    wipeonreinstall: bool = False
    """Whether a reinstallation may erase the disk; if not, every byte of it stays."""


class Raid(ClosedDocument):
    """An array of Linux software RAID (md)."""

    model_config = ConfigDict(json_schema_extra=layout_schema.RAID)

    source: ClassVar[str] = _SOURCE

    arrayname: ArrayName
    """Device of the array: /dev/md0."""

    devices: Listed[Provided] = ()
    """Disks and partitions it is made of, spares included."""

    level: Annotated[Literal["0", "1"], Either(0, "0"), Either(1, "1")]
    """"0" stripes, "1" mirrors; an integer is taken too."""

    createoptions: Annotated[Listed[Argument], Source("mdadm(8)")] = ()
    """Arguments of mdadm --create; an element with white space counts as several."""

    spares: Annotated[int, Field(ge=0), Unit("count"), Source("mdadm(8)")] = 0
    """How many of the devices are spares."""

    @property
    def create_arguments(self) -> tuple[str, ...]:
        """The options as a program takes them."""
        return split(self.createoptions)


class VolumeGroup(ClosedDocument):
    """A volume group of LVM."""

    model_config = ConfigDict(json_schema_extra=layout_schema.VOLUME_GROUP)

    source: ClassVar[str] = _SOURCE

    name: LvmName
    """Its name."""

    devices: Listed[Provided] = ()
    """Disks, partitions and arrays it is made of."""

    tags: Annotated[Listed[str], Unit("tag"), Source("lvm(8)")] = ()
    """Tags that LVM keeps with it."""


class LogicalVolume(ClosedDocument):
    """A volume of LVM; its device is /dev/GROUP/NAME."""

    source: ClassVar[str] = _SOURCE

    name: LvmName
    """Its name."""

    volumegroup: LvmName
    """Group that holds it."""

    size: SizeMib = 0
    """Size in MiB; 0 is the rest of the group, for its last volume only."""

    lvmtype: Annotated[Literal["linear", "striped", "raid1"], Either("", "linear")] = "linear"
    """linear, or over two disks and more: striped, raid1."""


class Constraints(ClosedDocument):
    """Which machines and images metal-api gives this layout; the agent does not ask."""

    source: ClassVar[str] = _SOURCE

    sizes: Annotated[
        Listed[Annotated[str, Field(json_schema_extra=layout_schema.SIZE_NAME)]],
        Field(json_schema_extra={"uniqueItems": True}),
        Unit("name"),
    ] = ()
    """Machine sizes, without wildcards and each once."""

    images: Annotated[
        Mapped[Annotated[str, Field(json_schema_extra=layout_schema.VERSIONS)]],
        Field(json_schema_extra=layout_schema.OPERATING_SYSTEMS),
        Unit("version constraint"),
    ] = Field(default_factory=dict)
    """From operating system to versions: `*`, `10.0.20201026`, or operator and version, `>= 20`."""


class FilesystemLayout(ClosedDocument):
    """The layout of the disks of one machine (metal-api, filesystem layout)."""

    model_config = ConfigDict(json_schema_extra=layout_schema.LAYOUT)

    source: ClassVar[str] = _SOURCE

    unused_keys = frozenset({"changed", "created"})

    id: Text = ""
    """Its name in metal-api."""

    name: Text = ""
    """A name for people."""

    description: Text = ""
    """What it is for."""

    constraints: Constraints = Constraints()
    """Which machines and images it is for."""

    filesystems: Listed[Filesystem] = ()
    """Filesystems to make and mount; one is at /."""

    disks: Listed[Disk] = ()
    """Disks that it uses. No other is touched."""

    raid: Listed[Raid] = ()
    """Arrays to make, after the partitions."""

    volumegroups: Listed[VolumeGroup] = ()
    """Volume groups to make, after the arrays."""

    logicalvolumes: Listed[LogicalVolume] = ()
    """Volumes to make, after the groups."""

    @model_validator(mode="after")
    def refuse_broken_rules(self) -> Self:
        refuse(type(self).__name__, layout_rules.problems(self))
        return self


def split(options: tuple[str, ...]) -> tuple[str, ...]:
    """Elements with white space taken apart."""
    return tuple(word for option in options for word in option.split())
