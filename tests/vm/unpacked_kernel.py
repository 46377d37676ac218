"""The kernel in a vmlinuz, which else unpacks itself: that takes an emulated guest 5 s."""

import hashlib
import lzma
import os
import struct
from pathlib import Path

from tests.vm.ramdisk import BUILD

# Linux, Documentation/arch/x86/boot.rst: sectors of the setup code, which has one more in front;
# from its end on, where the packed kernel begins, and its length.
_PAYLOAD = struct.Struct("<II")
_SETUP_SECTORS_AT, _PAYLOAD_AT = 0x1F1, 0x248
_SECTOR_BYTES = 512
_XZ = b"\xfd7zXZ\0"
_ELF = b"\x7fELF"


def unpacked(vmlinuz: Path) -> Path:
    """The file of the kernel alone, made once; the vmlinuz itself if it is packed otherwise.

    QEMU starts it by its PVH entry (Linux, xen/interface/hvm/start_info.h).
    """
    packed = vmlinuz.read_bytes()
    offset, length = _PAYLOAD.unpack_from(packed, _PAYLOAD_AT)
    begin = (packed[_SETUP_SECTORS_AT] + 1) * _SECTOR_BYTES + offset
    payload = packed[begin : begin + length]
    if not payload.startswith(_XZ):
        return vmlinuz
    made = BUILD / "vm" / f"vmlinux-{hashlib.sha256(payload).hexdigest()[:16]}"
    if not made.exists():
        # The size of it all follows the archive.
        packing = lzma.LZMADecompressor(lzma.FORMAT_XZ)
        kernel = packing.decompress(payload)
        assert packing.eof
        assert kernel.startswith(_ELF)
        made.parent.mkdir(parents=True, exist_ok=True)
        partial = made.with_suffix(f".{os.getpid()}")
        partial.write_bytes(kernel)
        partial.rename(made)
    return made
