"""The image index: which images there are, and where; what metal-api answers to GET /v1/image."""

from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from contract.document import ClosedDocument, refuse, rule
from contract.fields import Either, Listed, OptionalText, Text, Unit, address_of_a_file
from contract.image_reference import ID_PATTERN, ImageId, most_recent
from contract.layout_places import twice


def _image_id(text: str) -> str:
    try:
        ImageId.parse(text)
    except ValueError as error:
        raise rule(str(error)) from None
    return text


class IndexedImage(ClosedDocument):
    """An image of the index (metal-api, image).

    An index holds images that are for others, too: what only matters of the image that is
    chosen is not judged here.
    """

    source: ClassVar[str] = "metal-api: cmd/metal-api/internal/service/v1/image.go"
    unused_keys = frozenset({"changed", "created", "usedby"})

    id: Annotated[
        str,
        AfterValidator(_image_id),
        Field(json_schema_extra={"pattern": ID_PATTERN}),
        Unit("image id"),
    ]
    """Its name and version, each once: debian-12.0.20241118."""

    name: Annotated[Text, Unit("text")] = ""
    """A name for people."""

    description: Annotated[Text, Unit("text")] = ""
    """What it is."""

    url: Annotated[str, Either(None, ""), Unit("URL")]
    """Where it is. The agent reads .tar.lz4, .tar.zst, .tar.gz or .tar, by http, https or file."""

    features: Listed[Annotated[str, Unit("text")]] = ()
    """What a machine with it can be: machine, firewall."""

    classification: OptionalText = None
    """preview, supported or deprecated. It does not matter for the choice."""

    expiration_date: Annotated[
        OptionalText, Field(alias="expirationDate"), Unit("RFC 3339 time")
    ] = None
    """Until when it is meant to be used. It does not matter for the choice."""

    @property
    def url_problem(self) -> str:
        """Why the agent can read no image at `url`; empty if it can."""
        try:
            address_of_a_file(self.url)
        except PydanticCustomError as error:
            return error.message()
        return ""


class ImageIndex(ClosedDocument):
    """Images by their ids. A bare list of images, as metal-api answers, is an index too."""

    source: ClassVar[str] = "metal-api: GET /v1/image"
    bare_list_is: ClassVar[str | None] = "images"

    images: Listed[IndexedImage]
    """The images, in any order."""

    @model_validator(mode="after")
    def refuse_ids_that_come_twice(self) -> Self:
        ids = [image.id for image in self.images]
        problems = twice(ids, "is the id of another image already", ("images",), "id")
        refuse(type(self).__name__, problems)
        return self

    def find(self, wanted: ImageId) -> IndexedImage | None:
        """The most recent image that `wanted` means, as metal-api chooses; None if none does."""
        by_id = {image.id: image for image in self.images}
        found = most_recent(wanted, map(ImageId.parse, by_id))
        return by_id[found.text] if found else None
