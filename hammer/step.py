"""The names of the ten steps: a public contract of console, events and `hammer.break=`."""

from enum import StrEnum


class Step(StrEnum):
    """In the order of the sequence. Never rename one: dashboards and people match on them."""

    CHECK = "check"
    WIPE = "wipe"
    PARTITION = "partition"
    FORMAT = "format"
    MOUNT = "mount"
    IMAGE = "image"
    CONTRACT = "contract"
    INSTALL = "install"
    KERNEL = "kernel"
    UNMOUNT = "unmount"

    @property
    def number(self) -> int:
        """Counted from 1."""
        return list(Step).index(self) + 1
