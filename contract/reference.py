"""The kinds and the tables of their keys for docs/contract.md, made from the models.

python -m contract.reference docs/contract.md
"""

import json
import re
import sys
import textwrap
from pathlib import Path

from pydantic.json_schema import JsonSchemaValue

from contract.kinds import KINDS, Kind, kind_named, schema

_BLOCK = re.compile(r"(<!-- keys of (\S+) -->\n).*?(<!-- end of keys -->)", re.DOTALL)
_KINDS = re.compile(r"(<!-- kinds -->\n).*?(<!-- end of kinds -->)", re.DOTALL)
_COLUMNS = 100


def updated(page: str) -> str:
    """The page with the blocks `<!-- kinds -->` and `<!-- keys of KIND -->` written anew."""
    page = _KINDS.sub(lambda block: f"{block[1]}\n{kinds()}\n{block[2]}", page)
    return _BLOCK.sub(lambda block: f"{block[1]}\n{tables(kind_named(block[2]))}\n{block[3]}", page)


def kinds() -> str:
    """A sentence with the names of all of them."""
    *others, last = (f"`{kind.name}`" for kind in KINDS)
    text = f"The kinds are {', '.join(others)} and {last}."
    return textwrap.fill(text, _COLUMNS, break_on_hyphens=False) + "\n"


def tables(kind: Kind) -> str:
    """A table for the document, and one for each object inside."""
    made = json.loads(schema(kind))
    objects = {"": made} | _in_order(made)
    return "\n".join(_table(name, made) for name, made in objects.items())


def _in_order(root: JsonSchemaValue) -> dict[str, JsonSchemaValue]:
    """The objects in the order in which the document mentions them first."""
    found: dict[str, JsonSchemaValue] = {}

    def follow(made: JsonSchemaValue) -> None:
        for name in re.findall(r'"#/\$defs/(\w+)"', json.dumps(made["properties"])):
            if name not in found:
                found[name] = root["$defs"][name]
                follow(found[name])

    follow(root)
    return found


def _table(name: str, made: JsonSchemaValue) -> str:
    lines = [f"\n*{name}*: {made['description']}\n"] if name else []
    lines += ["| key | type | unit | if absent | meaning |", "|---|---|---|---|---|"]
    for key, entry in made["properties"].items():
        absent = "**required**" if key in made.get("required", []) else f"`{_default(entry)}`"
        cells = (f"`{key}`", _type(entry), entry.get("x-unit", ""), absent, entry["description"])
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _default(entry: JsonSchemaValue) -> str:
    default = entry.get("default", {})
    # An object of defaults is explained by its own table.
    return "{}" if isinstance(default, dict) else json.dumps(default)


def _type(entry: JsonSchemaValue) -> str:
    if "$ref" in entry:
        return f"*{entry['$ref'].rsplit('/', 1)[-1]}*"
    if "anyOf" in entry:
        return _one_of([_type(option) for option in entry["anyOf"]])
    if "const" in entry:
        return f"`{json.dumps(entry['const'])}`"
    if "enum" in entry:
        return ", ".join(f"`{json.dumps(name)}`" for name in entry["enum"])
    match entry["type"]:
        case "array":
            return f"list of {_type(entry['items'])}"
        case "object":
            return f"mapping of {_type(entry['additionalProperties'])}"
        case "string" if entry.get("writeOnly"):
            return "string, secret"
    return str(entry["type"])


def _one_of(types: list[str]) -> str:
    """Null goes without saying where it means the empty list or mapping."""
    if types[0].startswith(("list of", "mapping of")):
        types = types[:1]
    return " or ".join(types)


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(updated(page.read_text()))
