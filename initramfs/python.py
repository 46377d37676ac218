"""The ramdisk's Python: interpreter, a smaller standard library, wheels, and the agent."""

import fnmatch
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from initramfs.copier import Copier
from initramfs.errors import BuildError
from initramfs.programs import LIBRARIES, Toolbox, run

INTERPRETER = "usr/bin/python3.11"
STDLIB = "usr/lib/python3.11"
PACKAGES = "usr/lib/python3/dist-packages"
LAUNCHER = """\
#!/usr/bin/python3 -I
import sys
from {package}.__main__ import main
sys.exit(main())
"""

# As root in the tree, with the devices of this machine: /dev/null is asked for.
# The mount is seen by this command alone and ends with it.
CHROOT = 'mount --rbind /dev "$0/dev" && exec chroot "$0" /usr/bin/python3 -I -c "$1"'


def install_stdlib(copier: Copier, *, unwanted: Sequence[str]) -> None:
    """Copy the standard library without what matches `unwanted`, by name."""

    def is_wanted(path: PurePosixPath) -> bool:
        return not any(fnmatch.fnmatchcase(path.name, pattern) for pattern in unwanted)

    copier.copy(STDLIB, is_wanted=is_wanted)


def install_agent(
    repository: Path, tree: Path, names: Sequence[str], *, unwanted: Sequence[str]
) -> None:
    """Copy our own packages, with a command of the same name each."""
    for name in names:
        shutil.copytree(
            repository / name,
            tree / PACKAGES / name,
            ignore=shutil.ignore_patterns("__pycache__", "*.pyc", *unwanted),
        )
        launcher = tree / "usr/bin" / name
        launcher.write_text(LAUNCHER.format(package=name))
        launcher.chmod(0o755)


def compile_all(toolbox: Toolbox, tree: Path) -> None:
    """Compile everything; the source stays, for tracebacks that show lines.

    Compiled beforehand it starts in a third of the time. The file times of the
    ramdisk say nothing, so that the interpreter is told not to compare them.
    """
    toolbox.run(
        INTERPRETER,
        *("-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"),
        *("-s", tree, "-p", "/", tree / STDLIB, tree / PACKAGES),
    )


def try_imports(tree: Path, program: str, *, say: Callable[[str], None]) -> None:
    """Run `program` by the Python of the ramdisk, in a chroot. Raises BuildError.

    Needs root or user namespaces; where there is neither, the libraries of
    the tree are used from outside of it, which could find one of this machine
    that the ramdisk lacks. Only those loaded by name, though: the others are checked.
    """
    namespaces = ["unshare", "--mount"]
    if os.geteuid():
        namespaces += ["--user", "--map-root-user"]
    try:
        run(*namespaces, "true")
    except BuildError:
        say("no chroot here: trying the imports from outside of the ramdisk")
        Toolbox(root=tree).run(INTERPRETER, "-I", "-c", program)
        return
    run(*namespaces, "sh", "-c", CHROOT, tree, program)


def library_cache(tree: Path) -> None:
    """Write /etc/ld.so.cache, for the loader and for ctypes.util.find_library."""
    # Linked statically, so that it runs on any machine; -r needs no root.
    (tree / "etc/ld.so.conf").write_text(f"/{LIBRARIES}\n")
    run(tree / "usr/sbin/ldconfig", "-X", "-r", tree)
