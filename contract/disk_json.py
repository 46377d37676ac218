"""disk.json: where the three filesystems are that old installers look for."""

import json
import re
from typing import Annotated, ClassVar

from pydantic import Field

from contract.document import Document
from contract.fields import Listed, Unit
from contract.values import values_of

_SOURCE = "metal-hammer v0.13.16, cmd/storage"

LABELS = ("root", "efi", "varlib")
"""The filesystems that disk.json names, if the layout has them."""


class Properties(Document):
    """What blkid says of a filesystem."""

    source: ClassVar[str] = _SOURCE

    uuid: Annotated[str, Field(alias="UUID"), Unit("UUID")] = ""
    """UUID of the filesystem."""


class DiskPartition(Document):
    """A filesystem of the layout (the legacy name says partition)."""

    source: ClassVar[str] = _SOURCE

    label: Annotated[str, Field(alias="Label"), Unit("label")] = ""
    """Its label: root, efi or varlib."""

    filesystem: Annotated[str, Field(alias="Filesystem"), Unit("format")] = ""
    """Its format: ext4, vfat."""

    properties: Annotated[Properties, Field(alias="Properties")] = Properties()
    """What blkid says of it."""


class DiskJson(Document):
    """/etc/metal/disk.json in the image, mode 0600, for shell installers (install.sh).

    The keys are the names of Go fields (metal-hammer, cmd/storage): nobody gave
    them others.
    """

    source: ClassVar[str] = _SOURCE

    device: Annotated[str, Field(alias="Device"), Unit("text")] = "legacy"
    """Always the word legacy."""

    partitions: Annotated[Listed[DiskPartition], Field(alias="Partitions")] = ()
    """The filesystems labelled root, efi and varlib, in the order they are mounted."""


# What Go escapes (encoding/json, HTMLEscape), and what YAML forbids in a text.
_ESCAPED = re.compile("[<>&\u2028\u2029\x7f-\x9f\ufeff\ufffe\uffff]")


def dump_json(document: Document) -> str:
    """The document as Go's MarshalIndent writes it: two spaces, no line end at the end."""
    text = json.dumps(values_of(document), indent=2, ensure_ascii=False)
    return _ESCAPED.sub(lambda character: f"\\u{ord(character[0]):04x}", text)
