"""Text to plain values, as YAML or as JSON."""

import json

from contract.values import Value
from contract.yaml_events import from_yaml
from contract.yaml_limits import MAX_BYTES, MAX_DEPTH, MAX_NODES, Position, Unreadable


def read(text: bytes) -> Value:
    """The value that `text` holds, as YAML 1.2 (core schema) or as JSON. Raises Unreadable."""
    if len(text) > MAX_BYTES:
        raise Unreadable(f"is larger than {MAX_BYTES // 1024} KiB")
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = text[: error.start]
        line_begins = before.rfind(b"\n") + 1
        column = len(before[line_begins:].decode("utf-8-sig")) + 1
        bad = Position(before.count(b"\n") + 1, column)
    else:
        value = _json(decoded) if decoded.lstrip()[:1] in ("{", "[") else None
        return from_yaml(decoded) if value is None else value
    raise Unreadable("is not UTF-8", bad)


def _json(text: str) -> Value:
    """The value if `text` is JSON, None if it is not.

    JSON is YAML almost: YAML has no surrogate pairs in escapes, and forbids the
    tabs that some indent with.
    """
    try:
        return _bounded(json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant))
    except RecursionError:
        pass
    except ValueError:
        return None
    raise Unreadable(f"is nested deeper than {MAX_DEPTH} levels")


def _object(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise Unreadable("an object has the same key twice")
    return made


def _no_constant(_name: str) -> Value:
    raise Unreadable("holds NaN or Infinity, which are not JSON")


def _bounded(value: object) -> Value:
    nodes = 0

    def walk(item: object, depth: int) -> Value:
        nonlocal nodes
        nodes += 1
        if depth > MAX_DEPTH:
            raise Unreadable(f"is nested deeper than {MAX_DEPTH} levels")
        if nodes > MAX_NODES:
            raise Unreadable(f"holds more than {MAX_NODES} values")
        match item:
            case dict():
                return {key: walk(member, depth + 1) for key, member in item.items()}
            case list():
                return tuple(walk(member, depth + 1) for member in item)
            case None | bool() | int() | float() | str():
                return item
        raise TypeError(type(item).__name__)

    return walk(value, 0)
