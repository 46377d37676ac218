"""OSImage: the manifest by which vCluster names an image for bare metal."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from contract.document import Document, refuse
from contract.fields import Either, ImageUrl, Text, Unit
from contract.image_digest import DigestType, ImageDigest, type_problem

_SOURCE = "vCluster platform, management.loft.sh/v1: OSImage"
_KUBERNETES = "Kubernetes API conventions: Objects"
_TYPE_KEY = "metal3.vcluster.com/image-checksum-type"


class OsImageMetadata(Document):
    """What Kubernetes knows of every object; of it, the name."""

    source: ClassVar[str] = _KUBERNETES

    name: Annotated[Text, Unit("image id")] = ""
    """What the image is called."""


class OsImageProperties(Document):
    """Where the image is. Properties for other providers are not looked at."""

    source: ClassVar[str] = _SOURCE

    image_url: Annotated[ImageUrl, Field(alias="metal3.vcluster.com/image-url")]
    """Where it is, by http, https or file."""

    image_checksum: Annotated[
        ImageDigest | None, Either("", None), Field(alias="metal3.vcluster.com/image-checksum")
    ] = None
    """Digest, or URL of a checksum file; without it, a file beside the image."""

    image_checksum_type: Annotated[DigestType, Field(alias=_TYPE_KEY)] = None
    """The algorithm; null: the length of the digest tells."""

    @model_validator(mode="after")
    def refuse_a_checksum_of_another_type(self) -> Self:
        if problem := type_problem(self.image_checksum, self.image_checksum_type):
            refuse(type(self).__name__, [((_TYPE_KEY,), problem)])
        return self


class OsImageSpec(Document):
    """What is said of an image."""

    source: ClassVar[str] = _SOURCE

    display_name: Annotated[Text, Field(alias="displayName"), Unit("text")] = ""
    """A name for people."""

    properties: OsImageProperties
    """Where it is, and its digest."""


class OsImage(Document):
    """An image as vCluster's platform names it, for metal3; the packed tarball of ours."""

    source: ClassVar[str] = _KUBERNETES

    api_version: Annotated[Literal["management.loft.sh/v1"], Field(alias="apiVersion")]
    """Group and version of the kind."""

    kind: Literal["OSImage"]
    """The kind of object."""

    metadata: OsImageMetadata = OsImageMetadata()
    """Its name."""

    spec: OsImageSpec
    """What it is."""
