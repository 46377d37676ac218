"""The ramdisk that `initramfs/build` made, with a machine document in it."""

from dataclasses import dataclass
from pathlib import Path

from hammer.cmdline import EMBEDDED_SPEC
from hammer.errors import FileFailed, RamdiskMissing
from hammer.host.carried import CARRIED_INSTALLER
from initramfs.overlay import overlay

BUILT = Path("build") / "ramdisk"
CHECKOUT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, kw_only=True)
class Ramdisk:
    kernel: Path
    initrd: Path

    @property
    def exists(self) -> bool:
        return self.kernel.is_file() and self.initrd.is_file()

    def with_document(self, document: str, *, work: Path, installer: bytes | None = None) -> Path:
        """An initrd in `work` that installs what `document` says; it needs no server for it.

        With `installer` it carries one, as `initramfs/build --installer` would make it.
        Raises FileFailed.
        """
        initrd = work / "initrd"
        added = {EMBEDDED_SPEC: (document.encode(), 0o600)}
        if installer is not None:
            added[str(CARRIED_INSTALLER)] = (installer, 0o755)
        try:
            work.mkdir(parents=True, exist_ok=True)
            overlay(self.initrd, initrd, added)
        except OSError as error:
            raise FileFailed(path=str(initrd), reason=error.strerror or str(error)) from None
        return initrd


def ramdisk_in(folder: Path) -> Ramdisk:
    """What the build writes to a folder; it need not be there."""
    return Ramdisk(kernel=folder / "vmlinuz", initrd=folder / "initrd.cpio.lz4")


def found_ramdisk(folder: Path | None) -> Ramdisk:
    """The ramdisk in `folder`; without one in build/ of this directory, or of the checkout.

    Raises RamdiskMissing.
    """
    folders = [folder] if folder else [BUILT, CHECKOUT / BUILT]
    for each in folders:
        if (ramdisk := ramdisk_in(each)).exists:
            return ramdisk
    looked_for = ramdisk_in(folders[0])
    missing = [path for path in (looked_for.kernel, looked_for.initrd) if not path.is_file()]
    raise RamdiskMissing(files=tuple(map(str, missing)))
