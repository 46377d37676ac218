"""Schemas, examples and models say the same."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

import contract
from contract.document import ClosedDocument, Document
from contract.json_schema import schema_of
from contract.kinds import KINDS, Kind, example, kind_named, schema
from contract.values import Value, values_of
from contract.yaml_reader import read

NAMES = [kind.name for kind in KINDS]


def all_models() -> list[type[Document]]:
    def below(model: type[Document]) -> Iterator[type[Document]]:
        for sub in model.__subclasses__():
            yield sub
            yield from below(sub)

    models = set(below(Document)) - {ClosedDocument}
    return sorted(models, key=lambda model: f"{model.__module__}.{model.__name__}")


@pytest.mark.parametrize("model", all_models(), ids=lambda model: str(model.__name__))
def test_every_field_has_a_text(model: type[Document]) -> None:
    assert model.__doc__
    for name, field in model.model_fields.items():
        assert field.description, f"{model.__name__}.{name}"
        # A line of the page and of the example; no essays.
        assert len(field.description) <= 120
        assert field.description.endswith((".", '").'))
        assert "\n" not in field.description
        assert "|" not in field.description


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_the_example_is_the_document(kind: Kind) -> None:
    text = example(kind).encode()
    # As text: networks of the machine document are equal to those of install.yaml in that only.
    loaded = contract.load(kind.model, text, name="example")
    assert contract.dump(loaded) == contract.dump(kind.example)
    # A reader of YAML 1.1 finds the same.
    assert yaml.safe_load(text) == json.loads(json.dumps(values_of(kind.example)))


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_the_example_has_every_key_of_the_schema(kind: Kind) -> None:
    made = json.loads(schema(kind))
    keys = set(keys_of_schema(made, made))
    assert keys_of_values(read(example(kind).encode())) >= keys


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_the_example_sets_every_key_once_at_least(kind: Kind) -> None:
    """A key that is null or empty all over the example explains nothing."""
    seen: dict[tuple[str, ...], bool] = {}
    for place, value in leaves(values_of(kind.example), ()):
        seen[place] = seen.get(place, False) or value not in (None, "", (), {})
    # Neighbours of neighbours, and a project that is none, are empty in real life.
    usual = {("neighbors", "neighbors"), ("networks", "projectid")}
    # os-installer is told two things of a neighbour, as the agent knows them.
    usual |= {("neighbors", key) for key in ("identifier", "vendor", "model", "hostname")}
    assert {place[-2:] for place, set_once in seen.items() if not set_once} <= usual


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if not kind.is_json], ids=lambda kind: str(kind.name)
)
def test_the_example_explains_every_key_where_it_is_first(kind: Kind) -> None:
    lines = example(kind).splitlines()
    explained = [after for line, after in itertools.pairwise(lines) if "# " in line]
    found = {line.partition(":")[0] for line in explained if not line.startswith((" ", "#"))}
    fields = kind.model.model_fields
    assert found == {field.alias or name for name, field in fields.items()}
    assert max(len(line) for line in lines if "# " in line) <= 90


def objects_of(kind: Kind) -> list[dict[str, Any]]:
    """The schema of the document, and of each object in it."""
    made = json.loads(schema(kind))
    return [made, *made.get("$defs", {}).values()]


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_the_schema_has_an_id_and_a_title(kind: Kind) -> None:
    made = objects_of(kind)[0]
    assert made["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert made["$id"].endswith(f":{kind.name}")
    assert made["title"] == kind.name


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_the_schema_has_text_unit_and_source_everywhere(kind: Kind) -> None:
    for object_ in objects_of(kind):
        assert object_["type"] == "object"
        assert object_["description"]
        for key, entry in object_["properties"].items():
            place = f"{object_['title']}.{key}"
            assert entry["description"], place
            assert entry["x-source"], place
            assert bool(entry.get("x-unit")) == has_unit(entry), place


def test_a_key_may_have_another_source_and_unit_than_its_object() -> None:
    machine, *_ = objects_of(kind_named("machine"))
    assert machine["properties"]["id"]["x-source"].startswith("SMBIOS")
    assert machine["properties"]["id"]["x-unit"] == "UUID"
    assert "x-source" not in str(machine["properties"]["id"]["anyOf"])
    assert machine["properties"]["allocation"]["x-source"].startswith("metal-api")
    networks = machine["$defs"]["Network"]["properties"]
    assert networks["asn"]["x-source"] == "RFC 6793"
    assert networks["ips"]["x-source"].startswith("metal-go")
    assert networks["ips"]["x-unit"] == "IP address"


def has_unit(entry: Any) -> bool:
    """Whether an entry, or what it is a list or mapping of, is a number or a text without enum."""
    if not isinstance(entry, dict) or "enum" in entry or "const" in entry:
        return False
    options = entry.get("anyOf", ())
    if any("enum" in option for option in options):  # whose numbers are the same names again
        return False
    inner = [*options, entry.get("items"), entry.get("additionalProperties")]
    return entry.get("type") in ("integer", "number", "string") or any(map(has_unit, inner))


@pytest.mark.parametrize("model", all_models(), ids=lambda model: str(model.__name__))
def test_a_closed_document_has_a_closed_schema(model: type[Document]) -> None:
    made = schema_of(model, name="x")
    if "$ref" in made:  # of a model that holds itself
        made = made["$defs"][model.__name__]
    assert made.get("additionalProperties", True) is not issubclass(model, ClosedDocument)


def test_the_schema_tells_secrets() -> None:
    assert (
        json.loads(schema(kind_named("install.yaml")))["properties"]["password"]["writeOnly"]
        is True
    )


def test_install_yaml_has_its_fifteen_keys() -> None:
    assert len(contract.InstallConfig.model_fields) == 15


def test_public_names_are_there() -> None:
    assert sorted(contract.__all__, key=str.lower) == sorted(set(contract.__all__), key=str.lower)
    for name in contract.__all__:
        assert getattr(contract, name) is not None


# --- keys, by the way to them --------------------------------------------------------------


def keys_of_schema(
    made: Any, root: Any, place: tuple[str, ...] = (), via: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    if isinstance(made, list):
        for item in made:
            yield from keys_of_schema(item, root, place, via)
        return
    if not isinstance(made, dict):
        return
    if "$ref" in made and made["$ref"] not in via:
        name = made["$ref"].rsplit("/", 1)[-1]
        yield from keys_of_schema(root["$defs"][name], root, place, (*via, made["$ref"]))
    for key, entry in made.get("properties", {}).items():
        yield (*place, key)
        yield from keys_of_schema(entry, root, (*place, key), via)
    for key in ("items", "anyOf"):
        yield from keys_of_schema(made.get(key), root, place, via)


def leaves(value: Value, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Value]]:
    if place:
        yield place, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*place, key))
    if isinstance(value, tuple):
        for item in value:
            yield from leaves(item, place)


def keys_of_values(value: Value) -> set[tuple[str, ...]]:
    return {place for place, _value in leaves(value, ())}
