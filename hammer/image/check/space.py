"""Rules of room: what the image takes where it is mounted, and what a layout gives."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from contract import Filesystem, FilesystemLayout
from hammer.image.check import rules
from hammer.image.check.layout_sizes import MIB, Room, room, sizes_mib
from hammer.image.check.reader import Facts
from hammer.image.check.rules import Finding, Outcome
from hammer.image.check.tree import Entry, Tree
from hammer.stream.tar import Kind

_BLOCK_BYTES = 4096
_FAST_SYMLINK_BYTES = 60  # shorter ones are in the inode (Linux, fs/ext4/symlink.c)
_ENTRY_BYTES = 8  # of a directory before the name (Linux, fs/ext4/ext4.h, ext4_dir_entry_2)


@dataclass
class Taken:
    """What files take of a filesystem."""

    blocks_bytes: int = 0
    inodes: int = 0


def findings(
    facts: Facts, layout: FilesystemLayout | None, *, disk_mib: int | None
) -> Iterator[Outcome]:
    if layout is None:
        taken = _taken(facts.tree, {b"": _BLOCK_BYTES})[b""]
        yield Finding(
            rules.SPACE, f"all of it takes {_mib(taken.blocks_bytes)} MiB and {taken.inodes} inodes"
        )
        return
    yield from _disks(layout, disk_mib=disk_mib)
    sizes = sizes_mib(layout, disk_mib=disk_mib)
    mounted = _mounted(layout.filesystems)
    rooms = {
        path: room(size, format=each.format, createoptions=each.create_arguments) if size else None
        for path, each in mounted.items()
        for size in (sizes.get(each.device),)
    }
    blocks = {path: found.block_bytes if found else _BLOCK_BYTES for path, found in rooms.items()}
    for path, taken in _taken(facts.tree, blocks).items():
        yield from _compare(f"/{path.decode(errors='replace')}", taken, rooms[path])


def _mounted(filesystems: Sequence[Filesystem]) -> dict[bytes, Filesystem]:
    """By mount point without its leading slash. tmpfs is not mounted while unpacking."""
    return {
        each.path.strip("/").encode(): each
        for each in filesystems
        if each.path and each.path.startswith("/") and each.format not in ("tmpfs", "swap", "none")
    }


def _disks(layout: FilesystemLayout, *, disk_mib: int | None) -> Iterator[Outcome]:
    for disk in layout.disks:
        needed_mib = sum(partition.size for partition in disk.partitions)
        if disk_mib is not None and needed_mib > disk_mib:
            text = f"{disk.device} has {disk_mib} MiB, its partitions take {needed_mib} MiB"
            yield Finding(rules.LAYOUT_TOO_SMALL, text)


def _compare(path: str, taken: Taken, found: Room | None) -> Iterator[Outcome]:
    needs = f"{path} needs {_mib(taken.blocks_bytes)} MiB and {taken.inodes} inodes"
    if found is None:
        yield Finding(rules.LAYOUT_UNKNOWN, f"{needs}, and takes the rest of a disk")
        return
    yield Finding(rules.SPACE, f"{needs}, and holds {_holds(found)}")
    if taken.blocks_bytes > found.bytes:
        text = (
            f"{path} needs {_mib(taken.blocks_bytes)} MiB, "
            f"and holds about {found.bytes // MIB} MiB when it is new"
        )
        yield Finding(rules.LAYOUT_TOO_SMALL, text)
    if found.inodes is not None and taken.inodes > found.inodes:
        text = f"{path} needs {taken.inodes} inodes, and has {found.inodes} when it is new"
        yield Finding(rules.LAYOUT_INODES, text)


def _holds(found: Room) -> str:
    inodes = "" if found.inodes is None else f" and {found.inodes} inodes"
    return f"about {found.bytes // MIB} MiB{inodes} when it is new"


def _mib(size_bytes: int) -> int:
    return -(-size_bytes // MIB)


def _taken(tree: Tree, blocks: dict[bytes, int]) -> dict[bytes, Taken]:
    """What the image takes of each mount point, whose block size is given."""
    # The longest mount point that is a prefix: deeper ones first.
    mounts = sorted(blocks, key=len, reverse=True)
    taken = {mount: Taken() for mount in blocks}
    counted: set[int] = set()
    names_bytes: dict[bytes, int] = {}
    for path, entry in tree.entries.items():
        if path:
            parent, _, name = path.rpartition(b"/")
            names_bytes[parent] = names_bytes.get(parent, 0) + _ENTRY_BYTES + _up(len(name), 4)
        if id(entry) in counted:
            continue  # another name of the same inode
        counted.add(id(entry))
        mount = _mount_of(path, mounts)
        taken[mount].inodes += 1
        taken[mount].blocks_bytes += _up(_content_bytes(entry), blocks[mount])
    for path, size_bytes in names_bytes.items():
        mount = _mount_of(path, mounts)
        taken[mount].blocks_bytes += _up(size_bytes, blocks[mount])
    return taken


def _mount_of(path: bytes, mounts: list[bytes]) -> bytes:
    for mount in mounts:
        if not mount or path == mount or path.startswith(mount + b"/"):
            return mount
    return b""


def _content_bytes(entry: Entry) -> int:
    if entry.kind is Kind.SYMLINK:
        return len(entry.target) if len(entry.target) >= _FAST_SYMLINK_BYTES else 0
    return entry.stored_bytes


def _up(number: int, step: int) -> int:
    return -(-number // step) * step
