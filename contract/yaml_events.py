"""Plain values from the events of the YAML parser, within limits.

Built on events instead of a loader, so that depth and number of nodes are
counted before anything is built, and no tag can make an object.
"""

import re
from collections.abc import Iterator

import yaml

from contract.values import Value
from contract.yaml_limits import MAX_DEPTH, MAX_NODES, Position, Unreadable
from contract.yaml_scalars import resolve

# The parser in C is 20 times faster; PyYAML may have been built without it.
_Loader: type[yaml.CSafeLoader | yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def events(text: str) -> Iterator[yaml.Event]:
    """What the parser finds, as it finds it. Raises yaml.YAMLError."""
    return yaml.parse(text, Loader=_Loader)


def from_yaml(text: str) -> Value:
    """The value that one YAML document holds. Raises Unreadable, which names the line."""
    return _Builder(text).document()


class _Builder:
    """Builds values from events; a problem is told with its line."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._nodes = 0
        self._events = self._parsed()

    def document(self) -> Value:
        value: Value = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _at(event, "a second document begins; one per file")
            elif isinstance(event, yaml.NodeEvent):
                value = self._node(event, depth=0)
        return value

    def _parsed(self) -> Iterator[yaml.Event]:
        """Events, with the parser's errors turned into ours."""
        try:
            yield from events(self._text)
        except yaml.reader.ReaderError as error:
            reason = "holds a character that YAML forbids"
            position: Position | None = self._position_of(error.position)
        except yaml.MarkedYAMLError as error:
            reason = _unquoted(error.problem or "is not YAML")
            mark = error.problem_mark
            position = Position(mark.line + 1, mark.column + 1) if mark else None
        except yaml.YAMLError:
            reason, position = "is not YAML", None
        except RecursionError:
            reason, position = f"is nested deeper than {MAX_DEPTH} levels", None
        else:
            return
        raise Unreadable(reason, position)

    def _position_of(self, offset: int) -> Position:
        """The parser in C counts bytes, the one in Python characters."""
        before = self._text[:offset]
        if _Loader is not yaml.SafeLoader:
            before = self._text.encode()[:offset].decode(errors="ignore")
        return Position(before.count("\n") + 1, len(before) - before.rfind("\n"))

    def _node(self, event: yaml.NodeEvent, *, depth: int) -> Value:
        self._nodes += 1
        if depth > MAX_DEPTH:
            raise _at(event, f"is nested deeper than {MAX_DEPTH} levels")
        if self._nodes > MAX_NODES:
            raise _at(event, f"holds more than {MAX_NODES} values")
        match event:
            case yaml.ScalarEvent():
                return _scalar(event)
            case yaml.SequenceStartEvent():
                _only_tag(event, "tag:yaml.org,2002:seq")
                return tuple(
                    self._node(item, depth=depth + 1) for item in self._until(yaml.SequenceEndEvent)
                )
            case yaml.MappingStartEvent():
                _only_tag(event, "tag:yaml.org,2002:map")
                return self._mapping(depth)
        # An alias makes ten lines mean a billion values; none of our documents needs one.
        raise _at(event, "aliases are not supported, write the value out")

    def _mapping(self, depth: int) -> dict[str, Value]:
        made: dict[str, Value] = {}
        lines: dict[str, int] = {}
        for key in self._until(yaml.MappingEndEvent):
            if not isinstance(key, yaml.ScalarEvent):
                raise _at(key, "a key must be a string")
            if key.value in made:
                raise _at(key, f"the same key as in line {lines[key.value]}")
            lines[key.value] = position_of(key).line
            value = next(self._events)
            assert isinstance(value, yaml.NodeEvent)
            made[key.value] = self._node(value, depth=depth + 1)
        return made

    def _until(self, end: type[yaml.Event]) -> Iterator[yaml.NodeEvent]:
        for event in self._events:
            if isinstance(event, end):
                return
            assert isinstance(event, yaml.NodeEvent)
            yield event


def _at(event: yaml.Event, reason: str) -> Unreadable:
    return Unreadable(reason, position_of(event))


def position_of(event: yaml.Event) -> Position:
    """Where it begins."""
    mark = event.start_mark
    return Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)


def _unquoted(problem: str) -> str:
    """What the parser says, without what it quotes of the text. The one in C quotes nothing."""
    if _Loader is not yaml.SafeLoader:
        return problem
    return re.sub(r"""'[^']{4,}'|"[^"]{4,}\"""", "...", problem)


def _only_tag(event: yaml.SequenceStartEvent | yaml.MappingStartEvent, tag: str) -> None:
    if event.tag not in (None, "!", tag):
        raise _at(event, "tags are not supported")


def _scalar(event: yaml.ScalarEvent) -> Value:
    tag = event.tag
    if tag in ("!", "tag:yaml.org,2002:str") or (tag is None and not event.implicit[0]):
        return str(event.value)
    if tag is not None:
        raise _at(event, "tags are not supported")
    return resolve(str(event.value))
