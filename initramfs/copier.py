"""Taking named files out of the unpacked packages, with every library they need."""

import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from initramfs import elf
from initramfs.errors import BuildError, refuse_missing
from initramfs.packages import MERGED
from initramfs.programs import LIBRARIES

LIBRARY_FOLDERS = (PurePosixPath(LIBRARIES), PurePosixPath("usr/lib"))


def canonical(path: str | PurePosixPath) -> PurePosixPath:
    """The one name of a path: relative to the root, below usr/ where /bin and /lib point."""
    parts = PurePosixPath(os.path.normpath(PurePosixPath("/") / path)).parts[1:]
    is_merged = bool(parts) and parts[0] in MERGED
    return PurePosixPath(*(("usr", *parts) if is_merged else parts))


@dataclass(frozen=True, kw_only=True)
class Copier:
    root: Path
    """Unpacked packages."""
    tree: Path
    """The ramdisk."""

    def copy(
        self,
        name: str | PurePosixPath,
        *,
        is_wanted: Callable[[PurePosixPath], bool] = lambda path: True,
    ) -> None:
        """Copy a file, a folder, or a link with what it points to.

        Raises BuildError when it is not there. What is in the tree already stays.
        """
        path = canonical(name)
        source, target = self.root / path, self.tree / path
        if not os.path.lexists(source):
            raise BuildError(f"/{path} is in none of the packages")
        if not is_wanted(path) or (os.path.lexists(target) and not source.is_dir()):
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink():
            points_to = source.readlink()
            target.symlink_to(points_to)
            self.copy(path.parent / points_to, is_wanted=is_wanted)
        elif source.is_dir():
            for child in sorted(source.iterdir()):
                self.copy(path / child.name, is_wanted=is_wanted)
        else:
            shutil.copyfile(source, target)
            target.chmod(0o755 if os.access(source, os.X_OK) else 0o644)

    def copy_programs(self, names: Iterable[str], *, folders: Iterable[str]) -> None:
        """Copy programs by name. Raises BuildError with all that no package has."""
        places = [PurePosixPath(folder) for folder in folders]
        missing = []
        for name in names:
            found = [place / name for place in places if os.path.lexists(self.root / place / name)]
            if found:
                self.copy(found[0])
            else:
                missing.append(name)
        refuse_missing("programs that are in none of the packages", missing)

    def copy_libraries(self) -> None:
        """Copy what the ELF files of the tree ask for, and what that asks for, to the end.

        What no package has is left to `missing_libraries` to tell.
        """
        pending = list(_elf_files(self.tree))
        seen: set[PurePosixPath] = set()
        while pending:
            path = pending.pop()
            if path in seen:
                continue
            seen.add(path)
            for name, folders in _asked_for(self.tree, path):
                for folder in folders:
                    if os.path.lexists(self.root / folder / name):
                        self.copy(folder / name)
                    if (self.tree / folder / name).exists():
                        pending.append(folder / name)
                        break


def missing_libraries(tree: Path) -> list[str]:
    """What ELF files of `tree` ask for and would not find, each with who asks."""
    return [
        f"{name}, for /{path}"
        for path in _elf_files(tree)
        for name, folders in _asked_for(tree, path)
        if not any(_lies_in(tree, folder / name) for folder in folders)
    ]


def missing_interpreters(tree: Path) -> list[str]:
    """Interpreters (`#!`) of executable scripts that are not in `tree`, each with who asks."""
    missing = []
    for path in _files(tree):
        with (tree / path).open("rb") as file:
            first = file.readline(256)
        if first.startswith(b"#!") and os.access(tree / path, os.X_OK):
            interpreter = first[2:].split()[0].decode()
            if not _lies_in(tree, canonical(interpreter)):
                missing.append(f"{interpreter}, for /{path}")
    return missing


def dangling_links(tree: Path) -> list[str]:
    """Links of `tree` that point to nothing; what is mounted at run time is left out."""
    found = []
    for link in sorted(path for path in tree.rglob("*") if path.is_symlink()):
        path = PurePosixPath(link.relative_to(tree))
        target = canonical(path.parent / link.readlink())
        if target.parts[:1] not in (("proc",), ("run",)) and not _lies_in(tree, target):
            found.append(f"/{path} -> {link.readlink()}")
    return found


def _asked_for(tree: Path, path: PurePosixPath) -> list[tuple[str, list[PurePosixPath]]]:
    """The libraries of one ELF file: name, and folders in the order of the loader (ld.so(8))."""
    asks = elf.read(tree / path)
    own = [canonical(folder) for folder in asks.folders(PurePosixPath("/") / path)]
    wanted = [(name, [*own, *LIBRARY_FOLDERS]) for name in asks.needed]
    if asks.interpreter:
        loader = canonical(asks.interpreter)
        wanted.append((loader.name, [loader.parent]))
    return wanted


def _lies_in(tree: Path, path: PurePosixPath) -> bool:
    """Whether `path` is in the tree, links followed as they will be after the boot."""
    for _ in range(40):  # the kernel's limit of links, path_resolution(7)
        found = tree / path
        if not found.is_symlink():
            return found.exists()
        path = canonical(path.parent / found.readlink())
    return False


def _elf_files(tree: Path) -> list[PurePosixPath]:
    """Programs and libraries; kernel modules ask for no library."""
    return [path for path in _files(tree) if path.suffix != ".ko" and elf.is_elf(tree / path)]


def _files(tree: Path) -> list[PurePosixPath]:
    return [
        PurePosixPath(path.relative_to(tree))
        for path in sorted(tree.rglob("*"))
        if path.is_file() and not path.is_symlink()
    ]
