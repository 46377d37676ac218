"""JSON Schema (draft 2020-12) of a document, with unit and source of every key."""

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from contract.document import ClosedDocument, Document

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
            if model.unused_keys:
                # Not among the properties: no editor shall offer them.
                names = "|".join(sorted(model.unused_keys))
                made["patternProperties"] = {f"^(?:{names})$": {}}
        return made


def _taken(entry: JsonSchemaValue, keyword: str) -> str | None:
    """A keyword of the key itself or of what it is a list of; it is taken from there."""
    found: str | None = entry.pop(keyword, None)
    inner = [*entry.get("anyOf", ()), entry.get("items"), entry.get("additionalProperties")]
    below = [_taken(part, keyword) for part in inner if isinstance(part, dict)]
    return found or next((word for word in below if word), None)
