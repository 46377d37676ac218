"""The layout of the disks: partitions, arrays, volumes and filesystems of a machine."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from contract import layout_rules
from contract.document import ClosedDocument, refuse
from contract.fields import Either, Listed, Mapped, OptionalText, Text

Format = Literal["vfat", "ext3", "ext4", "swap", "tmpfs", "none"]
GptType = Literal["ef00", "8300", "fd00", "8e00"]
# Go's int of metal-api; more is no disk that exists.
SizeMib = Annotated[int, Field(ge=0, le=2**43)]


class Filesystem(ClosedDocument):
    """A filesystem to make and to mount."""

    path: OptionalText = None
    """Where it is mounted, absolute; without one it is made and not mounted."""

    device: str
    """Partition, disk, array or volume that holds it; `tmpfs` for one in memory."""

    format: Format
    """vfat, ext3, ext4, swap, tmpfs, or none for a device that is left as it is."""

    label: OptionalText = None
    """Its label. Old installers find `root`, `efi` and `varlib` by it (disk.json)."""

    mountoptions: Listed[str] = ()
    """Options of mount and fstab, one per element."""

    createoptions: Listed[str] = ()
    """Arguments of mkfs; an element with white space counts as several ("-F 32")."""

    @property
    def create_arguments(self) -> tuple[str, ...]:
        """The options as a program takes them. Layouts in the field have "-F 32" as one element."""
        return split(self.createoptions)


class Partition(ClosedDocument):
    """A partition of a disk (GPT)."""

    number: Annotated[int, Field(ge=1, le=128)]
    """Its number, from 1 to 128 (entries in the table that sgdisk makes)."""

    label: OptionalText = None
    """Its name in the GPT, at most 36 UTF-16 units."""

    size: SizeMib = 0
    """Size in MiB; 0 is the rest of the disk, for the last partition only."""

    gpttype: Annotated[GptType | None, Either("", None)] = None
    """Type in the short form of sgdisk: ef00 EFI, 8300 Linux, fd00 RAID, 8e00 LVM."""


class Disk(ClosedDocument):
    """A disk of the machine, which is all the layout's."""

    # What once divided disk and number, before metal-api derived it from the name.
    unused_keys = frozenset({"partitionprefix"})

    device: str
    """The disk by its kernel name: /dev/sda, /dev/nvme0n1."""

    partitions: Listed[Partition] = ()
    """Partitions to make; without any the disk is used as a whole or not at all."""

    wipeonreinstall: bool = False
    """Whether a reinstallation may erase the disk; if not, every byte of it stays."""


class Raid(ClosedDocument):
    """An array of Linux software RAID (md)."""

    arrayname: str
    """Device of the array: /dev/md0."""

    devices: Listed[str] = ()
    """Disks and partitions it is made of, spares included."""

    level: Annotated[Literal["0", "1"], Either(0, "0"), Either(1, "1")]
    """"0" stripes, "1" mirrors; an integer is taken too."""

    createoptions: Listed[str] = ()
    """Arguments of mdadm --create; an element with white space counts as several."""

    spares: Annotated[int, Field(ge=0)] = 0
    """How many of the devices are spares."""

    @property
    def create_arguments(self) -> tuple[str, ...]:
        """The options as a program takes them."""
        return split(self.createoptions)


class VolumeGroup(ClosedDocument):
    """A volume group of LVM."""

    name: str
    """Its name."""

    devices: Listed[str] = ()
    """Disks, partitions and arrays it is made of."""

    tags: Listed[str] = ()
    """Tags that LVM keeps with it."""


class LogicalVolume(ClosedDocument):
    """A volume of LVM; its device is /dev/GROUP/NAME."""

    name: str
    """Its name."""

    volumegroup: str
    """Group that holds it."""

    size: SizeMib = 0
    """Size in MiB; 0 is the rest of the group, for its last volume only."""

    lvmtype: Annotated[Literal["linear", "striped", "raid1"], Either("", "linear")] = "linear"
    """linear, or over two disks and more: striped, raid1."""


class Constraints(ClosedDocument):
    """Which machines and images metal-api gives this layout; the agent does not ask."""

    sizes: Listed[str] = ()
    """Machine sizes, without wildcards and each once."""

    images: Mapped[str] = Field(default_factory=dict)
    """From operating system to versions: `*`, `10.0.20201026`, or operator and version, `>= 20`."""


class FilesystemLayout(ClosedDocument):
    """The layout of the disks of one machine (metal-api, filesystem layout)."""

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
