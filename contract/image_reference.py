"""Image ids and their versions, as metal-api reads, orders and chooses them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

# Masterminds/semver v3, version.go: looseSemVerRegex. Parts may be missing, zeros may lead.
_IDENTIFIERS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_VERSION = re.compile(
    r"v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?"
    rf"(?:-({_IDENTIFIERS}))?"
    rf"(?:\+({_IDENTIFIERS}))?"
)
# What of an id a regular expression can tell: of the last hyphen on, it is a version.
ID_PATTERN = r"^[\s\S]*-v?[0-9]+(?:\.[0-9]+){0,2}(?:\+[0-9A-Za-z]+(?:\.[0-9A-Za-z]+)*)?$"
# The same file: MaxVersionLen, and uint64 for every number.
_MAX_CHARACTERS = 256
_MAX_NUMBER = 2**64 - 1

Precedence = tuple[int, int, int, bool, tuple[tuple[bool, int, str], ...]]


@dataclass(frozen=True)
class Version:
    """A version with three numbers; `12` and `v12.00` are 12.0.0."""

    major: int
    minor: int = 0
    patch: int = 0
    prerelease: str = ""
    metadata: str = ""

    @classmethod
    def parse(cls, text: str) -> "Version":
        """Lenient, as NewVersion of Masterminds/semver. Raises ValueError with the reason."""
        match = _VERSION.fullmatch(text) if len(text) <= _MAX_CHARACTERS else None
        if not match:
            raise ValueError("must have a version as 12, 12.0 or 12.0.20241118")
        # Python refuses to read numbers of thousands of digits; 256 are fine.
        major, minor, patch = (int(part or 0) for part in match.group(1, 2, 3))
        if max(major, minor, patch) > _MAX_NUMBER:
            raise ValueError("must have a version of numbers below 2^64")
        prerelease = match[4] or ""
        if any(_is_number(part) and part != str(int(part)) for part in prerelease.split(".")):
            raise ValueError("must have a version without leading zeros after the hyphen")
        return cls(major, minor, patch, prerelease, match[5] or "")

    @property
    def precedence(self) -> Precedence:
        """What versions are sorted by (semver.org, item 11); metadata does not count."""
        parts = self.prerelease.split(".") if self.prerelease else []
        return self.major, self.minor, self.patch, not parts, tuple(map(_precedence, parts))

    def __str__(self) -> str:
        text = f"{self.major}.{self.minor}.{self.patch}"
        text += f"-{self.prerelease}" if self.prerelease else ""
        return text + (f"+{self.metadata}" if self.metadata else "")


def _is_number(part: str) -> bool:
    return part.isdecimal() and part.isascii()


def _precedence(part: str) -> tuple[bool, int, str]:
    """Numbers come before words; one beyond uint64 is a word to Masterminds/semver."""
    number = _is_number(part) and int(part) <= _MAX_NUMBER
    return (False, int(part), "") if number else (True, 0, part)


@dataclass(frozen=True)
class ImageId:
    """`debian-12.0.20241118`: an operating system and a version."""

    text: str
    """As it was written."""
    os: str
    version: Version

    @classmethod
    def parse(cls, text: str) -> "ImageId":
        """The version is what follows the last hyphen. Raises ValueError with the reason."""
        os, hyphen, version = text.rpartition("-")
        if not hyphen:
            raise ValueError("must be an operating system and a version: debian-12.0.20241118")
        return cls(text, os, Version.parse(version))

    @property
    def is_exact(self) -> bool:
        """Whether it means one build. Builds are counted, mostly by date, from 1 on."""
        return self.version.patch > 0

    def means(self, other: "ImageId") -> bool:
        """Whether `other` is a candidate: the same version if this is exact, else its branch.

        metal-api, internal/datastore/image.go: `= version` if the patch is above 0, else
        `~ version`. debian-12 means 12.0.x and never 12.1.x.
        """
        wanted, found = self.version, other.version
        if self.os != other.os or (found.prerelease and not wanted.prerelease):
            return False
        if self.is_exact:
            return found.precedence == wanted.precedence
        if found.precedence < wanted.precedence:
            return False
        # Masterminds/semver, constraintTilde: ~0.0.0 takes every version.
        whatever = (wanted.major, wanted.minor) == (0, 0)
        return whatever or (found.major, found.minor) == (wanted.major, wanted.minor)


def most_recent(wanted: ImageId, ids: Iterable[ImageId]) -> ImageId | None:
    """The candidate of the highest version, of equals the first; None if there is none.

    Neither expiry nor classification matters, as in metal-api.
    """
    candidates = [found for found in ids if wanted.means(found)]
    return max(candidates, key=lambda found: found.version.precedence, default=None)
