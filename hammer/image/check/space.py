"""How much room the image takes on a filesystem."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hammer.image.check import rules
from hammer.image.check.reader import Facts
from hammer.image.check.rules import Finding, Outcome
from hammer.image.check.tree import Entry, Tree
from hammer.stream.member import Kind

MIB = 1 << 20
BLOCK_BYTES = 4096
_FAST_SYMLINK_BYTES = 60  # shorter ones are in the inode (Linux, fs/ext4/symlink.c)
_ENTRY_BYTES = 8  # of a directory before the name (Linux, fs/ext4/ext4.h, ext4_dir_entry_2)


@dataclass
class Taken:
    """What files take of a filesystem."""

    blocks_bytes: int = 0
    inodes: int = 0

    @property
    def mib(self) -> int:
        """Rounded up."""
        return -(-self.blocks_bytes // MIB)


def findings(facts: Facts) -> Iterator[Outcome]:
    """For an image without a layout: as if all of it were on one filesystem."""
    all_of_it = taken(facts.tree, {b"": BLOCK_BYTES})[b""]
    yield Finding(rules.SPACE, f"all of it takes {all_of_it.mib} MiB and {all_of_it.inodes} inodes")


def taken(tree: Tree, blocks: dict[bytes, int]) -> dict[bytes, Taken]:
    """What the image takes of each mount point, whose block size is given.

    Mount points are real paths without leading slash; the root is the empty one.
    """
    mounts = list(blocks)
    found = {mount: Taken() for mount in blocks}
    counted: set[int] = set()
    names_bytes: dict[bytes, int] = {}
    for path, entry in tree.entries.items():
        if path:
            parent, _, name = path.rpartition(b"/")
            names_bytes[parent] = names_bytes.get(parent, 0) + _ENTRY_BYTES + _up(len(name), 4)
        if id(entry) in counted:
            continue  # another name of the same inode
        counted.add(id(entry))
        mount = mount_of(path, mounts)
        found[mount].inodes += 1
        found[mount].blocks_bytes += _up(_content_bytes(entry), blocks[mount])
    for path, size_bytes in names_bytes.items():
        mount = mount_of(path, mounts)
        found[mount].blocks_bytes += _up(size_bytes, blocks[mount])
    return found


def mount_of(path: bytes, mounts: Sequence[bytes]) -> bytes:
    """The mount point that a path is below: the longest one that is a prefix."""
    around = (mount for mount in mounts if path == mount or path.startswith(mount + b"/"))
    return max(around, key=len, default=b"")


def _content_bytes(entry: Entry) -> int:
    if entry.kind is Kind.SYMLINK:
        return len(entry.target) if len(entry.target) >= _FAST_SYMLINK_BYTES else 0
    return entry.stored_bytes


def _up(number: int, step: int) -> int:
    return -(-number // step) * step
