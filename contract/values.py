"""What a document is made of when it is neither text nor a model."""

from pydantic import BaseModel, SecretStr


class Int64(int):
    """A number of 64 bits that is written in quotes: readers of JSON lose digits beyond 2**53."""


Value = None | bool | int | float | str | tuple["Value", ...] | dict[str, "Value"]


def values_of(document: BaseModel) -> dict[str, Value]:
    """All keys of a document in their declared order, secrets in clear.

    The only place that opens a secret: what it returns belongs into a file
    with mode 0600 and nowhere else.
    """
    omitted: frozenset[str] = getattr(document, "omitted_if_empty", frozenset())
    if getattr(document, "omits_what_is_not_set", False):
        omitted = frozenset(type(document).model_fields)
    values = {}
    for name, field in type(document).model_fields.items():
        value = getattr(document, name)
        if value or name not in omitted:
            values[field.alias or name] = _plain(value)
    return values


def _plain(value: object) -> Value:
    match value:
        case Int64():
            return str(int(value))
        case None | bool() | int() | float():
            return value
        case str():
            return str(value)
        case SecretStr():
            return value.get_secret_value()
        case BaseModel():
            return values_of(value)
        case tuple() | list():
            return tuple(_plain(item) for item in value)
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
    raise TypeError(f"a {type(value).__name__} has no place in a document")
