"""Where in a text a key is, so that a problem can be told with its line."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import yaml

from contract.document import Place
from contract.yaml_events import events, position_of
from contract.yaml_limits import Position

# Surrogate pairs are JSON, and not YAML. As long as what stands for them.
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


@dataclass(frozen=True)
class _Node:
    """A value: where its key begins, or itself when it has none, and what is inside."""

    position: Position
    inside: dict[str | int, "_Node"] = field(default_factory=dict)


def positions(text: bytes) -> Callable[[Place], Position | None]:
    """A function from places in the document to positions in its text.

    It answers with the position of the key, or with that of the nearest object
    around it when there is no such key. The text is one that could be read; where
    it is JSON that YAML does not take, the answer is None.
    """
    decoded = text.decode("utf-8-sig")
    if decoded.lstrip()[:1] in ("{", "["):
        # In JSON a tab is white space only, and YAML may refuse it there.
        decoded = _SURROGATE.sub(r"\\u0020", decoded.replace("\t", " "))
    try:
        root = _root(events(decoded))
    except (yaml.YAMLError, RecursionError):
        root = None

    def position(place: Place) -> Position | None:
        node = root
        for part in place:
            if node is None or part not in node.inside:
                break
            node = node.inside[part]
        return node.position if node else None

    return position


def _root(parsed: Iterator[yaml.Event]) -> _Node | None:
    for event in parsed:
        if isinstance(event, yaml.NodeEvent):
            return _node(event, parsed, position_of(event))
    return None


def _node(event: yaml.NodeEvent, parsed: Iterator[yaml.Event], position: Position) -> _Node:
    made = _Node(position)
    match event:
        case yaml.MappingStartEvent():
            for key in _until(yaml.MappingEndEvent, parsed):
                value = next(parsed)
                assert isinstance(key, yaml.ScalarEvent)
                assert isinstance(value, yaml.NodeEvent)
                made.inside[str(key.value)] = _node(value, parsed, position_of(key))
        case yaml.SequenceStartEvent():
            for at, item in enumerate(_until(yaml.SequenceEndEvent, parsed)):
                made.inside[at] = _node(item, parsed, position_of(item))
    return made


def _until(end: type[yaml.Event], parsed: Iterator[yaml.Event]) -> Iterator[yaml.NodeEvent]:
    for event in parsed:
        if isinstance(event, end):
            return
        assert isinstance(event, yaml.NodeEvent)
        yield event
