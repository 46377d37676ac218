"""Which libraries an ELF file asks for (elf(5)), without running anything of it."""

import struct
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from initramfs.errors import BuildError

MAGIC = b"\x7fELF"
CLASS_64, LITTLE_ENDIAN = 2, 1
ET_EXEC, ET_DYN = 2, 3
PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
DT_NULL, DT_NEEDED, DT_STRTAB, DT_RPATH, DT_RUNPATH = 0, 1, 5, 15, 29

HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
DYNAMIC_ENTRY = struct.Struct("<qQ")


@dataclass(frozen=True, kw_only=True)
class Elf:
    needed: tuple[str, ...] = ()
    interpreter: str | None = None
    run_paths: tuple[str, ...] = ()
    """As written, $ORIGIN and all."""

    def folders(self, path: PurePosixPath) -> list[PurePosixPath]:
        """`run_paths` of the file that lies at `path` in the ramdisk."""
        origin = str(path.parent)
        return [
            PurePosixPath(folder.replace("${ORIGIN}", origin).replace("$ORIGIN", origin))
            for folder in self.run_paths
        ]


def is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == MAGIC


def read(path: Path) -> Elf:
    """What the program or library at `path` asks for; kernel modules ask for nothing.

    Raises BuildError for an ELF file that is not one of x86-64, or is cut off.
    """
    image = path.read_bytes()
    try:
        return _parse(image, path)
    except (struct.error, IndexError, ValueError):
        raise BuildError(f"{path}: not an ELF file, or a damaged one") from None


def _parse(image: bytes, path: Path) -> Elf:
    ident, kind, _, _, _, offset, _, _, _, entry_size, count, _, _, _ = HEADER.unpack_from(image)
    if ident[:4] != MAGIC:
        raise ValueError
    if (ident[4], ident[5]) != (CLASS_64, LITTLE_ENDIAN):
        raise BuildError(f"{path}: not an ELF file of x86-64")
    if kind not in (ET_EXEC, ET_DYN):
        return Elf()
    segments = [
        PROGRAM_HEADER.unpack_from(image, offset + number * entry_size) for number in range(count)
    ]
    interpreter, needed, run_paths = None, [], []
    for segment_kind, _, start, _, _, length, _, _ in segments:
        if segment_kind == PT_INTERP:
            interpreter = _text(image, start)
        if segment_kind == PT_DYNAMIC:
            entries = list(DYNAMIC_ENTRY.iter_unpack(image[start : start + length]))
            end = next(i for i, entry in enumerate(entries) if entry[0] == DT_NULL)
            tags = entries[:end]
            names = _file_offset(dict(tags).get(DT_STRTAB, 0), segments)
            needed = [_text(image, names + value) for tag, value in tags if tag == DT_NEEDED]
            run_paths = [
                folder
                for tag, value in tags
                if tag in (DT_RPATH, DT_RUNPATH)
                for folder in _text(image, names + value).split(":")
            ]
    return Elf(needed=tuple(needed), interpreter=interpreter, run_paths=tuple(run_paths))


def _text(image: bytes, start: int) -> str:
    return image[start : image.index(b"\0", start)].decode()


def _file_offset(address: int, segments: list[tuple[int, ...]]) -> int:
    for kind, _, start, virtual, _, length, _, _ in segments:
        if kind == PT_LOAD and virtual <= address < virtual + length:
            return start + address - virtual
    raise ValueError
