"""ELF files as small as they can be, to ask for libraries with."""

import struct
from collections.abc import Sequence

from initramfs.elf import (
    DT_NEEDED,
    DT_NULL,
    DT_RUNPATH,
    DT_STRTAB,
    DYNAMIC_ENTRY,
    ET_DYN,
    HEADER,
    MAGIC,
    PROGRAM_HEADER,
    PT_DYNAMIC,
    PT_INTERP,
    PT_LOAD,
)

# Mapped elsewhere than it lies in the file, as real ones are.
ADDRESS = 0x400000


def elf_file(
    needed: Sequence[str] = (), *, interpreter: str | None = None, run_path: str | None = None
) -> bytes:
    names = b"\0"
    tags: list[tuple[int, int]] = []
    for tag, text in [*((DT_NEEDED, name) for name in needed), (DT_RUNPATH, run_path)]:
        if text is not None:
            tags.append((tag, len(names)))
            names += text.encode() + b"\0"
    count = 3 if interpreter else 2
    start = HEADER.size + count * PROGRAM_HEADER.size
    interp = interpreter.encode() + b"\0" if interpreter else b""
    names_start = start + len(interp)
    dynamic_start = names_start + len(names)
    tags += [(DT_STRTAB, ADDRESS + names_start), (DT_NULL, 0), (DT_NEEDED, 0)]
    dynamic = b"".join(DYNAMIC_ENTRY.pack(*tag) for tag in tags)
    end = dynamic_start + len(dynamic)
    segments = [(PT_LOAD, 0, end), (PT_DYNAMIC, dynamic_start, len(dynamic))]
    if interpreter:
        segments.insert(0, (PT_INTERP, start, len(interp)))
    ident = MAGIC + bytes((2, 1, 1)) + bytes(9)
    header = HEADER.pack(
        *(ident, ET_DYN, 62, 1, 0, HEADER.size, 0, 0, HEADER.size, PROGRAM_HEADER.size, count),
        *(0, 0, 0),
    )
    table = b"".join(
        PROGRAM_HEADER.pack(kind, 0, at, ADDRESS + at, 0, length, length, 0)
        for kind, at, length in segments
    )
    return header + table + interp + names + dynamic


def relocatable() -> bytes:
    """As a kernel module is: no segments at all."""
    image = bytearray(elf_file())
    struct.pack_into("<H", image, 16, 1)
    return bytes(image)
