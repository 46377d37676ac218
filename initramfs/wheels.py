"""The agent's Python dependencies: locked wheels, unpacked and made small."""

import fnmatch
import re
import sys
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from initramfs.errors import BuildError
from initramfs.packages import Artifact, sha256_of
from initramfs.programs import Toolbox, run

# PEP 427: {name}-{version}(-{build})?-{python}-{abi}-{platform}.whl
NAME = re.compile(r"(?P<name>[^-]+)-(?P<version>[^-]+)-.*\.whl")
PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_28_x86_64", "manylinux_2_17_x86_64")
PYTHON = "3.11"


def download(lock: Path, *, folder: Path) -> list[Artifact]:
    """Fetch into the empty `folder` what `lock` names, for the ramdisk's Python.

    pip compares the hashes of the lock; one that is not listed ends the build.
    """
    platforms = [argument for name in PLATFORMS for argument in ("--platform", name)]
    run(
        *(sys.executable, "-m", "pip", "--quiet", "download", "--require-hashes", "--no-deps"),
        *("--only-binary=:all:", "--implementation", "cp", "--python-version", PYTHON),
        *platforms,
        *("--dest", folder, "--requirement", lock),
    )
    return [artifact_of(path) for path in sorted(folder.glob("*.whl"))]


def artifact_of(wheel: Path) -> Artifact:
    match = NAME.fullmatch(wheel.name)
    if not match:
        raise BuildError(f"{wheel.name} is not the name of a wheel")
    return Artifact(
        name=match["name"], version=match["version"], file=wheel.name, sha256=sha256_of(wheel)
    )


def unpack(wheels: Iterable[Path], *, packages: Path, unwanted: Sequence[str]) -> None:
    """Unpack the importable part of `wheels` into the directory `packages`.

    Names that match a pattern of `unwanted` stay out, and so do the metadata:
    nothing of the agent asks for versions or entry points at run time.
    """
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for name in sorted(archive.namelist()):
                if not name.endswith("/") and _is_wanted(name, unwanted):
                    target = packages / name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(archive.read(name))


def _is_wanted(name: str, unwanted: Sequence[str]) -> bool:
    top = PurePosixPath(name).parts[0]
    if top.endswith(".data"):
        return False  # scripts and headers
    return not top.endswith(".dist-info") and not any(
        fnmatch.fnmatchcase(name, pattern) for pattern in unwanted
    )


def strip(toolbox: Toolbox, *, packages: Path) -> None:
    """Remove debug information: some wheels carry more of it than of code."""
    libraries = [path for path in sorted(packages.rglob("*.so*")) if path.is_file()]
    toolbox.run("usr/bin/x86_64-linux-gnu-strip", "--strip-unneeded", *libraries)
