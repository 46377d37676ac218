"""What metal-stack's second API keeps about all its things: labels, times, generation."""

from typing import Annotated, ClassVar

from pydantic import Field

from contract.fields import Mapped, OptionalText, Unit
from contract.protobuf import Message, Timestamp, Uint64

_SOURCE = "metal-stack api, api/v2/common.proto"


class Labels(Message):
    """Labels of a thing, each a name and a text."""

    source: ClassVar[str] = f"{_SOURCE}: Labels"

    labels: Annotated[Mapped[str], Unit("text")] = Field(default_factory=dict)
    """The labels by their names."""


class Meta(Message):
    """What the API knows about a thing beside the thing itself."""

    source: ClassVar[str] = f"{_SOURCE}: Meta"

    labels: Labels | None = None
    """Labels that people or programs gave it."""

    created_at: Timestamp | None = None
    """When it was made."""

    updated_at: Timestamp | None = None
    """When it was changed last."""

    generation: Annotated[Uint64, Unit("count")] = 0
    """How often it was changed since it was made."""

    deletion_task_id: Annotated[OptionalText, Unit("text")] = None
    """Task that deletes it, when one does."""
