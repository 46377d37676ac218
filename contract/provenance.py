"""hammer-provenance.json: what a system was installed from, and how that went."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from contract.document import Document
from contract.fields import Listed, Mapped, Text, Unit

_SOURCE = "hammer"

Bytes = Annotated[int, Field(ge=0), Unit("bytes")]


class ComparedDigest(Document):
    """What the image was compared by: all packed bytes came to this."""

    source: ClassVar[str] = _SOURCE

    algorithm: Literal["md5", "sha256", "sha512"]
    """How it is made."""

    value: Annotated[str, Unit("hexadecimal digits")]
    """The digest, in lower case."""

    source_: Annotated[Text, Field(alias="source"), Unit("text")] = ""
    """Who said so before the first write: the URL of a checksum file, or a document."""


class InstalledImage(Document):
    """The image that was unpacked."""

    source: ClassVar[str] = _SOURCE

    id: Annotated[Text, Unit("image id")] = ""
    """What it is called; empty if nobody said."""

    url: Annotated[Text, Unit("URL without user, password and query")] = ""
    """Where it came from, behind all redirects."""

    digest: ComparedDigest
    """What it was compared by."""

    packed_bytes: Bytes
    """Its size on the way."""

    unpacked_bytes: Bytes
    """The size of the archive in it."""

    members: Annotated[int, Field(ge=0), Unit("count")]
    """Files, directories, links and devices in the archive."""


class InstalledPartition(Document):
    """A partition that was made."""

    source: ClassVar[str] = _SOURCE

    device: Annotated[str, Unit("device")]
    """As it was called during the installation."""

    number: Annotated[int, Field(ge=1), Unit("number")]
    """In the GPT."""

    label: Annotated[Text, Unit("text")] = ""
    """Its name in the GPT."""

    gpttype: Annotated[Text, Unit("type of sgdisk")] = ""
    """Its type; empty for one of Linux."""

    size_bytes: Bytes | None = None
    """Its size; null if the kernel did not tell."""


class InstalledDisk(Document):
    """A disk that was erased, and partitioned anew."""

    source: ClassVar[str] = _SOURCE

    device: Annotated[str, Unit("device")]
    """As it was called during the installation."""

    size_bytes: Bytes | None = None
    """Its size; null if the kernel did not tell."""

    partitions: Listed[InstalledPartition] = ()
    """What was made on it."""


class InstalledFilesystem(Document):
    """A filesystem that was made."""

    source: ClassVar[str] = _SOURCE

    device: Annotated[str, Unit("device")]
    """What it is on."""

    format: Annotated[str, Unit("format")]
    """ext3, ext4, vfat, swap."""

    uuid: Annotated[str, Unit("UUID")]
    """Its UUID."""

    label: Annotated[Text, Unit("label")] = ""
    """Its label."""

    path: Annotated[str | None, Unit("path")] = None
    """Where the system mounts it; null for nowhere."""


class InstalledLayout(Document):
    """What the disks look like."""

    source: ClassVar[str] = _SOURCE

    disks: Listed[InstalledDisk] = ()
    """The disks of the layout, as they were installed."""

    filesystems: Listed[InstalledFilesystem] = ()
    """The filesystems on them, in the order of the layout."""


class Provenance(Document):
    """/etc/metal/hammer-provenance.json in the installed system, mode 0600, for people.

    Written last, before the system is unmounted. No secret is in it.
    """

    source: ClassVar[str] = _SOURCE

    agent: Annotated[str, Unit("version")]
    """Version of the agent."""

    image: InstalledImage
    """What was installed, and how it was known to be right."""

    layout: InstalledLayout
    """Where it was installed."""

    seconds: Annotated[Mapped[Annotated[float, Field(ge=0)]], Unit("s")] = Field(
        default_factory=dict
    )
    """How long each step took that was over by then, by its name."""
