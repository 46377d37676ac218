"""Rules of the places where the agent writes and mounts, once the image is unpacked."""

from collections.abc import Iterator

from hammer.host.chroot_init import PLACES
from hammer.image.check import rules
from hammer.image.check.reader import METAL, Facts
from hammer.image.check.rules import Finding, Outcome
from hammer.image.check.tree import Contradiction, Names, Tree
from hammer.stream.member import Kind

# As contract/paths.py has them, see reader.py. The first are removed before they are written,
# so that a link does not lead to what is written.
REMOVED = tuple(
    f"{METAL}/{name}"
    for name in ("boot-info.yaml", "userdata", "build-meta.yaml", "hammer-provenance.json")
)
WRITTEN = (
    *(
        f"{METAL}/{name}"
        for name in (
            "install.yaml",
            "disk.json",
            "machine-details.yaml",
            "machine-allocation.yaml",
        )
    ),
    "etc/fstab",
)
LVM_LOCAL = "etc/lvm/lvmlocal.conf"
"""Written where its directory is."""


def findings(facts: Facts) -> Iterator[Outcome]:
    tree = facts.tree
    found = Names()
    for path in (place.strip("/") for place in PLACES):
        _add(found, path, _not_a_directory(tree, path))
    for path in REMOVED:
        _add(found, path, _not_a_file(tree, path, follow=False))
    for path in WRITTEN:
        _add(found, path, _not_a_file(tree, path))
    folder = tree.find(LVM_LOCAL.rpartition("/")[0])
    if folder and folder[1].kind is Kind.DIRECTORY:
        _add(found, LVM_LOCAL, _not_a_file(tree, LVM_LOCAL))
    if found.count:
        yield Finding(rules.PATH_IN_THE_WAY, f"in the way: {found}")


def _add(found: Names, path: str, problem: str) -> None:
    if problem:
        found.add(path.encode(), f" ({problem})")


def _not_a_directory(tree: Tree, path: str) -> str:
    """Why nothing can be mounted there. Where nothing is, the directory is made."""
    try:
        entry = tree.at(path)
    except Contradiction as reason:
        return str(reason)
    return "" if entry is None or entry.kind is Kind.DIRECTORY else "no directory"


def _not_a_file(tree: Tree, path: str, *, follow: bool = True) -> str:
    """Why no file can be put there. Whatever is no directory makes room, and parents are made."""
    try:
        entry = tree.at(path, follow=follow)
    except Contradiction as reason:
        return str(reason)
    return "a directory" if entry is not None and entry.kind is Kind.DIRECTORY else ""
