"""The ramdisk that `initramfs/build` made, with a machine document in it."""

from dataclasses import dataclass
from pathlib import Path

from hammer.cmdline import EMBEDDED_SPEC
from hammer.host.carried import CARRIED_INSTALLER
from initramfs.overlay import overlay

BUILD = Path(__file__).parent.parent.parent / "build"


@dataclass(frozen=True, kw_only=True)
class Ramdisk:
    kernel: Path = BUILD / "ramdisk" / "vmlinuz"
    initrd: Path = BUILD / "ramdisk" / "initrd.cpio.lz4"

    @property
    def exists(self) -> bool:
        return self.kernel.exists() and self.initrd.exists()

    def with_document(self, document: str, *, work: Path, installer: bytes | None = None) -> Path:
        """An initrd in `work` that installs what `document` says; it needs no server for it.

        With `installer` it carries one, as `initramfs/build --installer` would make it.
        """
        work.mkdir(parents=True, exist_ok=True)
        initrd = work / "initrd"
        added = {EMBEDDED_SPEC: (document.encode(), 0o600)}
        if installer is not None:
            added[str(CARRIED_INSTALLER)] = (installer, 0o755)
        overlay(self.initrd, initrd, added)
        return initrd
