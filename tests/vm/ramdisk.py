"""Where the tests find the ramdisk, and what is left of their guests."""

from pathlib import Path

from hammer.image.trial.ramdisk import Ramdisk, ramdisk_in

__all__ = ["BUILD", "Ramdisk", "built_ramdisk"]

BUILD = Path(__file__).parent.parent.parent / "build"


def built_ramdisk() -> Ramdisk:
    return ramdisk_in(BUILD / "ramdisk")
