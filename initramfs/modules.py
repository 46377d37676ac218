"""Which kernel modules go into the ramdisk, and their indexes."""

import fnmatch
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from initramfs.errors import BuildError, refuse_missing
from initramfs.programs import Toolbox

FOLDER = "usr/lib/modules"
# What depmod reads besides the modules themselves.
LISTS = ("modules.builtin", "modules.builtin.modinfo", "modules.order")


def release_of(root: Path) -> str:
    """The release (`uname -r`) of the one kernel below `root`."""
    found = sorted(path.name for path in (root / FOLDER).glob("*"))
    if len(found) != 1:
        raise BuildError(f"{root / FOLDER} holds {len(found)} kernels, and not one: {found}")
    return found[0]


def globs_of(text: str) -> list[str]:
    """The patterns of the file `modules`: one a line, `#` begins a comment."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def dependencies_of(text: str) -> dict[str, list[str]]:
    """What each module of a modules.dep needs (modules.dep(5))."""
    pairs = (line.partition(":") for line in text.splitlines())
    return {module: needed.split() for module, _, needed in pairs}


def chosen(
    globs: Iterable[str], *, dependencies: Mapping[str, Iterable[str]], builtin: Iterable[str]
) -> list[str]:
    """The modules that match, with all they need, sorted.

    A pattern with a slash is one of paths below kernel/, without .ko; any other
    is one of names. `-` and `_` are the same. Raises BuildError for patterns
    that match nothing, not even something that is built into the kernel.
    """
    wanted: set[str] = set()
    unmatched = []
    built_in = set(builtin)
    for glob in globs:
        matching = {
            module for module in {*dependencies, *built_in} if _matches(_spelled(module), glob)
        }
        if not matching:
            unmatched.append(glob)
        wanted |= matching - built_in
    refuse_missing("patterns that match no module of this kernel", unmatched)
    return sorted(_closure(wanted, dependencies))


def _matches(module: str, glob: str) -> bool:
    subject = module if "/" in glob else module.rpartition("/")[2]
    return fnmatch.fnmatchcase(subject, _spelled(glob))


def _spelled(module: str) -> str:
    return module.removeprefix("kernel/").removesuffix(".ko").replace("-", "_")


def _closure(wanted: Iterable[str], dependencies: Mapping[str, Iterable[str]]) -> set[str]:
    found: set[str] = set()
    pending = list(wanted)
    while pending:
        module = pending.pop()
        if module not in found:
            found.add(module)
            pending.extend(dependencies[module])
    return found


def depmod(toolbox: Toolbox, *, folder: Path, release: str) -> None:
    """Write the indexes of all modules that lie below `folder`."""
    toolbox.run("usr/bin/kmod", "--basedir", folder, release, called="depmod")


def install(toolbox: Toolbox, *, tree: Path, globs: Iterable[str]) -> int:
    """Copy the chosen modules into `tree`, with indexes of just them; return how many.

    Expects that `depmod` has been run over the unpacked packages.
    """
    release = release_of(toolbox.root)
    source, target = (base / FOLDER / release for base in (toolbox.root, tree))
    modules = chosen(
        globs,
        dependencies=dependencies_of((source / "modules.dep").read_text()),
        builtin=(source / "modules.builtin").read_text().split(),
    )
    for name in (*LISTS, *modules):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, target / name)
    depmod(toolbox, folder=tree, release=release)
    return len(modules)
