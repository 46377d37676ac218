"""protobuf's JSON mapping (protojson), in which metal-stack's second API writes its messages.

What it takes is more than what it writes: numbers in quotes, numbers of enums,
null for what is not set, and the names of fields as the .proto file has them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, ClassVar

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    SecretStr,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from contract.document import ClosedDocument, rule
from contract.fields import Either, Unit
from contract.values import Int64


class Message(ClosedDocument):
    """A message of protobuf: a key for each field, in camel case, and none for what is not set."""

    model_config = ConfigDict(alias_generator=to_camel)

    omits_what_is_not_set = True

    # Names that older versions of the message had for a key.
    older_names: ClassVar[Mapping[str, str]] = {}


# --- numbers ------------------------------------------------------------------------------

# 20 digits hold every number of 64 bits.
_DIGITS = "0|[1-9][0-9]{0,19}"


@dataclass(frozen=True)
class InQuotes:
    """Takes a number as text too."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        def number(value: object) -> object:
            is_number = isinstance(value, str) and re.fullmatch(_DIGITS, value)
            return int(str(value)) if is_number else value

        return core_schema.no_info_before_validator_function(number, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [handler(schema), {"type": "string", "pattern": f"^({_DIGITS})$"}]}


Uint32 = Annotated[int, Field(ge=0, le=2**32 - 1), InQuotes(), Either(None, 0)]
Int32 = Annotated[int, Field(ge=0, le=2**31 - 1), InQuotes(), Either(None, 0)]
"""An int32 of protobuf that counts something, and is not negative therefore."""
Uint64 = Annotated[
    int, Field(ge=0, le=2**64 - 1), AfterValidator(Int64), InQuotes(), Either(None, 0)
]

Flag = Annotated[bool, Either(None, False)]


# --- enums --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Numbered:
    """Takes the numbers of an enum for its names, which are numbered from 1.

    Number 0 is `unset`, by its name or as a number: it becomes None. Without
    `unset` it is refused, as it is in a list.
    """

    names: tuple[str, ...]
    unset: str | None = None

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        def named(value: object) -> object:
            if self.unset is not None and value in (self.unset, 0) and value is not False:
                return None
            if type(value) is int and 1 <= value <= len(self.names):
                return self.names[value - 1]
            return value

        return core_schema.no_info_before_validator_function(named, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        inner = handler(schema)
        options = inner.get("anyOf", [inner])
        first = 1 if self.unset is None else 0
        options = [*options, {"type": "integer", "minimum": first, "maximum": len(self.names)}]
        return {"anyOf": options if self.unset is None else [*options, {"const": self.unset}]}


# --- texts --------------------------------------------------------------------------------


def _timestamp(text: str) -> str:
    """In the form that protojson writes: UTC, with 0, 3, 6 or 9 digits behind the second."""
    parts = re.fullmatch(
        r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", text, re.ASCII
    )
    reason = rule("must be a time of RFC 3339 between the years 1 and 9999")
    if not parts:
        raise reason
    try:
        moment = datetime.fromisoformat(parts[1] + parts[3]).astimezone(UTC)
    except (ValueError, OverflowError):
        raise reason from None
    digits = (parts[2] or "").rstrip("0")
    fraction = "." + digits.ljust((len(digits) + 2) // 3 * 3, "0") if digits else ""
    return moment.replace(tzinfo=None).isoformat() + fraction + "Z"


Timestamp = Annotated[
    str,
    AfterValidator(_timestamp),
    WithJsonSchema({"type": "string", "format": "date-time"}),
    Unit("RFC 3339 time"),
]

_UUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


def _uuid(text: str) -> str:
    if text and not re.fullmatch(_UUID, text):
        raise rule("must be a UUID")
    return text


Uuid = Annotated[
    str,
    AfterValidator(_uuid),
    WithJsonSchema({"type": "string", "pattern": f"^({_UUID})?$"}),
    Unit("UUID"),
    Either(None, ""),
]
"""A UUID (RFC 9562), or empty."""


# To ECMAScript U+FEFF is white space, and to nobody else.
TRIMMED_PATTERN = r"^([\S\ufeff]([\s\S]*[\S\ufeff])?)?$"


def _trimmed(text: str) -> str:
    if text != text.strip():
        raise rule("must not begin or end with white space")
    return text


Trimmed = Annotated[
    str,
    AfterValidator(_trimmed),
    WithJsonSchema({"type": "string", "pattern": TRIMMED_PATTERN}),
]
Secret = Annotated[SecretStr, Either(None, "")]
