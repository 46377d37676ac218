"""The base of every document, and how one rule reports many problems."""

import re
from collections.abc import Iterable
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

# Where a problem is, from the document's root: ("disks", 0, "partitions", 1, "size").
Place = tuple[str | int, ...]
Problem = tuple[Place, str]


class Document(BaseModel):
    """A file that two programs of different age agree on.

    A reader takes the keys it knows and ignores the rest, so that a new agent
    can add a key without breaking an old image. Types are strict: a number is
    never taken for a text, because the next reader may not do so.
    """

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="ignore",
        hide_input_in_errors=True,  # a rejected password must not reach the console
        use_attribute_docstrings=True,  # the text under a field is its schema description
        populate_by_name=True,
    )

    # Who defines the keys of this object: a file of metal-stack, a standard, a man page.
    source: ClassVar[str] = ""

    # The key that is meant when the text is a list instead of a mapping.
    bare_list_is: ClassVar[str | None] = None

    # Keys that are left out when they are empty (Go's `omitempty`).
    omitted_if_empty: ClassVar[frozenset[str]] = frozenset()

    # Whether that is so for every key (protobuf's JSON mapping).
    omits_what_is_not_set: ClassVar[bool] = False


class ClosedDocument(Document):
    """A document that people write too: a key that nobody knows is a typing error.

    `contract.load` refuses it (contract/unknown_keys.py).
    """

    # Keys that metal-api knows and we have no use for.
    unused_keys: ClassVar[frozenset[str]] = frozenset()


def refuse(title: str, problems: Iterable[Problem]) -> None:
    """What a validator of several fields calls: raises with every problem at its own place."""
    details = [
        InitErrorDetails(type=rule(reason), loc=place, input=None) for place, reason in problems
    ]
    if details:
        raise ValidationError.from_exception_data(title, details, hide_input=True)


def rule(reason: str) -> PydanticCustomError:
    """What a validator of one field raises: the reason, and nothing of the value."""
    # A field of the template, because braces in the reason must stay braces.
    return PydanticCustomError("rule", "{reason}", {"reason": reason})


# pydantic's own texts speak Python, and some quote what they refuse.
_REASONS = {
    "missing": "is missing and required",
    "string_type": "must be a string (quote it)",
    "string_unicode": "must be text that UTF-8 can hold",
    "int_type": "must be an integer",
    "int_parsing_size": "is out of range",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "literal_error": "must be one of {expected}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must not be empty",
    "string_too_long": "must not be longer than {max_length} characters",
    "too_long": "must not have more than {max_length} items",
    "recursion_loop": "is nested too deep",
    "rule": "{reason}",
}


def problems_of(error: ValidationError) -> list[Problem]:
    """Every problem with its place, in our words and without the value."""
    return [
        (
            tuple(entry["loc"]),
            _REASONS.get(entry["type"], "is not valid").format_map(entry.get("ctx", {})),
        )
        for entry in error.errors(include_url=False, include_input=False)
    ]


def shown(place: Place) -> str:
    """`allocation.networks[0].asn`; the document itself is `(document)`."""
    path = ""
    for part in place:
        path += f"[{part}]" if isinstance(part, int) else f".{_shown_key(part)}"
    return path.lstrip(".") or "(document)"


def _shown_key(key: str) -> str:
    """A key is shown as long as it looks like one; else it may be a value gone astray."""
    # Kubernetes puts a domain before some: metal3.vcluster.com/image-url.
    domain = r"(?:[a-z0-9-]{1,20}(?:\.[a-z0-9-]{1,20}){1,3}/)?"
    return key if re.fullmatch(rf"{domain}[A-Za-z0-9_.-]{{1,40}}", key) else "(odd key)"
