"""The ramdisk as a directory: everything put in its place, and proved to be complete."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from initramfs import contents, cpio, modules, python, wheels
from initramfs.copier import (
    Copier,
    dangling_links,
    missing_interpreters,
    missing_libraries,
)
from initramfs.errors import BuildError, refuse_missing
from initramfs.packages import MERGED
from initramfs.programs import Toolbox

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent
AGENT = ("contract", "hammer")

# The kernel opens /dev/console for init before anything could mount devtmpfs.
DEVICES = (
    cpio.Entry(name="dev/console", mode=0o020600, device=(5, 1)),
    cpio.Entry(name="dev/null", mode=0o020666, device=(1, 3)),
)


def make(
    tree: Path,
    *,
    root: Path,
    wheel_files: Sequence[Path],
    module_globs: Sequence[str] | None,
    ssh: bool,
    say: Callable[[str], None],
) -> None:
    """Make the directory `tree` from packages unpacked at `root`.

    No modules for `module_globs=None`, a server with `ssh`. Raises BuildError when anything is
    missing, named or asked for by another file.
    """
    toolbox, copier = Toolbox(root=root), Copier(root=root, tree=tree)
    _lay_out(tree)
    copier.copy_programs(contents.PROGRAMS, folders=contents.PROGRAM_FOLDERS)
    for name in contents.FILES:
        copier.copy(name)
    if ssh:
        copier.copy_programs(contents.SSH_PROGRAMS, folders=contents.PROGRAM_FOLDERS)
        _install("profile", tree / "etc/profile", mode=0o644)
    _install_busybox(copier, toolbox)
    _install_certificates(root, tree)
    _install_python(copier, toolbox, wheel_files)
    if module_globs is not None:
        count = modules.install(toolbox, tree=tree, globs=module_globs)
        say(f"{count} kernel modules")
    copier.copy_libraries()
    python.library_cache(tree)
    _check(tree)
    say("trying the imports of the agent")
    python.try_imports(tree, contents.IMPORT_TEST + _imports_of_agent(tree), say=say)


def entries(tree: Path) -> Iterator[cpio.Entry]:
    """Everything of the ramdisk, in the order of the archive."""
    for entry in cpio.entries_of(tree):
        yield entry
        if entry.name == "dev":
            yield from DEVICES


def _lay_out(tree: Path) -> None:
    for name in MERGED:
        (tree / "usr" / name).mkdir(parents=True)
        (tree / name).symlink_to(f"usr/{name}")
    for name in contents.FOLDERS:
        (tree / name).mkdir(parents=True)
    for name, target in contents.LINKS.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).symlink_to(target)
    for name, text in contents.TEXTS.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    _install("init", tree / "init", mode=0o755)
    _install("udhcpc-script", tree / "usr/share/udhcpc/default.script", mode=0o755)
    _install("shell", tree / "usr/libexec/hammer-shell", mode=0o755)
    _install("shellrc", tree / "etc/hammer/shellrc", mode=0o644)
    _install("help", tree / "usr/share/hammer/help", mode=0o644)


def _install(name: str, target: Path, *, mode: int) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(HERE / name, target)
    target.chmod(mode)


def _install_busybox(copier: Copier, toolbox: Toolbox) -> None:
    """Links for all applets that are no program of their own, those of the shell included."""
    copier.copy("usr/bin/busybox")
    applets = toolbox.run("usr/bin/busybox", "--list").split()
    refuse_missing("applets that busybox lacks", set(contents.APPLETS_NEEDED) - set(applets))
    for name in applets:
        taken = any((copier.tree / folder / name).exists() for folder in contents.PROGRAM_FOLDERS)
        if not taken and name not in contents.APPLETS_UNWANTED:
            (copier.tree / "usr/bin" / name).symlink_to("busybox")


def _install_certificates(root: Path, tree: Path) -> None:
    found = sorted((root / contents.CERTIFICATES).glob("*.crt"))
    if not found:
        raise BuildError(f"no certificate in /{contents.CERTIFICATES} of the packages")
    bundle = tree / contents.CERTIFICATE_BUNDLE
    bundle.parent.mkdir(parents=True, exist_ok=True)
    bundle.write_bytes(b"".join(path.read_bytes() for path in found))


def _install_python(copier: Copier, toolbox: Toolbox, wheel_files: Sequence[Path]) -> None:
    packages = copier.tree / python.PACKAGES
    packages.mkdir(parents=True)
    python.install_stdlib(copier, unwanted=contents.STDLIB_UNWANTED)
    wheels.unpack(wheel_files, packages=packages, unwanted=contents.WHEEL_UNWANTED)
    wheels.strip(toolbox, packages=packages)
    python.install_agent(REPOSITORY, copier.tree, AGENT, unwanted=contents.AGENT_UNWANTED)
    python.compile_all(toolbox, copier.tree)


def _imports_of_agent(tree: Path) -> str:
    packages = tree / python.PACKAGES
    names = [
        ".".join(path.relative_to(packages).with_suffix("").parts)
        for package in AGENT
        for path in sorted((packages / package).rglob("*.py"))
    ]
    return "".join(f"import {name.removesuffix('.__init__')}\n" for name in names)


def _check(tree: Path) -> None:
    refuse_missing("libraries that are in none of the packages", missing_libraries(tree))
    refuse_missing("interpreters that are not in the ramdisk", missing_interpreters(tree))
    refuse_missing("links that point to nothing", dangling_links(tree))
