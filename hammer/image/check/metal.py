"""Rules of what an image ships in /etc/metal."""

from collections.abc import Iterator

from hammer.image.check import rules
from hammer.image.check.reader import DOCUMENT_BYTES, METAL, Facts
from hammer.image.check.rules import Finding, Outcome, Unchecked, listed
from hammer.stream.member import Kind, printable

# Written on the machine, by the agent or by the installer.
_WRITTEN_THERE = (
    b"install.yaml",
    b"boot-info.yaml",
    b"disk.json",
    b"userdata",
    b"machine-details.yaml",
    b"machine-allocation.yaml",
    b"build-meta.yaml",
    b"hammer-provenance.json",
)


def findings(facts: Facts) -> Iterator[Outcome]:
    # A directory is told of as one that is in the way.
    names = sorted(
        name for name, entry in facts.tree.under(METAL) if entry.kind is not Kind.DIRECTORY
    )
    stale = [f"/{METAL}/{printable(name)}" for name in names if name in _WRITTEN_THERE]
    for name in names:
        if name not in _WRITTEN_THERE:
            yield from _document(facts, name)
    if stale:
        yield Finding(rules.METAL_STALE, f"shipped: {listed(stale)}")


def _document(facts: Facts, name: bytes) -> Iterator[Outcome]:
    # Here, because few images have such a file, and pydantic is most of the start.
    import contract
    from contract.kinds import kind_of_file

    path = f"/{METAL}/{printable(name)}"
    kind = kind_of_file(name.decode(errors="replace"))
    entry = facts.tree.file(METAL.encode() + b"/" + name)
    if kind is None or entry is None:
        return
    if entry.content is None or entry.size > DOCUMENT_BYTES:
        yield Unchecked(rules.METAL_DOCUMENT, f"the content of {path} is not kept")
        return
    try:
        contract.load(kind.model, entry.content, name=path)
    except contract.ContractError as error:
        for problem in error.problems:
            yield Finding(rules.METAL_DOCUMENT, f"{path}: {problem}")
