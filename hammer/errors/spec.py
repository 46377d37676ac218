"""Why a machine document cannot be carried out on this machine."""

from dataclasses import dataclass

from hammer import redact
from hammer.errors.base import SpecError


@dataclass(eq=False, kw_only=True)
class DocumentMissing(SpecError):
    """The machine document is not where it should be."""

    code = "document-missing"
    hint = "name it with hammer.spec=URL or PATH, or build it into the ramdisk"

    where: str
    reason: str

    def __str__(self) -> str:
        return f"machine document {redact.url(self.where)}: {self.reason}"


@dataclass(eq=False, kw_only=True)
class DocumentInvalid(SpecError):
    """The machine document is not YAML, or breaks a rule; every problem is listed."""

    code = "document-invalid"
    hint = "correct the document; `contract check FILE` shows the same problems"

    where: str
    problems: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(f"{redact.url(self.where)}: {problem}" for problem in self.problems)


@dataclass(eq=False, kw_only=True)
class LayoutMissing(SpecError):
    """The filesystem layout is not where it should be."""

    code = "layout-missing"
    hint = "name a file with a filesystem layout; `contract example filesystem-layout` shows one"

    where: str
    reason: str

    def __str__(self) -> str:
        return f"layout {self.where}: {self.reason}"


@dataclass(eq=False, kw_only=True)
class ImageUnknown(SpecError):
    """The store or the image index has no image that the id means."""

    code = "image-unknown"
    hint = "take the id of an image that is there, or publish this one"

    image_id: str
    store: str
    near: tuple[str, ...]
    """Ids of images that are there, most recent first."""
    tried: tuple[str, ...]
    """URLs where it was looked for, in this order; none in an index."""

    def __str__(self) -> str:
        lines = [f"no image {self.image_id} in {redact.url(self.store)}"]
        lines += [f"tried {redact.url(url)}" for url in self.tried]
        return "\n".join([*lines, f"there is {', '.join(self.near)}"] if self.near else lines)


@dataclass(eq=False, kw_only=True)
class IndexMissing(SpecError):
    """The image index is not where it should be."""

    code = "index-missing"
    hint = "correct the address of the index (`store:` of the document, or `--store`)"

    url: str
    reason: str

    def __str__(self) -> str:
        return f"image index {redact.url(self.url)}: {self.reason}"


@dataclass(eq=False, kw_only=True)
class IndexInvalid(SpecError):
    """The image index is not YAML, or breaks a rule; every problem is listed."""

    code = "index-invalid"
    hint = "correct the index; `contract check --kind image-index FILE` shows the same problems"

    url: str
    problems: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(f"{redact.url(self.url)}: {problem}" for problem in self.problems)


@dataclass(eq=False, kw_only=True)
class ImageAddressInvalid(SpecError):
    """What the image index has as the URL of the image is none that the agent can read."""

    code = "image-address-invalid"
    hint = "correct `url` of this image in the index, or take an image that is there by http(s)"

    image_id: str
    store: str
    url: str
    reason: str

    def __str__(self) -> str:
        where = f"image {self.image_id} of {redact.url(self.store)}"
        return f"{where} is at {redact.url(self.url) or 'no URL'}: {self.reason}"


@dataclass(eq=False, kw_only=True)
class OsImageMissing(SpecError):
    """The OSImage is not where it should be."""

    code = "os-image-missing"
    hint = "correct the address in hammer.os_image=, or publish the manifest there"

    url: str
    reason: str

    def __str__(self) -> str:
        return f"OSImage {redact.url(self.url)}: {self.reason}"


@dataclass(eq=False, kw_only=True)
class OsImageInvalid(SpecError):
    """The OSImage is not YAML, or breaks a rule; every problem is listed."""

    code = "os-image-invalid"
    hint = "correct the manifest; `contract check --kind os-image FILE` shows the same problems"

    url: str
    problems: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(f"{redact.url(self.url)}: {problem}" for problem in self.problems)


@dataclass(eq=False, kw_only=True)
class Unsupported(SpecError):
    """The machine document asks for something that this version cannot do."""

    code = "spec-unsupported"
    hint = "take a layout of plain partitions, or a version of the agent that knows the feature"

    features: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(f"not supported by this version: {name}" for name in self.features)


@dataclass(eq=False, kw_only=True)
class WrongMachine(SpecError):
    """The machine document names another machine than the one that read it."""

    code = "wrong-machine"
    hint = "give this machine its own document, or one without `id`"

    document_id: str
    machine_id: str

    def __str__(self) -> str:
        return f"the document is for machine {self.document_id}, this is {self.machine_id}"


@dataclass(eq=False, kw_only=True)
class MachineUnknown(SpecError):
    """Neither the document nor the firmware says which machine this is."""

    code = "machine-unknown"
    hint = "put `id:` with the machine's UUID into the machine document"

    def __str__(self) -> str:
        return "the document has no `id` and the firmware gives no system UUID"


@dataclass(eq=False, kw_only=True)
class DiskMissing(SpecError):
    """Disks of the layout that this machine does not have."""

    code = "disk-missing"
    hint = "correct the disks of the filesystem layout, or choose a machine that has them"

    disks: tuple[tuple[str, str], ...]  # path and reason
    present: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"{path} of the layout: {reason}" for path, reason in self.disks]
        return "\n".join([*lines, f"disks of this machine: {', '.join(self.present) or 'none'}"])


@dataclass(eq=False, kw_only=True)
class DiskTooSmall(SpecError):
    """Disks that cannot hold the partitions of the layout."""

    code = "disk-too-small"
    hint = "choose a larger machine size, or shrink a partition of the filesystem layout"

    disks: tuple[tuple[str, int, int], ...]  # path, MiB it holds, MiB the layout needs

    def __str__(self) -> str:
        return "\n".join(
            f"{path} holds {holds_mib} MiB, the layout needs {needs_mib} MiB"
            for path, holds_mib, needs_mib in self.disks
        )


@dataclass(eq=False, kw_only=True)
class TargetFull(SpecError):
    """A filesystem of the layout is too small for what the image puts there."""

    code = "target-full"
    hint = "make the filesystem larger in the layout, or the image smaller"

    path: str
    """As the installed system sees it."""

    def __str__(self) -> str:
        return f"no space left on the target while writing {self.path}"
