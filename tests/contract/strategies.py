"""Documents of every kind for hypothesis, made from the schemas of the models.

Whatever the models let through is tried: every text that fits a pattern, every
number in its range, lists of none to two. Layouts are made by hand, because their
parts must fit together.
"""

import json
from typing import Any

from hypothesis import strategies as st

from contract.kinds import Kind, schema
from contract.values import Value

# No surrogates: they are in no text that UTF-8 can hold.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["on", "0123", "12:34:56", "1e3", "0o17", "2019-07-01", "=", "<<", "~", "a: b", "a\nb\n", " "]
)


def values(kind: Kind) -> st.SearchStrategy[dict[str, Value]]:
    """Documents of the kind as plain values, keys absent or null among them; most are good."""
    if kind.name == "filesystem-layout":
        return LAYOUTS
    root = json.loads(schema(kind))
    definitions = root.get("$defs", {})
    if kind.name == "machine":
        definitions["FilesystemLayout"] = LAYOUTS
        image = definitions["Image"]
        image["required"] = ["url"]
        image["properties"]["url"] = image["properties"]["url"]["anyOf"][0]  # not null nor empty
    made: st.SearchStrategy[dict[str, Value]] = _of(root, definitions, depth=0)
    return made


def _of(made: Any, definitions: Any, *, depth: int) -> st.SearchStrategy[Any]:
    if isinstance(made, st.SearchStrategy):
        return made
    if "$ref" in made:
        inner = definitions[made["$ref"].rsplit("/", 1)[-1]]
        return st.deferred(lambda: _of(inner, definitions, depth=depth + 1))
    if made.get("type") == "object":
        return _object(made, definitions, depth=depth)
    if "anyOf" in made:
        return st.one_of([_of(option, definitions, depth=depth) for option in made["anyOf"]])
    if "const" in made:
        return st.just(made["const"])
    if "enum" in made:
        return st.sampled_from(made["enum"])
    match made["type"]:
        case "null":
            return st.none()
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(made.get("minimum", 0), made.get("maximum", 2**63))
        case "number":
            return st.integers(0, 10**9).map(lambda thousandths: thousandths / 1000)
        case "string":
            return _text(made)
        case "array":
            items = _of(made["items"], definitions, depth=depth)
            return st.lists(items, max_size=2 if depth < 3 else 0).map(tuple)
    raise ValueError(f"a strategy for type {made['type']} is missing")


def _object(made: Any, definitions: Any, *, depth: int) -> st.SearchStrategy[Any]:
    if "properties" not in made:
        entry = _of(made["additionalProperties"], definitions, depth=depth)
        return st.dictionaries(TEXT, entry, max_size=2)
    required = made.get("required", [])
    entries = {
        key: _of(entry, definitions, depth=depth) for key, entry in made["properties"].items()
    }
    return st.fixed_dictionaries(
        {key: entry for key, entry in entries.items() if key in required},
        optional={key: entry for key, entry in entries.items() if key not in required},
    )


def _text(made: Any) -> st.SearchStrategy[str]:
    if "pattern" not in made:
        return TEXT
    longest = made.get("maxLength", 200)
    # \s and \S of Python know white space that a URL in ASCII has not.
    return st.from_regex(
        made["pattern"], fullmatch=True, alphabet=st.characters(codec="ascii")
    ).filter(lambda text: len(text) <= longest and text.isprintable() and " " not in text)


@st.composite
def _layouts(draw: st.DrawFn) -> dict[str, Value]:
    """Two disks, the second as a partition, an array's member, a group's, or not at all."""
    optional_text = st.none() | TEXT
    images = draw(st.dictionaries(TEXT.filter(_no_star), st.sampled_from(["*", "> 12"])))
    layout: dict[str, Value] = {
        "id": draw(optional_text),
        "description": draw(optional_text),
        "constraints": {
            "sizes": draw(st.none() | st.lists(TEXT.filter(_no_star), unique=True).map(tuple)),
            "images": {**images},
        },
    }
    label = st.none() | st.text("abcXYZ019 _-", max_size=11).map(str.strip)
    sizes = draw(st.lists(st.integers(1, 2**43), max_size=2))
    partitions: tuple[Value, ...] = tuple(
        {"number": number, "size": size, "label": draw(label), "gpttype": draw(_GPT_TYPES)}
        for number, size in enumerate([*sizes, 0], start=1)
    )
    root: dict[str, Value] = {"path": "/", "device": f"/dev/sda{len(partitions)}", "format": "ext4"}
    root["label"] = draw(label)
    root["createoptions"] = draw(st.lists(TEXT, max_size=2).map(tuple))
    filesystems: list[Value] = [root]
    use = draw(st.sampled_from(["none", "filesystem", "raid", "group"]))
    device = "/dev/sdb"
    if use == "raid":
        device = "/dev/md0"
        level: Value = draw(st.just("0") | st.just("1") | st.integers(0, 1))
        layout["raid"] = ({"arrayname": device, "devices": ("/dev/sdb",), "level": level},)
    if use == "group":
        device = "/dev/vg/data"
        tags = draw(st.lists(TEXT, max_size=2).map(tuple))
        layout["volumegroups"] = ({"name": "vg", "devices": ("/dev/sdb",), "tags": tags},)
        size = draw(st.integers(0, 2**43))
        layout["logicalvolumes"] = ({"name": "data", "volumegroup": "vg", "size": size},)
    if use != "none":
        format = draw(st.sampled_from(["vfat", "ext3", "ext4"]))
        path = draw(st.none() | st.sampled_from(["/data", "/var/lib"]))
        filesystems.append({"path": path, "device": device, "format": format, "label": draw(label)})
    wipe = draw(st.booleans())
    layout["disks"] = (
        {"device": "/dev/sda", "partitions": partitions, "wipeonreinstall": wipe},
        {"device": "/dev/sdb"},
    )
    return layout | {"filesystems": tuple(filesystems)}


def _no_star(text: str) -> bool:
    return "*" not in text


_GPT_TYPES = st.sampled_from([None, "", "ef00", "8300", "fd00", "8e00"])

LAYOUTS = _layouts()
