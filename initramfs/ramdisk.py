"""The command `initramfs/build`: from a list of packages to a kernel and its ramdisk."""

import argparse
import contextlib
import fcntl
import hashlib
import os
import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from hammer.cmdline import EMBEDDED_SPEC
from hammer.host.carried import CARRIED_INSTALLER
from initramfs import cpio, installer, manifest, modules, packages, tree
from initramfs import sources as sources_of
from initramfs.errors import BuildError
from initramfs.manifest import Manifest, result_of
from initramfs.overlay import overlay
from initramfs.programs import Toolbox
from initramfs.sources import Sources

KERNEL = "vmlinuz"

# lz4: the legacy frame (-l) is the only one that the kernel reads.
# zstd: its output does not depend on the number of threads.
COMPRESSORS = {
    "lz4": ("lz4", ("-9", "-l", "-q", "-f")),
    "zstd": ("zst", ("-19", "-T0", "-q", "-f")),
}

# 650 MB each. Two, so that builds with and without modules can take turns.
ROOTS_KEPT = 2

# Of every file in the archive. Not 0, which looks like a fault in `ls -l`.
MTIME_S = 1_700_000_000


def main() -> int:
    """The exit status: 0 built, 1 not, and stderr says why."""
    options = _parser().parse_args()
    try:
        with _locked(options.cache):
            _build(options)
    except (BuildError, OSError) as error:
        print(f"initramfs/build: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="initramfs/build",
        description="Build kernel and ramdisk. The same inputs give the same bytes.",
    )
    parser.add_argument("--out", type=Path, default=Path("build/ramdisk"), metavar="DIR")
    parser.add_argument("--cache", type=Path, default=Path("build/ramdisk-cache"), metavar="DIR")
    parser.add_argument("--compress", choices=sorted(COMPRESSORS), default="lz4")
    parser.add_argument("--kernel-package", default="linux-image-amd64", metavar="NAME")
    parser.add_argument(
        "--modules",
        type=Path,
        default=tree.HERE / "modules",
        metavar="FILE",
        help="patterns of kernel modules (default: initramfs/modules)",
    )
    parser.add_argument(
        "--no-modules", action="store_true", help="for a kernel of your own that needs none"
    )
    parser.add_argument(
        "--machine", type=Path, metavar="FILE", help=f"machine document, becomes {EMBEDDED_SPEC}"
    )
    parser.add_argument(
        "--installer",
        type=Path,
        metavar="FILE",
        help=f"program that installs images without an installer, becomes {CARRIED_INSTALLER}",
    )
    parser.add_argument(
        "--ssh",
        action="store_true",
        help="with an SSH server, dropbear; hammer.ssh_key= says at boot who may log in",
    )
    parser.add_argument(
        "--manifest", type=Path, metavar="FILE", help="build from what another build recorded"
    )
    parser.add_argument(
        "--packages", type=Path, metavar="DIR", help="the .debs and wheels of --manifest"
    )
    return parser


@contextlib.contextmanager
def _locked(cache: Path) -> Iterator[None]:
    """Hold the cache for us alone; a second build waits."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(options: argparse.Namespace) -> None:
    say = _teller()
    if options.installer:
        installer.check(options.installer)
    sources = _sources(options, say)
    suffix, _ = COMPRESSORS[options.compress]
    initrd = f"initrd.cpio.{suffix}"
    inputs_sha256 = _inputs_sha256(options, sources)
    if _is_built(options.out, initrd, inputs_sha256):
        say(f"nothing has changed: {options.out / initrd} stays")
        _summarise(manifest.read(options.out / manifest.FILE))
        return
    root = _unpacked(sources, cache=options.cache.resolve(), say=say)
    base = _archive(options, root=root, sources=sources, say=say)
    options.out.mkdir(parents=True, exist_ok=True)
    # From here on a manifest of before would be one of other files.
    (options.out / manifest.FILE).unlink(missing_ok=True)
    _install_results(options, base=base, root=root, initrd=initrd)
    names = [initrd] if options.no_modules else [KERNEL, initrd]
    made = Manifest(
        inputs_sha256=inputs_sha256,
        kernel=None if options.no_modules else modules.release_of(root),
        packages=sources.debs,
        wheels=sources.wheels,
        installer=result_of(options.installer) if options.installer else None,
        results={name: result_of(options.out / name) for name in names},
    )
    made.write(options.out)
    say(f"done: {options.out}")
    _summarise(made)


def _teller() -> Callable[[str], None]:
    began_s = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began_s:6.1f} s  {text}", flush=True)

    return say


def _sources(options: argparse.Namespace, say: Callable[[str], None]) -> Sources:
    if options.manifest is None:
        kernel_package = None if options.no_modules else options.kernel_package
        return sources_of.current(kernel_package, ssh=options.ssh, cache=options.cache, say=say)
    if options.packages is None:
        raise BuildError("--manifest needs --packages: a folder with what it lists")
    return sources_of.recorded(manifest.read(options.manifest), folder=options.packages)


def _inputs_sha256(options: argparse.Namespace, sources: Sources) -> str:
    """One digest of everything that can change the result."""
    files = [
        path
        for name in (*tree.AGENT, tree.HERE.name)
        for path in sorted((tree.REPOSITORY / name).rglob("*"))
        if path.is_file() and path.suffix != ".pyc"
    ]
    files += [path for path in (options.modules, options.machine) if path]
    digest = hashlib.sha256()
    for artifact in (*sources.debs, *sources.wheels):
        digest.update(f"{artifact.file} {artifact.sha256}\n".encode())
    if options.installer:
        digest.update(f"installer {packages.sha256_of(options.installer)}\n".encode())
    for path in files:
        name = os.path.relpath(path.resolve(), tree.REPOSITORY)
        name = path.name if name.startswith("..") else name
        digest.update(f"{name} {packages.sha256_of(path)}\n".encode())
    digest.update(f"{options.compress} {options.no_modules} {options.ssh}\n".encode())
    return digest.hexdigest()


def _is_built(out: Path, initrd: str, inputs_sha256: str) -> bool:
    try:
        before = manifest.read(out / manifest.FILE)
    except BuildError:
        return False
    return before.inputs_sha256 == inputs_sha256 and initrd in before.results and before.is_met(out)


def _unpacked(sources: Sources, *, cache: Path, say: Callable[[str], None]) -> Path:
    """A directory with all packages unpacked; kept for the next build."""
    key = hashlib.sha256("".join(deb.sha256 for deb in sources.debs).encode()).hexdigest()
    root = cache / f"root-{key[:16]}"
    if not root.exists():
        before = sorted(cache.glob("root-*"), key=lambda path: path.stat().st_mtime)
        for old in before[: 1 - ROOTS_KEPT]:
            packages.remove(old)
        fresh = cache / "unpacking"
        packages.remove(fresh)  # of a build that was interrupted
        packages.extract(sources.debs, folder=sources.folder, root=fresh)
        if (fresh / modules.FOLDER).exists():
            release = modules.release_of(fresh)
            modules.depmod(Toolbox(root=fresh), folder=fresh, release=release)
        fresh.replace(root)
        say("packages are unpacked")
    os.utime(root)
    return root


def _archive(
    options: argparse.Namespace, *, root: Path, sources: Sources, say: Callable[[str], None]
) -> Path:
    """The ramdisk, compressed, in the cache."""
    cache: Path = options.cache.resolve()
    made = cache / "tree"
    packages.remove(made)
    made.mkdir()
    globs = None if options.no_modules else modules.globs_of(options.modules.read_text())
    tree.make(
        made,
        root=root,
        wheel_files=[sources.folder / wheel.file for wheel in sources.wheels],
        module_globs=globs,
        ssh=options.ssh,
        say=say,
    )
    archive, packed = cache / "initrd.cpio", cache / "initrd.cpio.packed"
    with archive.open("wb") as file:
        cpio.write(file, tree.entries(made), mtime_s=MTIME_S)
    say(f"the tree is complete: {archive.stat().st_size / 2**20:.1f} MiB, packing")
    _, arguments = COMPRESSORS[options.compress]
    output = ("-o", packed) if options.compress == "zstd" else (packed,)
    Toolbox(root=root).run(f"usr/bin/{options.compress}", *arguments, archive, *output)
    archive.unlink()
    return packed


def _install_results(options: argparse.Namespace, *, base: Path, root: Path, initrd: str) -> None:
    """Put kernel and ramdisk in place, each in one move."""
    fresh = options.out / f"{initrd}.new"
    added: dict[str, tuple[bytes, int]] = {}
    if options.machine:
        fresh.unlink(missing_ok=True)
        fresh.touch(0o600)  # a machine document holds secrets
        added[EMBEDDED_SPEC] = (options.machine.read_bytes(), 0o600)
    if options.installer:
        added[str(CARRIED_INSTALLER)] = (options.installer.read_bytes(), 0o755)
    if added:
        overlay(base, fresh, added)
        base.unlink()
    else:
        shutil.move(base, fresh)
    fresh.replace(options.out / initrd)
    if not options.no_modules:
        kernel = root / "boot" / f"{KERNEL}-{modules.release_of(root)}"
        shutil.copyfile(kernel, options.out / f"{KERNEL}.new")
        (options.out / f"{KERNEL}.new").replace(options.out / KERNEL)


def _summarise(made: Manifest) -> None:
    artifacts = [*made.packages, *made.wheels]
    words = " ".join(f"{artifact.name}={artifact.version}" for artifact in artifacts)
    print(f"made from {len(made.packages)} packages and {len(made.wheels)} wheels:")
    print(
        textwrap.fill(
            words, 96, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
        )
    )
    print(f"all with their sha256 in {manifest.FILE}, kernel {made.kernel}")
    if made.installer:
        print(f"{CARRIED_INSTALLER} has sha256 {made.installer.sha256}")
    for name, result in made.results.items():
        print(f"{name:18} {result.size_bytes / 2**20:6.1f} MiB  sha256 {result.sha256}")
