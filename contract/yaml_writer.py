"""Plain values to YAML, the bytes of Go's yaml.v3, which read the same in YAML 1.1 and 1.2.

Other bytes than Go's come only where some reader finds something else in Go's: `=`
and `<<` (in YAML 1.1 a value and a merge), `-_` and `._` (to some a number), U+2028
and U+2029, more white space at the ends than a block can hold. These are quoted,
and so are dates that are none (0000-0-0).
Text that begins with U+FEFF reads the same, and has fewer escapes.
"""

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
                yield from _block(head, value, below)
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
                case str() if _fits_block(value):
                    yield from _block(f"{' ' * indent}-", value, indent + 2)
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


def _block(head: str, text: str, indent: int) -> Iterator[str]:
    """A literal block."""
    yield f"{head} {'|' if text.endswith(chr(10)) else '|-'}"
    lines = text.removesuffix("\n").split("\n")
    yield from (f"{' ' * indent}{line}" if line else "" for line in lines)


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
# The second is that of !, & and * alone, which are never plain.
_TEXT_TAGS = (_RESOLVER.DEFAULT_SCALAR_TAG, "tag:yaml.org,2002:yaml")

# What some readers take for something else, and PyYAML does not: y and n
# (yaml.org/type/bool.html), base 60 with a leading zero (a MAC address), digits
# with a leading zero that are no octal, and dates with one digit (Go).
_SOME_READER = re.compile(
    r"[yYnN]|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?"
    r"|[-+]?(0o)?[0-9][0-9_]*|[-+]_[0-9_]*|[-+]?\._[0-9_]*([eE][-+]?[0-9]+)?"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
)

# yaml.v3, yamlprivateh.go: is_printable, less the two that YAML 1.1 takes for line ends.
_PRINTABLE = r" -~\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd"
_ONE_LINE = re.compile(f"[{_PRINTABLE}]+")
_PLAIN = re.compile(rf"""([^ \-?:,\[\]{{}}#&*!|>'"%@`]|[-?:](?=[^ ]))[{_PRINTABLE}]*""")
_BLOCK_LINE = re.compile(rf"[{_PRINTABLE}\t]*(?<! )")


def _text(text: str) -> str:
    if not _ONE_LINE.fullmatch(text):
        return _double_quoted(text)
    if _reads_as_other(text):
        return _double_quoted(text)
    if _is_plain(text):
        return text
    return "'" + text.replace("'", "''") + "'"


def _reads_as_other(text: str) -> bool:
    """Some reader takes the bare text for a number, a date, a boolean, null or a merge."""
    return (
        _RESOLVER.resolve(ScalarNode, text, (True, False)) not in _TEXT_TAGS  # type: ignore[no-untyped-call]
        or resolve(text) != text
        # Go: 1_0e3 is a number.
        or (text[0] != "_" and type(resolve(text.replace("_", ""))) in (int, float))
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
        and lines[0][:1] not in ("", " ", "\t")
        and bool(lines[-1])
        and all(_BLOCK_LINE.fullmatch(line) for line in lines)
    )


# yaml.v3, emitterc.go: yaml_emitter_write_double_quoted_scalar.
_ESCAPES = {
    '"': '\\"', "\\": "\\\\", "\0": "\\0", "\a": "\\a", "\b": "\\b", "\t": "\\t", "\n": "\\n",
    "\v": "\\v", "\f": "\\f", "\r": "\\r", "\x1b": "\\e", "\x85": "\\N", "\u2028": "\\L",
    "\u2029": "\\P",
}  # fmt: skip


def _double_quoted(text: str) -> str:
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    code = ord(character)
    if character in _ESCAPES:
        return _ESCAPES[character]
    if _ONE_LINE.fullmatch(character):
        return character
    if code <= 0xFF:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"
