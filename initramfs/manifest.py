"""manifest.json: what a ramdisk was made of, enough to make the same one again."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from initramfs.errors import BuildError
from initramfs.packages import Artifact, sha256_of

FILE = "manifest.json"
FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Result:
    sha256: str
    size_bytes: int


def result_of(path: Path) -> Result:
    return Result(sha256=sha256_of(path), size_bytes=path.stat().st_size)


@dataclass(frozen=True, kw_only=True)
class Manifest:
    inputs_sha256: str
    """Of everything that went in: packages, our own files, options."""
    kernel: str | None
    """Release, as `uname -r` says; None without modules."""
    packages: Sequence[Artifact]
    """The .debs, those of the build itself (compressor, strip) as well."""
    wheels: Sequence[Artifact]
    installer: Result | None = None
    """The program of `--installer`, as it is in the ramdisk."""
    results: Mapping[str, Result]
    """By file name."""

    def write(self, folder: Path) -> None:
        fields = {"format": FORMAT} | dataclasses.asdict(self)
        (folder / FILE).write_text(json.dumps(fields, indent=1) + "\n")

    def is_met(self, folder: Path) -> bool:
        """Whether `folder` has all results with the right bytes."""
        return all(
            (folder / name).is_file() and result_of(folder / name) == result
            for name, result in self.results.items()
        )


def read(path: Path) -> Manifest:
    """Raises BuildError for what `write` has not written."""
    try:
        fields: dict[str, Any] = json.loads(path.read_text())
        if fields.pop("format") != FORMAT:
            raise BuildError(f"{path}: of another version of this program")
        return Manifest(
            inputs_sha256=fields["inputs_sha256"],
            kernel=fields["kernel"],
            packages=[Artifact(**entry) for entry in fields["packages"]],
            wheels=[Artifact(**entry) for entry in fields["wheels"]],
            installer=Result(**fields["installer"]) if fields.get("installer") else None,
            results={name: Result(**entry) for name, entry in fields["results"].items()},
        )
    except OSError as error:
        raise BuildError(f"{path}: {error.strerror}") from None
    except (KeyError, TypeError, ValueError) as error:
        raise BuildError(f"{path}: not a manifest of a ramdisk: {error}") from None
