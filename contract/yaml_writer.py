"""Plain values to YAML that looks like Go's yaml.v3 and reads the same in YAML 1.1 and 1.2."""

import re
import textwrap
from collections.abc import Iterator, Mapping

from yaml.nodes import ScalarNode
from yaml.resolver import Resolver

from contract.values import Value
from contract.yaml_scalars import resolve

_STEP = 4  # yaml.v3, yamlh.go: best_indent of an encoder that is not told otherwise

# A comment for the key at a path of keys; places in lists do not count.
Comments = Mapping[tuple[str, ...], str]


def write(values: dict[str, Value], *, comments: Comments | None = None) -> str:
    """One document, without markers, keys in the order given, a comment where a key is first."""
    if not values:
        return "{}\n"
    return "".join(f"{line}\n" for line in _Writer(dict(comments or {})).mapping(values, 0, ()))


class _Writer:
    """Lines of a document. Every comment is written once."""

    def __init__(self, comments: dict[tuple[str, ...], str]) -> None:
        self._comments = comments

    def mapping(
        self, values: dict[str, Value], indent: int, place: tuple[str, ...]
    ) -> Iterator[str]:
        for key, value in values.items():
            at = (*place, key)
            yield from _comment(self._comments.pop(at, ""), indent)
            yield from self._entry(f"{' ' * indent}{_text(key)}:", value, indent, at)

    def _entry(self, head: str, value: Value, indent: int, place: tuple[str, ...]) -> Iterator[str]:
        # The next stop to the right (yaml.v3, emitterc.go: yaml_emitter_increase_indent).
        below = _STEP * ((indent + _STEP) // _STEP)
        match value:
            case dict() if value:
                yield head
                yield from self.mapping(value, below, place)
            case tuple() if value:
                yield head
                yield from self._sequence(value, below, place)
            case str() if _fits_block(value):
                yield f"{head} {'|' if value.endswith(chr(10)) else '|-'}"
                yield from (f"{' ' * below}{line}" if line else "" for line in value.splitlines())
            case _:
                yield f"{head} {_flat(value)}"

    def _sequence(
        self, values: tuple[Value, ...], indent: int, place: tuple[str, ...]
    ) -> Iterator[str]:
        for value in values:
            match value:
                case dict() if value:
                    yield from _dashed(self.mapping(value, indent + 2, place), indent)
                case tuple() if value:
                    yield from _dashed(self._sequence(value, indent + 2, place), indent)
                case _:
                    yield f"{' ' * indent}- {_flat(value)}"


def _dashed(lines: Iterator[str], indent: int) -> Iterator[str]:
    """The first line that is no comment begins with the dash."""
    for line in lines:
        text = line.lstrip(" ")
        if not text.startswith("#"):
            yield f"{' ' * indent}- {text}"
            break
        yield line
    yield from lines


def _comment(text: str, indent: int) -> Iterator[str]:
    start = f"{' ' * indent}# "
    yield from textwrap.wrap(
        text, width=90, initial_indent=start, subsequent_indent=start, break_on_hyphens=False
    )


def _flat(value: Value) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return repr(value)
        case str():
            return _text(value)
    return "[]" if isinstance(value, tuple) else "{}"


# --- text ---------------------------------------------------------------------------------

_RESOLVER = Resolver()  # YAML 1.1, as PyYAML reads it

# What some readers take for something else, and PyYAML does not: y and n
# (yaml.org/type/bool.html), base 60 with a leading zero (a MAC address), and
# digits with a leading zero that are no octal.
_SOME_READER = re.compile(
    r"[yYnN]|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?|[-+]?(0o)?[0-9][0-9_]*"
)

_PLAIN = re.compile(r"([A-Za-z0-9_/.+(^$<=;~\\]|[-:?](?=[!-~]))[ -~]*")
_PRINTABLE = re.compile(r"[ -~]+")
_BLOCK_LINE = re.compile(r"[!-~][ -~]*|")


def _text(text: str) -> str:
    if not _PRINTABLE.fullmatch(text):
        return _double_quoted(text)
    if _reads_as_other(text):
        return _double_quoted(text)
    if _is_plain(text):
        return text
    return "'" + text.replace("'", "''") + "'"


def _reads_as_other(text: str) -> bool:
    """Some reader takes the bare text for a number, a date, a boolean, null or a merge."""
    return (
        _RESOLVER.resolve(ScalarNode, text, (True, False)) != _RESOLVER.DEFAULT_SCALAR_TAG  # type: ignore[no-untyped-call]
        or resolve(text) != text
        or not isinstance(resolve(text.replace("_", "")), str)  # Go: 1_0e3 is a number
        or _SOME_READER.fullmatch(text) is not None
    )


def _is_plain(text: str) -> bool:
    return (
        _PLAIN.fullmatch(text) is not None
        and ": " not in text
        and " #" not in text
        and not text.endswith((":", " "))
        and not text.startswith(("---", "..."))
    )


def _fits_block(text: str) -> bool:
    """Several lines that a literal block holds without indentation or chomping tricks."""
    lines = text.removesuffix("\n").split("\n")
    return (
        "\n" in text
        and bool(lines[0])
        and bool(lines[-1])
        and all(_BLOCK_LINE.fullmatch(line) for line in lines)
    )


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"}


def _double_quoted(text: str) -> str:
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    code = ord(character)
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable() and code <= 0xFFFF:
        return character
    if code <= 0xFF:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"
