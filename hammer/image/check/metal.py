"""Rules of what an image ships in /etc/metal."""

from collections.abc import Iterator

import contract
from contract.kinds import kind_of_file
from contract.paths import METAL
from hammer.image.check import rules
from hammer.image.check.reader import DOCUMENT_BYTES, Facts
from hammer.image.check.rules import Finding, Outcome, Unchecked, listed
from hammer.stream.tar import printable

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
    tree = facts.tree
    stale = []
    for name, _ in sorted(tree.under(str(METAL))):
        path = f"{METAL}/{printable(name)}"
        if name in _WRITTEN_THERE:
            stale.append(path)
            continue
        kind = kind_of_file(name.decode(errors="replace"))
        entry = tree.file(str(METAL).encode() + b"/" + name)
        if kind is None or entry is None:
            continue
        if entry.content is None or entry.size > DOCUMENT_BYTES:
            yield Unchecked(rules.METAL_DOCUMENT, f"the content of {path} is not kept")
            continue
        try:
            contract.load(kind.model, entry.content, name=path)
        except contract.ContractError as error:
            for problem in error.problems:
                yield Finding(rules.METAL_DOCUMENT, f"{path}: {problem}")
    if stale:
        yield Finding(rules.METAL_STALE, f"shipped: {listed(stale)}")
