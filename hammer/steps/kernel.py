"""Step 9: the kernel that the installer named, loaded to be started later."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import contract
from hammer.errors import BootFileMissing, FileFailed, KernelInvalid
from hammer.host.files import inside
from hammer.machine import Machine

# Documentation/arch/x86/boot.rst of Linux: boot_flag and header of a bzImage.
BZIMAGE_FLAG_AT, BZIMAGE_FLAG = 0x1FE, b"\x55\xaa"
BZIMAGE_MAGIC_AT, BZIMAGE_MAGIC = 0x202, b"HdrS"
# Documentation/arch/arm64/booting.rst: magic of an Image.
ARM64_MAGIC_AT, ARM64_MAGIC = 0x38, b"ARM\x64"
HEADER_BYTES = 0x206


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """What is booted next. Paths are those of the installed system."""

    kernel: str
    initrd: str | None
    cmdline: str
    loaded: bool
    """In memory, ready for kexec."""


def load_kernel(machine: Machine, boot_info: contract.BootInfo, root: Path) -> Kernel:
    """Load the kernel of the target into memory.

    It is read now, while the target is mounted, and started after that.
    """
    kernel = find_file(root, "kernel", boot_info.kernel)
    check_kernel(kernel, boot_info.kernel)
    initrd = find_file(root, "initrd", boot_info.initrd) if boot_info.initrd else None
    if machine.power is not None:
        machine.power.load_kernel(kernel, initrd, boot_info.cmdline)
    return Kernel(
        kernel=boot_info.kernel,
        initrd=boot_info.initrd or None,
        cmdline=boot_info.cmdline,
        loaded=machine.power is not None,
    )


def order_firmware(machine: Machine, boot_info: contract.BootInfo) -> None:
    """Let firmware boot the installed system by itself the next time."""
    if boot_info.bootloader_id:
        machine.console.say(machine.firmware.boot_first(boot_info.bootloader_id))


def find_file(root: Path, key: str, path: str) -> Path:
    """A file that boot-info.yaml names. Raises BootFileMissing."""
    try:
        where = inside(root, PurePosixPath(path))
    except FileFailed as failure:
        raise BootFileMissing(key=key, path=path, reason=failure.reason) from None
    if not where.exists():
        raise BootFileMissing(key=key, path=path, reason="is not in the image")
    if not where.is_file():
        raise BootFileMissing(key=key, path=path, reason="is not a file")
    return where


def check_kernel(where: Path, path: str) -> None:
    """Look at the header that kexec needs. Raises KernelInvalid."""
    with where.open("rb") as stream:
        header = stream.read(HEADER_BYTES)

    def has(magic: bytes, *, at: int) -> bool:
        return header[at : at + len(magic)] == magic

    bzimage = has(BZIMAGE_FLAG, at=BZIMAGE_FLAG_AT) and has(BZIMAGE_MAGIC, at=BZIMAGE_MAGIC_AT)
    if not bzimage and not has(ARM64_MAGIC, at=ARM64_MAGIC_AT):
        found = header[:4].hex() or "nothing"
        raise KernelInvalid(path=path, reason=f"is no kernel image, it begins with {found}")
