"""How the kernel names what a layout makes."""


def partition_device(disk: str, number: int) -> str:
    """The device of a partition, by the kernel's rule: `p` between, if the disk ends in a digit.

    Linux, block/partitions/core.c (add_partition), earlier disk_name of
    block/genhd.c. metal-api has another rule: `p` only after /dev/nvme. The two
    agree on sd*, vd* and nvme*; for mmcblk0, nbd0, loop0 and md0 only the
    kernel's names a device.
    """
    return f"{disk}p{number}" if disk[-1:].isdigit() else f"{disk}{number}"


def volume_device(group: str, volume: str) -> str:
    """The device of a logical volume, as udev links it and metal-api writes it."""
    return f"/dev/{group}/{volume}"
