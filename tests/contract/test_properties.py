"""What holds of every document of every kind."""

import json

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import contract
from contract.document import Document
from contract.kinds import KINDS, Kind
from contract.values import values_of
from contract.yaml_reader import read
from tests.contract import strategies
from tests.contract.documents import as_bytes
from tests.contract.independent import schema_takes, yaml_1_2

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.name))


def written(kind: Kind, document: Document) -> bytes:
    """As the agent writes it."""
    text = contract.dump_json(document) if kind.is_json else contract.dump(document)
    return text.encode()


@every_kind
@settings(max_examples=15)  # the parsers in Python are slow
@given(data=st.data())
def test_what_is_written_reads_back_equal_everywhere(kind: Kind, data: st.DataObject) -> None:
    values = data.draw(strategies.values(kind))
    text = as_bytes(values)
    try:
        document = contract.load(kind.model, text, name="document")
    except contract.Broken:
        assume(False)
    assert schema_takes(kind.name, text)
    again = written(kind, document)
    assert contract.load(kind.model, again, name="document") == document
    assert schema_takes(kind.name, again)
    plain = json.loads(json.dumps(values_of(document)))
    assert json.loads(json.dumps(read(again))) == plain
    assert yaml.safe_load(again) == plain  # YAML 1.1
    assert yaml_1_2(again) == plain
