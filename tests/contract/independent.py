"""Readers and a validator that know nothing of this package: what they say must be the same."""

import functools
import io
import json
import tempfile
from pathlib import Path
from typing import Any

from check_jsonschema.formats import FormatOptions
from check_jsonschema.regex_variants import RegexImplementation, RegexVariantName
from check_jsonschema.schema_loader import SchemaLoader
from ruamel.yaml import YAML

from contract.kinds import kind_named, schema


def yaml_1_2(text: bytes) -> Any:
    """The values of a text, by a parser of YAML 1.2 in pure Python."""
    return YAML(typ="safe", pure=True).load(io.BytesIO(text))


def schema_takes(kind: str, text: bytes) -> bool:
    """What check-jsonschema says of a text that is YAML or JSON."""
    values = json.loads(text) if text.startswith(b"{") else yaml_1_2(text)
    return bool(_validator(kind).is_valid(values))


@functools.cache
def _validator(kind: str) -> Any:
    """The validator of check-jsonschema, which has held the schema against its meta-schema."""
    regex = RegexImplementation(RegexVariantName.default)  # of ECMAScript, as editors have it
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "schema.json"
        path.write_text(schema(kind_named(kind)))
        loader = SchemaLoader(str(path))
        return loader.get_validator(
            path, {}, FormatOptions(regex_impl=regex), regex, fill_defaults=False
        )
