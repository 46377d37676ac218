"""build-meta.yaml: which os-installer made a system."""

from typing import Annotated, ClassVar

from pydantic import Field

from contract.document import Document
from contract.fields import Text, Unit


class BuildMeta(Document):
    """/etc/metal/build-meta.yaml in the image, written by os-installer, for people."""

    source: ClassVar[str] = "os-installer, api/v1/api.go: BuildMeta"

    version: Annotated[Text, Field(alias="buildVersion"), Unit("version")] = ""
    """Version of os-installer."""

    date: Annotated[Text, Field(alias="buildDate"), Unit("time as its build wrote it")] = ""
    """When it was built."""

    sha: Annotated[Text, Field(alias="buildSHA"), Unit("commit")] = ""
    """Commit that it was built from, short."""

    revision: Annotated[Text, Field(alias="buildRevision"), Unit("git reference")] = ""
    """Tag or branch that it was built from."""

    ignition_version: Annotated[Text, Field(alias="ignitionVersion"), Unit("text")] = ""
    """What `ignition --version` of the image says; empty without ignition."""
