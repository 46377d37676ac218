"""Step 9: the kernel that the installer named, loaded to be started later."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import contract
from hammer.errors import BootFileMissing, FileFailed, KernelInvalid, KexecRefused
from hammer.host.files import inside
from hammer.host.firmware import Loader
from hammer.machine import Machine
from hammer.steps.boot_loader import boot_loader

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
    refused: str | None = None
    """Why kexec is refused."""
    loader: Loader | None = None
    """What the firmware is to start then."""


def load_kernel(
    machine: Machine, layout: contract.FilesystemLayout, boot_info: contract.BootInfo, root: Path
) -> Kernel:
    """Load the kernel of the target into memory.

    It is read now, while the target is mounted, and started after that. When this machine
    refuses it, a boot loader will do: that costs a trip through the firmware and nothing else.
    Raises BootFileMissing, KernelInvalid, and KexecRefused where there is no boot loader.
    """
    kernel = find_file(root, "kernel", boot_info.kernel)
    check_kernel(kernel, boot_info.kernel)
    initrd = find_file(root, "initrd", boot_info.initrd) if boot_info.initrd else None
    if initrd is not None:
        check_initrd(initrd, str(boot_info.initrd))
    refused, loader = None, None
    if machine.power is not None:
        try:
            machine.power.load_kernel(kernel, initrd, boot_info.cmdline)
        except KexecRefused as refusal:
            refused = refusal.reason
            loader = boot_loader(machine, layout, boot_info.bootloader_id, root)
            if loader is None:
                raise
            machine.console.warn(f"kexec is refused: {refused}")
    return Kernel(
        kernel=boot_info.kernel,
        initrd=boot_info.initrd or None,
        cmdline=boot_info.cmdline,
        loaded=machine.power is not None and refused is None,
        refused=refused,
        loader=loader,
    )


def order_firmware(machine: Machine, boot_info: contract.BootInfo, kernel: Kernel) -> None:
    """Let firmware boot the installed system by itself, and at once where kexec is refused."""
    if boot_info.bootloader_id:
        machine.console.say(machine.firmware.boot_first(boot_info.bootloader_id))
    if kernel.loader is not None:
        machine.console.say(machine.firmware.boot_next(boot_info.bootloader_id, kernel.loader))


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


def check_initrd(where: Path, path: str) -> None:
    """See that something can be read of it. Raises BootFileMissing."""
    try:
        with where.open("rb") as stream:
            empty = not stream.read(1)
    except OSError as failure:
        reason = f"cannot be read: {failure.strerror}"
        raise BootFileMissing(key="initrd", path=path, reason=reason) from None
    if empty:
        raise BootFileMissing(key="initrd", path=path, reason="is empty")


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
