"""The header of an x86 kernel, as far as kexec and boot loaders look at it.

Source: Documentation/arch/x86/boot.rst of Linux ("The Real-Mode Kernel Header"); what
kexec_file_load(2) asks for is in arch/x86/kernel/kexec-bzimage64.c (bzImage64_probe).
"""

from dataclasses import dataclass
from struct import Struct

_SETUP_SECTS_AT, _SYSSIZE_AT = 0x1F1, 0x1F4
_BOOT_FLAG_AT, _BOOT_FLAG = 0x1FE, b"\x55\xaa"
_MAGIC_AT, _MAGIC = 0x202, b"HdrS"
_VERSION_AT = 0x206
_KERNEL_VERSION_AT = 0x20E  # offset of the text, less 0x200
_LOADFLAGS_AT, _LOADED_HIGH = 0x211, 1 << 0
_RELOCATABLE_AT = 0x234
_XLOADFLAGS_AT, _KERNEL_64, _ABOVE_4G = 0x236, 1 << 0, 1 << 1
_HEADER_BYTES = 0x238
_VERSION_2_12 = 0x020C
_SECTOR_BYTES, _PARAGRAPH_BYTES = 512, 16
_DEFAULT_SETUP_SECTS = 4
_VERSION_TEXT_BYTES = 256

_WORD, _LONG = Struct("<H"), Struct("<I")

_DOS = b"MZ"
# What else people put into vmlinuz: place, magic, name.
_OTHERS = (
    (0x38, b"ARM\x64", "an arm64 Image"),
    (4, b"zimg", "an EFI zboot image, which no x86 kernel is"),
    (0x30, b"RISCV", "a RISC-V Image"),
    (0, b"\x7fELF", "an ELF file (vmlinux), not the bzImage"),
    (0, b"\x1f\x8b", "a gzip file"),
    (0, b"\x28\xb5\x2f\xfd", "a zstd file"),
    (0, b"\xfd7zXZ", "an xz file"),
    (0, b"MZ", "an EFI program and no kernel"),
)


@dataclass(frozen=True, kw_only=True)
class BzImage:
    """What the header says."""

    version: str
    """As `uname -r`; empty if it is not told."""
    size_bytes: int
    """Of setup part and kernel together, at least."""
    efi_stub: bool
    lacking: tuple[str, ...]
    """What kexec_file_load(2) would miss."""


def parse(head: bytes) -> BzImage:
    """Raises ValueError, with words on what it is instead."""
    if not _is_bzimage(head):
        for at, magic, name in _OTHERS:
            if head[at:].startswith(magic):
                raise ValueError(f"is {name}")
        raise ValueError(f"is no kernel, it begins with {head[:4].hex() or 'nothing'}")
    return BzImage(
        version=_version(head),
        size_bytes=_size_bytes(head),
        efi_stub=head.startswith(_DOS),
        lacking=tuple(_lacking(head)),
    )


def _is_bzimage(head: bytes) -> bool:
    return (
        len(head) >= _HEADER_BYTES
        and head[_BOOT_FLAG_AT:].startswith(_BOOT_FLAG)
        and head[_MAGIC_AT:].startswith(_MAGIC)
    )


def _lacking(head: bytes) -> list[str]:
    lacking = []
    version = _WORD.unpack_from(head, _VERSION_AT)[0]
    if version < _VERSION_2_12:
        return [f"boot protocol 2.12 (it has {version >> 8}.{version & 0xFF:02})"]
    if not head[_LOADFLAGS_AT] & _LOADED_HIGH:
        lacking.append("LOADED_HIGH (it is a zImage)")
    if not head[_RELOCATABLE_AT]:
        lacking.append("relocatable_kernel (CONFIG_RELOCATABLE)")
    flags = _WORD.unpack_from(head, _XLOADFLAGS_AT)[0]
    if not flags & _KERNEL_64:
        lacking.append("XLF_KERNEL_64 (it is a 32-bit kernel)")
    if not flags & _ABOVE_4G:
        lacking.append("XLF_CAN_BE_LOADED_ABOVE_4G")
    return lacking


def _version(head: bytes) -> str:
    offset = _WORD.unpack_from(head, _KERNEL_VERSION_AT)[0]
    if not offset:
        return ""
    text = head[offset + 0x200 :][:_VERSION_TEXT_BYTES].partition(b"\0")[0]
    return text.split(b" ")[0].decode(errors="backslashreplace")


def _size_bytes(head: bytes) -> int:
    setup_sectors = head[_SETUP_SECTS_AT] or _DEFAULT_SETUP_SECTS
    paragraphs = _LONG.unpack_from(head, _SYSSIZE_AT)[0]
    return int((setup_sectors + 1) * _SECTOR_BYTES + paragraphs * _PARAGRAPH_BYTES)
