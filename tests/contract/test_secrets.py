"""A secret is in no error, no repr and no report, wherever it was put by mistake."""

import traceback
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

import contract
from contract import examples
from contract.check import FORMATS, verdict
from contract.document import ClosedDocument, Document
from contract.kinds import KINDS, Kind
from contract.values import Value, values_of
from tests.contract.documents import as_bytes, changed, error_of, first_places

SECRET = "hunter2"


def everything_said(error: BaseException) -> str:
    """What anybody could print of an error: also its locals and its context."""
    told = traceback.TracebackException.from_exception(error, capture_locals=False)
    return "\n".join([str(error), repr(error), repr(vars(error)), *told.format()])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.name))
@pytest.mark.parametrize(
    "planted",
    [SECRET, f" {SECRET}\n:\0", (SECRET,), {"a": SECRET}, ({"a": SECRET},), {"a b": SECRET}],
    ids=["text", "odd text", "list", "mapping", "list of mappings", "odd key"],
)
def test_no_error_holds_what_was_wrong(kind: Kind, planted: Value) -> None:
    good = values_of(kind.example)
    errors = [
        error_of(kind.model, as_bytes(changed(good, path, planted))) for path in first_places(good)
    ]
    found = [error for error in errors if error]
    # build-meta.yaml is nothing but texts, in which no text is wrong.
    assert len(found) >= 2 or (kind.name, type(planted)) == ("build-meta.yaml", str)
    for error in found:
        assert SECRET not in everything_said(error)
        assert error.__context__ is None


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.name))
def test_no_syntax_error_quotes_a_line(kind: Kind) -> None:
    good = contract.dump(kind.example)
    for line in good.splitlines():
        for broken in (
            f"{SECRET}: '",
            f"\t{SECRET}",
            f"'{SECRET}",
            f"[{SECRET}: {{",
            f"&{SECRET} *x",
        ):
            text = good.replace(line, f"{line}\n{broken}", 1).encode()
            with pytest.raises(contract.ContractError) as caught:
                contract.load(kind.model, text, name="doc")
            assert SECRET not in everything_said(caught.value)


def test_pydantic_itself_does_not_tell() -> None:
    with pytest.raises(ValidationError) as caught:
        contract.InstallConfig.model_validate({"hostname": "m", "password": [SECRET]})
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value)


def test_no_repr_holds_a_secret() -> None:
    config = examples.INSTALL_CONFIG
    machine = examples.MACHINE
    secrets = {config.password.get_secret_value(), "example-key", "touch /etc/hello"}
    for shown in (repr(config), str(config), f"{machine}", repr(machine.allocation.vpn)):
        assert not [secret for secret in secrets if secret in shown]
    assert SECRET not in repr(config.model_copy(update={"hostname": "m"}))


def test_json_of_pydantic_does_not_tell() -> None:
    assert "example-key" not in examples.MACHINE.model_dump_json()


def _models(model: type[BaseModel]) -> set[type[BaseModel]]:
    return {model}.union(*(_models(sub) for sub in model.__subclasses__()))


def test_what_sounds_like_a_secret_is_one() -> None:
    words = ("password", "secret", "auth_key", "token", "user_data")
    for model in _models(Document) - {Document, ClosedDocument}:
        for name, field in model.model_fields.items():
            if any(word in name for word in words):
                assert "SecretStr" in str(field.annotation), f"{model.__name__}.{name}"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.name))
@pytest.mark.parametrize(
    "planted",
    [SECRET, f"/{SECRET}\n", (SECRET,), {"a": SECRET}],
    ids=["text", "lines", "list", "mapping"],
)
def test_no_report_holds_a_secret(kind: Kind, planted: Value, tmp_path: Path) -> None:
    good = values_of(kind.example)
    verdicts = []
    for at, place in enumerate(first_places(good)):
        file = tmp_path / f"{at}.yaml"
        file.write_bytes(as_bytes(changed(good, place, planted)))
        verdicts.append(verdict(str(file), kind))
    # Of a document that takes any text at every key, nothing is refused.
    is_good = not any(verdict.findings for verdict in verdicts)
    for told in FORMATS.values():
        said = told(verdicts)
        assert SECRET not in said
        assert is_good or said.count("must ") >= len(verdicts) // 3
