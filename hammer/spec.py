"""The machine document as the steps take it."""

from dataclasses import dataclass, field

import contract
from hammer.errors import DocumentInvalid


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
