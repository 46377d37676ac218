"""Where a build takes its packages from: the archives of today, or a manifest."""

import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from initramfs import contents, packages, wheels
from initramfs.manifest import Manifest
from initramfs.packages import Artifact

LOCK = Path(__file__).resolve().parent / "requirements.lock"


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Packages and wheels, all of them verified, in one folder."""

    folder: Path
    debs: Sequence[Artifact]
    wheels: Sequence[Artifact]


def current(
    kernel_package: str | None, *, ssh: bool, cache: Path, say: Callable[[str], None]
) -> Sources:
    """What the archives offer today, downloaded where it is not there already."""
    folder = cache / "packages"
    kernel = () if kernel_package is None else (kernel_package,)
    more = contents.SSH_PACKAGES if ssh else ()
    roots = (*kernel, *contents.PACKAGES, *more, *contents.BUILD_PACKAGES)
    debs = packages.resolve(roots, cache=cache)
    say(f"{len(debs)} packages, those they depend on included")
    packages.download(debs, folder=folder)
    locked = _locked_wheels(cache, folder=folder)
    say(f"{len(locked)} wheels; all packages have the SHA256 they should have")
    return Sources(folder=folder, debs=debs, wheels=locked)


def recorded(listed: Manifest, *, folder: Path) -> Sources:
    """What a manifest lists, out of `folder`. Raises BuildError if anything of it is missing."""
    packages.verify([*listed.packages, *listed.wheels], folder=folder)
    return Sources(folder=folder, debs=listed.packages, wheels=listed.wheels)


def _locked_wheels(cache: Path, *, folder: Path) -> list[Artifact]:
    """The wheels of the lock; asks the index only when the lock has changed."""
    listed = cache / f"wheels-{packages.sha256_of(LOCK)}.json"
    if listed.exists():
        known = [Artifact(**entry) for entry in json.loads(listed.read_text())]
        if all((folder / wheel.file).exists() for wheel in known):
            packages.verify(known, folder=folder)
            return known
    fresh = cache / "wheels.new"
    packages.remove(fresh)
    fresh.mkdir()
    found = wheels.download(LOCK, folder=fresh)
    for wheel in found:
        (fresh / wheel.file).replace(folder / wheel.file)
    fresh.rmdir()
    listed.write_text(json.dumps([dataclasses.asdict(wheel) for wheel in found]))
    return found
