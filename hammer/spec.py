"""The machine document as the steps take it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import BaseModel, SecretStr

import contract
from hammer.errors import DocumentInvalid
from hammer.redact import HIDDEN

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, kw_only=True)
class InstallSpec:
    """What is to be installed; a machine document that obeys every rule of its format."""

    machine_uuid: str | None
    """The machine that is meant, lower case; None: whichever reads the document."""
    allocation: contract.Allocation
    nics: tuple[contract.Nic, ...]
    where: str
    """URL or path that the document came from."""
    text: bytes = field(repr=False)
    """The document as it came, with its secrets."""

    @property
    def layout(self) -> contract.FilesystemLayout:
        return self.allocation.filesystemlayout


def read(text: bytes, *, where: str) -> InstallSpec:
    """The spec of a machine document. Raises DocumentInvalid with every problem in it."""
    try:
        document = contract.load(contract.MachineDocument, text, name=where)
    except contract.ContractError as error:
        raise DocumentInvalid(where=where, problems=error.problems) from None
    return InstallSpec(
        machine_uuid=document.id,
        allocation=document.allocation,
        nics=tuple(document.hardware.nics),
        where=where,
        text=text,
    )


def without_secrets(document: M) -> M:
    """The document with `***` for every secret that is set, and nothing else changed."""
    fields = type(document).model_fields
    return document.model_copy(update={name: _hidden(getattr(document, name)) for name in fields})


def _hidden(value: object) -> object:
    match value:
        case SecretStr():
            return SecretStr(HIDDEN) if value.get_secret_value() else value
        case BaseModel():
            return without_secrets(value)
        case tuple():
            return tuple(_hidden(each) for each in value)
        case dict():
            return {key: _hidden(each) for key, each in value.items()}
    return value


def secrets_of(document: BaseModel) -> Iterator[str]:
    """Every secret of a document in clear: for looking where it is and must not be."""
    for name in type(document).model_fields:
        yield from _secrets(getattr(document, name))


def _secrets(value: object) -> Iterator[str]:
    match value:
        case SecretStr():
            yield value.get_secret_value()
        case BaseModel():
            yield from secrets_of(value)
        case tuple():
            for each in value:
                yield from _secrets(each)
        case dict():
            for each in value.values():
                yield from _secrets(each)
