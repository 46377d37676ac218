"""Whether the image fits into a filesystem layout."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from contract import ContractError, Filesystem, FilesystemLayout, load_file
from hammer.errors import DocumentInvalid, LayoutMissing
from hammer.image.check import rules
from hammer.image.check.layout_sizes import Room, room, sizes_mib
from hammer.image.check.reader import Facts
from hammer.image.check.rules import Finding, Outcome
from hammer.image.check.space import BLOCK_BYTES, MIB, Taken, mount_of, taken
from hammer.image.check.tree import Names, Tree
from hammer.stream.member import Kind


def read_layout(path: Path) -> FilesystemLayout:
    """Raises LayoutMissing, DocumentInvalid."""
    try:
        return load_file(FilesystemLayout, path)
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise LayoutMissing(where=str(path), reason=reason) from None
    except ContractError as error:
        raise DocumentInvalid(where=str(path), problems=error.problems) from None


def findings(facts: Facts, layout: FilesystemLayout, *, disk_mib: int | None) -> Iterator[Outcome]:
    yield from _disks(layout, disk_mib=disk_mib)
    sizes = sizes_mib(layout, disk_mib=disk_mib)
    mounted = _mounted(layout.filesystems)
    rooms = {
        path: room(size, format=each.format, createoptions=each.create_arguments) if size else None
        for path, each in mounted.items()
        for size in (sizes.get(each.device),)
    }
    blocks = {path: found.block_bytes if found else BLOCK_BYTES for path, found in rooms.items()}
    vfat = [path for path, each in mounted.items() if each.format == "vfat"]
    if vfat:
        yield from _not_on_vfat(facts.tree, mounts=list(mounted), vfat=vfat)
    for path, needed in taken(facts.tree, blocks).items():
        yield from _compare(f"/{path.decode(errors='replace')}", needed, rooms[path])


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


def _not_on_vfat(
    tree: Tree, *, mounts: Sequence[bytes], vfat: Sequence[bytes]
) -> Iterator[Outcome]:
    """What the kernel refuses to make there (Linux, fs/fat/namei_vfat.c: no symlink, link, mknod).

    A hard link is a second name of the same entry.
    """
    refused = Names()
    named: set[int] = set()
    for path, entry in tree.entries.items():
        if mount_of(path, mounts) in vfat:
            if entry.kind not in (Kind.FILE, Kind.DIRECTORY):
                refused.add(path, f" ({entry.kind.name.lower()})")
            elif id(entry) in named:
                refused.add(path, " (hard link)")
        named.add(id(entry))
    if refused.count:
        yield Finding(rules.LAYOUT_VFAT, f"not possible on vfat: {refused}")


def _compare(path: str, needed: Taken, found: Room | None) -> Iterator[Outcome]:
    needs = f"{path} needs {needed.mib} MiB and {needed.inodes} inodes"
    if found is None:
        yield Finding(rules.LAYOUT_UNKNOWN, f"{needs}, and takes the rest of a disk")
        return
    yield Finding(rules.SPACE, f"{needs}, and holds {_holds(found)}")
    if needed.blocks_bytes > found.bytes:
        text = (
            f"{path} needs {needed.mib} MiB, "
            f"and holds about {found.bytes // MIB} MiB when it is new"
        )
        yield Finding(rules.LAYOUT_TOO_SMALL, text)
    if found.inodes is not None and needed.inodes > found.inodes:
        text = f"{path} needs {needed.inodes} inodes, and has {found.inodes} when it is new"
        yield Finding(rules.LAYOUT_INODES, text)


def _holds(found: Room) -> str:
    inodes = "" if found.inodes is None else f" and {found.inodes} inodes"
    return f"about {found.bytes // MIB} MiB{inodes} when it is new"
