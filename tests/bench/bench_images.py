"""The images that bench_stream.py unpacks: made once, from this machine's /usr, in build/bench."""

import contextlib
import hashlib
import os
import stat
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

WORK = Path("build/bench")
# Server images hold about 40 KB a member. At least so much of either, and at most so many members.
MEMBERS = 25_000
PLAIN_BYTES = 1_000_000_000
MEMBERS_MAX = 32_000

SMALL_FILES = 100_000
SMALL_BYTES = 1 << 10
FILES_PER_DIRECTORY = 100
LARGE_BYTES = 2 << 30


@dataclass(frozen=True, kw_only=True)
class Image:
    """An archive, packed and not packed, both in WORK."""

    name: str
    what: str
    limit: float
    """The time that it may take at most, as a part of that of the shell pipeline."""
    make: Callable[[Path], None]
    """Write the archive."""

    @property
    def plain(self) -> Path:
        return WORK / f"{self.name}.tar"

    @property
    def packed(self) -> Path:
        """Published with its MD5."""
        return WORK / f"{self.name}.tar.lz4"

    @property
    def packed_sha256(self) -> Path:
        """The same, published with its SHA-256."""
        return WORK / f"{self.name}-sha256.tar.lz4"


def made(image: Image) -> None:
    """Have the image in WORK, with its digests beside it."""
    if not image.packed.exists():
        print(f"making {image.packed}", flush=True)
        WORK.mkdir(parents=True, exist_ok=True)
        image.make(image.plain)
        partial = image.packed.with_suffix(".partial")
        subprocess.run(["lz4", "-9", "-q", "-f", str(image.plain), str(partial)], check=True)
        _publish_digest(partial, image.packed, "md5")
        partial.rename(image.packed)
    if not image.packed_sha256.exists():
        _publish_digest(image.packed, image.packed_sha256, "sha256")
        image.packed_sha256.hardlink_to(image.packed)


def _publish_digest(path: Path, published: Path, algorithm: str) -> None:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, algorithm).hexdigest()
    Path(f"{published}.{algorithm}").write_text(f"{digest}  {published.name}\n")


# --- a sample of /usr -----------------------------------------------------------------------


def _usr(archive: Path) -> None:
    listing = WORK / "usr.list"
    with contextlib.chdir("/"):
        sample = _sample()
    listing.write_bytes(b"\0".join(os.fsencode(path) for path in sample))
    tar = ["tar", "-c", "--xattrs", "--numeric-owner", "--no-recursion", "--null"]
    where = ["-f", str(archive.resolve()), "-C", "/", "-T", str(listing.resolve())]
    subprocess.run([*tar, *where], check=True)
    if archive.stat().st_size < PLAIN_BYTES or len(sample) < MEMBERS:
        sys.exit(f"/usr holds no {MEMBERS} files of {PLAIN_BYTES} bytes together")


def _sample() -> list[str]:
    """Whole directories of /usr by the hash of their path, in the order in which tar walks."""
    directories = [
        (hashlib.md5(os.fsencode(directory)).digest(), directory, [*names, *files])
        for directory, names, files in os.walk("usr")
    ]
    chosen: set[str] = set()
    total = 0
    for _hash, directory, names in sorted(directories):
        paths = [f"{directory}/{name}" for name in names]
        sizes = [
            status.st_size for path in paths if stat.S_ISREG((status := os.lstat(path)).st_mode)
        ]
        if len(chosen) >= MEMBERS and total >= PLAIN_BYTES:
            break
        if len(chosen) + len(paths) > MEMBERS_MAX or total + sum(sizes) > PLAIN_BYTES * 1.05:
            continue
        chosen.update(
            paths, (str(parent) for parent in list(Path(paths[0]).parents)[:-1]) if paths else ()
        )
        total += sum(sizes)
    return sorted(chosen, key=lambda path: path.split("/"))


# --- pieces of that sample -------------------------------------------------------------------


class _Again:
    """The archive of the sample as endless data, from its beginning again after its end."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size_bytes: int) -> bytes:
        data = self._file.read(size_bytes)
        if len(data) < size_bytes:
            self._file.seek(0)
            data += self._file.read(size_bytes - len(data))
        return data


def _small(archive: Path) -> None:
    directories = {
        number: f"var/lib/{number // FILES_PER_DIRECTORY:04}" for number in range(SMALL_FILES)
    }
    with tarfile.open(archive, "w") as tar, USR.plain.open("rb") as sample:
        _add_directories(tar)
        for number, directory in directories.items():
            if number % FILES_PER_DIRECTORY == 0:
                _add(tar, directory, tarfile.DIRTYPE, 0o755)
            _add(tar, f"{directory}/{number:06}", tarfile.REGTYPE, 0o644, SMALL_BYTES, sample)


def _large(archive: Path) -> None:
    with tarfile.open(archive, "w") as tar, USR.plain.open("rb") as sample:
        _add_directories(tar)
        _add(tar, "var/lib/large", tarfile.REGTYPE, 0o644, LARGE_BYTES, sample)


def _add_directories(tar: tarfile.TarFile) -> None:
    for name in ("var", "var/lib"):
        _add(tar, name, tarfile.DIRTYPE, 0o755)


def _add(
    tar: tarfile.TarFile,
    name: str,
    type: bytes,
    mode: int,
    size_bytes: int = 0,
    sample: BinaryIO | None = None,
) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.size, info.mtime = type, mode, size_bytes, 1_700_000_000
    tar.addfile(info, _Again(sample) if sample else None)  # type: ignore[arg-type]


USR = Image(
    name="usr",
    what="a sample of /usr, 1 GB in 30 000 members",
    limit=0.50,
    make=_usr,
)
SMALL = Image(name="small", what="100 000 files of 1 KiB", limit=0.60, make=_small)
LARGE = Image(name="large", what="one file of 2 GiB", limit=0.70, make=_large)
IMAGES = (USR, SMALL, LARGE)
