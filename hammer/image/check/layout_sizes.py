"""How much room a layout gives to each of its filesystems, as far as it says so."""

from dataclasses import dataclass

from contract import FilesystemLayout, partition_device, volume_device
from hammer.image.check.space import MIB

# GPT at both ends, and partitions that begin at a whole MiB (sgdisk, --set-alignment).
_GPT_MIB = 2
# mke2fs.conf(5): below 512 MiB the type is `small`, with other blocks and more inodes.
_SMALL_MIB = 512
_INODE_BYTES = 256
# Superblocks, bitmaps and descriptors, with the room to grow (mke2fs(8), resize_inode), which
# counts more where blocks are small. Measured on filesystems of 64 MiB to 1 TB.
_METADATA = 0.004
_SMALL_METADATA, _SMALL_METADATA_MAX_BYTES = 0.02, 2 * MIB
# lib/ext2fs/mkjournal.c of e2fsprogs, ext2fs_default_journal_size: filesystem in
# blocks, journal in blocks.
_JOURNALS = (
    (2048, 0),
    (32768, 1024),
    (256 << 10, 4096),
    (512 << 10, 8192),
    (4096 << 10, 16384),
    (8192 << 10, 32768),
    (16384 << 10, 65536),
    (32768 << 10, 131072),
)
_JOURNAL_MAX = 262144
_SETS_INODES = ("-i", "-N", "-T", "-I")


@dataclass(frozen=True, kw_only=True)
class Room:
    """What fits into a new filesystem, estimated."""

    bytes: int
    inodes: int | None
    """None: as many as one likes, or not known."""
    block_bytes: int


def sizes_mib(layout: FilesystemLayout, *, disk_mib: int | None) -> dict[str, int | None]:
    """The size of every device that the layout makes; None if it depends on the disk."""
    sizes: dict[str, int | None] = {}
    for disk in layout.disks:
        sizes[disk.device] = disk_mib
        fixed_mib = sum(partition.size for partition in disk.partitions)
        for partition in disk.partitions:
            rest_mib = None if disk_mib is None else max(0, disk_mib - fixed_mib - _GPT_MIB)
            device = partition_device(disk.device, partition.number)
            sizes[device] = partition.size or rest_mib
    for raid in layout.raid:
        members = [sizes.get(device) for device in raid.devices[: len(raid.devices) - raid.spares]]
        sizes[raid.arrayname] = _together(members, mirrored=raid.level == "1")
    for group in layout.volumegroups:
        total_mib = _together([sizes.get(device) for device in group.devices], mirrored=False)
        volumes = [each for each in layout.logicalvolumes if each.volumegroup == group.name]
        taken_mib = sum(each.size * (2 if each.lvmtype == "raid1" else 1) for each in volumes)
        for volume in volumes:
            rest_mib = None if total_mib is None else max(0, total_mib - taken_mib)
            sizes[volume_device(group.name, volume.name)] = volume.size or rest_mib
    return sizes


def _together(members: list[int | None], *, mirrored: bool) -> int | None:
    known = [size for size in members if size is not None]
    if len(known) < len(members) or not known:
        return None
    return min(known) if mirrored else sum(known)


def room(size_mib: int, *, format: str, createoptions: tuple[str, ...]) -> Room:
    """What mkfs leaves for files of a device of this size."""
    size_bytes = size_mib * MIB
    if format not in ("ext3", "ext4"):
        return Room(bytes=int(size_bytes * (1 - _METADATA)), inodes=None, block_bytes=4096)
    small = size_mib < _SMALL_MIB
    block_bytes = 1024 if small else 4096
    inodes = size_bytes // (4096 if small else 16384)
    blocks = size_bytes // block_bytes
    journal = next((length for limit, length in _JOURNALS if blocks < limit), _JOURNAL_MAX)
    metadata_bytes = int(size_bytes * _METADATA)
    if small:
        metadata_bytes += min(int(size_bytes * _SMALL_METADATA), _SMALL_METADATA_MAX_BYTES)
    metadata_bytes += inodes * _INODE_BYTES + journal * block_bytes
    chosen = any(option.startswith(_SETS_INODES) for option in createoptions)
    return Room(
        bytes=max(0, size_bytes - metadata_bytes),
        inodes=None if chosen else inodes,
        block_bytes=block_bytes,
    )
