"""Keys of a closed document that nobody knows, with the nearest that somebody does."""

import difflib
from collections.abc import Iterator
from typing import get_args

from contract.document import ClosedDocument, Document, Place, Problem
from contract.values import Value

# Looking for the nearest name is slow, and nobody reads the hundredth suggestion.
_SUGGESTIONS = 100


def unknown_keys(model: type[Document], values: Value) -> list[Problem]:
    """Unknown keys at any depth. Apart from validation, so that it never hides a rule."""
    return [
        (place, _reason(place, known) if at < _SUGGESTIONS else "unknown key")
        for at, (place, known) in enumerate(_walk(model, values, ()))
    ]


def _walk(
    model: type[Document], value: Value, place: Place
) -> Iterator[tuple[Place, frozenset[str]]]:
    """The place of each unknown key, with the keys that are known there."""
    if isinstance(value, tuple):
        for at, item in enumerate(value):
            yield from _walk(model, item, (*place, at))
    if not isinstance(value, dict):
        return
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    if issubclass(model, ClosedDocument):
        known = model.unused_keys | fields.keys()
        yield from (((*place, key), known) for key in value if key not in known)
    for key in value.keys() & fields.keys():
        for inner in models_in(fields[key].annotation):
            yield from _walk(inner, value[key], (*place, key))


def _reason(place: Place, known: frozenset[str]) -> str:
    nearest = difflib.get_close_matches(str(place[-1])[:40], sorted(known), n=1, cutoff=0.7)
    return f"unknown key, did you mean {nearest[0]}?" if nearest else "unknown key"


def models_in(annotation: object) -> Iterator[type[Document]]:
    """The models in `tuple[Model, ...]`, `Model | None` and the like."""
    if isinstance(annotation, type) and issubclass(annotation, Document):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)
