"""Debian packages: which ones, the right bytes of them, and what is in them."""

import hashlib
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from initramfs.errors import BuildError, refuse_missing
from initramfs.programs import environment, run

# /bin and the like are links since Debian 12 ("merged /usr"). The packages
# still bring files below /bin, so that the links must be there first.
MERGED = ("bin", "sbin", "lib", "lib64")

URI = re.compile(r"'(?P<url>[^']+)' (?P<file>\S+) \d+ SHA256:(?P<sha256>[0-9a-f]{64})")


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """One package, a .deb or a wheel."""

    name: str
    version: str
    file: str
    sha256: str


def resolve(roots: Sequence[str], *, cache: Path) -> list[Artifact]:
    """The packages `roots` and all they depend on, as apt's own solver picks them today.

    Against an empty status, or what the build machine has installed would be
    left out; with a private archive, or what it has downloaded would be.
    """
    archives, status = cache / "apt", cache / "apt" / "status"
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    status.write_bytes(b"")
    said = run(
        "apt-get",
        "-qq",
        "--yes",
        "--no-install-recommends",
        "--print-uris",
        *("-o", f"Dir::State::status={status.resolve()}"),
        *("-o", f"Dir::Cache::archives={archives.resolve()}"),
        *("-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="),
        *("-o", "Acquire::ForceHash=SHA256"),  # apt prints MD5 otherwise
        "install",
        *roots,
    )
    found = [_artifact(line) for line in said.splitlines()]
    if not found:
        raise BuildError("apt-get resolved to no package at all; has `apt-get update` been run?")
    return sorted(found, key=lambda artifact: artifact.name)


def _artifact(line: str) -> Artifact:
    match = URI.fullmatch(line.strip())
    if not match:
        raise BuildError(f"apt-get printed a line that is no package with a SHA256: {line}")
    name, version, _ = unquote(match["file"]).removesuffix(".deb").split("_")
    return Artifact(name=name, version=version, file=match["file"], sha256=match["sha256"])


def download(wanted: Sequence[Artifact], *, folder: Path) -> None:
    """Have all of `wanted` in `folder`; what is there with the right bytes stays."""
    folder.mkdir(parents=True, exist_ok=True)
    absent = [a for a in wanted if not _is_intact(folder / a.file, a.sha256)]
    for artifact in absent:
        (folder / artifact.file).unlink(missing_ok=True)
    if absent:
        names = [f"{artifact.name}={artifact.version}" for artifact in absent]
        # As root, apt downloads as the user _apt, who may not write here.
        run("apt-get", "-qq", "-o", "APT::Sandbox::User=", "download", *names, cwd=folder)
    verify(wanted, folder=folder)


def verify(wanted: Sequence[Artifact], *, folder: Path) -> None:
    """Raise BuildError unless `folder` has every one of `wanted`, byte for byte."""
    refuse_missing(
        f"not in {folder}, or with another SHA256 than recorded",
        (a.file for a in wanted if not _is_intact(folder / a.file, a.sha256)),
    )


def _is_intact(path: Path, sha256: str) -> bool:
    return path.is_file() and sha256_of(path) == sha256


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def extract(debs: Sequence[Artifact], *, folder: Path, root: Path) -> None:
    """Unpack into the new directory `root`. No script of a package runs."""
    for name in MERGED:
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    for deb in debs:
        _extract(folder / deb.file, root)


def _extract(deb: Path, root: Path) -> None:
    tar = ["tar", "-C", str(root), "--keep-directory-symlink", "--no-same-owner", "-xf", "-"]
    with subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE, env=environment()
    ) as source:
        unpacked = subprocess.run(tar, stdin=source.stdout, env=environment(), check=False)
        assert source.stdout is not None
        source.stdout.close()
    if unpacked.returncode or source.returncode:
        raise BuildError(f"{deb}: cannot be unpacked")


def remove(path: Path) -> None:
    """Remove a directory that may hold folders without write permission, if it is there."""
    if path.exists():
        for folder in [path, *path.rglob("*")]:
            if folder.is_dir() and not folder.is_symlink():
                folder.chmod(0o755)
        shutil.rmtree(path)
