"""The program of `--installer`: refused early when it would not run in every image."""

from pathlib import Path

from hammer.errors import InstallerUnusable
from hammer.host import carried
from initramfs import elf
from initramfs.errors import BuildError


def check(path: Path) -> None:
    """Raise BuildError unless it is a script, or a program that needs nothing of an image."""
    try:
        carried.check(path)
    except InstallerUnusable as error:
        raise BuildError(str(error)) from None
    if elf.is_elf(path):
        asks = elf.read(path)
        needed = [*([asks.interpreter] if asks.interpreter else []), *asks.needed]
        if needed:
            raise BuildError(
                f"installer {path} is not linked statically, and an image need not have what it "
                f"asks for: {', '.join(needed)}"
            )
