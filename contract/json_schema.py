"""JSON Schema (draft 2020-12) of a document, with unit and source of every key."""

from copy import deepcopy
from itertools import combinations

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from contract.document import ClosedDocument, Document
from contract.other_names import other_names
from contract.protobuf import Message

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(model: type[Document], *, name: str) -> JsonSchemaValue:
    """The schema of what a reader takes.

    Beyond the draft, every key has x-source (who defines it), and x-unit if it is
    a number or a text, or a list or mapping of such.
    """
    made = model.model_json_schema(schema_generator=_Generator)
    head = {"$schema": DIALECT, "$id": f"urn:metal-hammer:contract:{name}"}
    return head | made | {"title": name}


class _Generator(GenerateJsonSchema):
    """pydantic's generator, which knows what is ours at the models."""

    def field_title_should_be_set(self, schema: object) -> bool:
        return False  # "Machineuuid" says no more than the key

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        made = super().model_schema(schema)
        model = schema["cls"]
        assert issubclass(model, Document)
        for entry in made["properties"].values():
            entry["x-source"] = _taken(entry, "x-source") or model.source
            if unit := _taken(entry, "x-unit"):
                entry["x-unit"] = unit
        if issubclass(model, ClosedDocument):
            made["additionalProperties"] = False
            if hidden := _hidden(model, made["properties"]):
                made["patternProperties"] = hidden
            if pairs := _two_names(model):
                made["not"] = {"anyOf": [{"required": pair} for pair in pairs]}
        return made


def _hidden(model: type[ClosedDocument], properties: JsonSchemaValue) -> JsonSchemaValue:
    """Keys that are taken, and not among the properties: no editor shall offer them."""
    hidden: JsonSchemaValue = {}
    if model.unused_keys:
        hidden[f"^(?:{'|'.join(sorted(model.unused_keys))})$"] = {}
    if issubclass(model, Message):
        for name, usual in other_names(model).items():
            hidden[f"^{name}$"] = deepcopy(properties[usual]) | {"deprecated": True}
    return hidden


def _two_names(model: type[ClosedDocument]) -> list[list[str]]:
    """The pairs of names that one key has: it must not be there twice."""
    names: dict[str, list[str]] = {}
    for name, usual in other_names(model).items() if issubclass(model, Message) else ():
        names.setdefault(usual, [usual]).append(name)
    return [[*pair] for each in names.values() for pair in combinations(each, 2)]


def _taken(entry: JsonSchemaValue, keyword: str) -> str | None:
    """A keyword of the key itself or of what it is a list of; it is taken from there."""
    found: str | None = entry.pop(keyword, None)
    inner = [*entry.get("anyOf", ()), entry.get("items"), entry.get("additionalProperties")]
    below = [_taken(part, keyword) for part in inner if isinstance(part, dict)]
    return found or next((word for word in below if word), None)
