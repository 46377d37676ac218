"""The other names that protobuf takes for the keys of a message, made the usual ones.

Before anything else looks at the document: everybody else knows one name per key.
"""

from contract.document import Document, Place, Problem
from contract.protobuf import Message
from contract.unknown_keys import models_in
from contract.values import Value


def with_usual_names(
    model: type[Document], values: dict[str, Value]
) -> tuple[dict[str, Value], list[Problem]]:
    """The values under the usual names at any depth, and the keys that came under two."""
    problems: list[Problem] = []
    if issubclass(model, Message):
        values = _mapping(model, values, (), problems)
    return values, problems


def _mapping(
    model: type[Message], values: dict[str, Value], place: Place, problems: list[Problem]
) -> dict[str, Value]:
    usual = other_names(model)
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    made: dict[str, Value] = {}
    for key, value in values.items():
        name = usual.get(key, key)
        if key != name and (name in made or name in values):
            problems.append(((*place, key), f"is another name of {name}, which is there too"))
            continue
        made[name] = value
        for inner in models_in(fields[name].annotation) if name in fields else ():
            if issubclass(inner, Message):
                made[name] = _below(inner, value, (*place, name), problems)
    return made


def _below(model: type[Message], value: Value, place: Place, problems: list[Problem]) -> Value:
    match value:
        case dict():
            return _mapping(model, value, place, problems)
        case tuple():
            return tuple(
                _below(model, item, (*place, at), problems) for at, item in enumerate(value)
            )
    return value


def other_names(model: type[Message]) -> dict[str, str]:
    """The usual names by the names in the .proto file, of today and of before."""
    in_proto = {name: field.alias or name for name, field in model.model_fields.items()}
    other = {name: usual for name, usual in in_proto.items() if name != usual}
    return {**other, **model.older_names}
