"""Digests of images: how they are written, and which of a text is that of an image.

What is taken, in upper or lower case, with line ends of any system:

    0123...                     a digest alone
    0123...  img.tar.lz4        md5sum(1), sha256sum(1), sha512sum(1); also a tab between
    0123...  -                  the same of standard input
    0123... *./out/img.tar.lz4  the same in binary mode; directories do not matter
    \\0123...  img\\\\1.tar.lz4    the same with an escaped name
    SHA256 (img.tar.lz4) = 01.. BSD's commands, `sha256sum --tag`, openssl-dgst(1)
    sha256:0123...              with the algorithm before it

and all of these inside of a text that PGP has signed. The signature is not checked: there
are no keys to check it with.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from hammer.algorithm import Algorithm, by_length

_GNU = re.compile(
    r"(?P<escaped>\\?)(?:(?P<tag>[A-Za-z][A-Za-z0-9/_-]{1,15}):)?(?P<hex>[0-9a-fA-F]{8,})"
    r"(?P<rest>[ \t].*)?"
)
_BSD = re.compile(
    r"(?P<escaped>\\?)(?P<tag>[A-Za-z][A-Za-z0-9/_-]{1,15}) ?\((?P<name>.*)\) ?= ?"
    r"(?P<hex>[0-9a-fA-F]{8,})"
)
_TAGS = {
    "md5": Algorithm.MD5,
    "sha256": Algorithm.SHA256,
    "sha2256": Algorithm.SHA256,  # SHA2-256: OpenSSL 3
    "sha512": Algorithm.SHA512,
    "sha2512": Algorithm.SHA512,
}
# What else has a length of its own, for messages.
_OTHERS = {40: "sha1", 56: "sha224", 96: "sha384"}
_KNOWN = "md5, sha256 and sha512 are known"
_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Digest:
    """What all packed bytes of an image must come to."""

    algorithm: Algorithm
    hex: str
    """In lower case."""
    source: str
    """Who says so: a URL without its secrets, or a document. It may be shown."""

    def __str__(self) -> str:
        return f"{self.algorithm} {self.hex}"


@dataclass(frozen=True, kw_only=True)
class _Entry:
    """A line that is a digest, whoever it is of."""

    tag: str | None
    """The algorithm that the line names; None if the length must tell."""
    hex: str
    name: str | None
    """The file as it is written, None if it is not."""

    @property
    def algorithm(self) -> Algorithm | None:
        """None for one that is not ours. Raises ValueError when tag and length disagree."""
        if self.tag is None:
            return by_length(self.hex)
        found = _TAGS.get(self.tag.lower().replace("-", ""))
        if found and found.hex_digits != len(self.hex):
            raise ValueError(
                f"a {found} digest has {found.hex_digits} digits, and the one there has "
                f"{len(self.hex)}"
            )
        return found

    @property
    def called(self) -> str:
        """The algorithm for messages."""
        return (self.tag or _OTHERS.get(len(self.hex)) or str(by_length(self.hex))).lower()

    def is_of(self, name: str) -> bool:
        """Whether the line is about this file. Names are compared to the letter."""
        if self.name is None:
            return True
        return name in (PurePosixPath(self.name).name, PurePosixPath(self.name.strip()).name)


def of_value(text: str, *, algorithm: Algorithm | None = None, source: str) -> Digest:
    """A digest as documents hold it, `0123...` or `sha256:0123...`.

    Raises ValueError with the reason: not one digest, not of `algorithm`, not one of ours, or
    that of an empty file.
    """
    entry = _entry(text.strip())
    if entry is None or entry.name is not None:
        raise ValueError(f"this is no digest; {_KNOWN}, in 32, 64 or 128 hexadecimal digits")
    return _chosen([entry], algorithm=algorithm, source=source)


def of_text(text: bytes, *, name: str, algorithm: Algorithm | None = None, source: str) -> Digest:
    """The digest of the file `name` in the text of a checksum file.

    Without `algorithm` the strongest that the text has for this file. A digest without a name
    is of every file. Raises ValueError with the reason: there is none, of this file or of this
    algorithm; there are several that differ; or it is that of an empty file.
    """
    lines = re.split(r"\r\n|[\r\n]", text.decode("utf-8-sig", errors="replace"))
    entries = [entry for line in _signed(lines) if (entry := _entry(line.lstrip()))]
    if not entries:
        wanted = algorithm or "md5, sha256 or sha512"
        raise ValueError(f"there is no {wanted} digest in it" if text.strip() else "it is empty")
    found = [entry for entry in entries if entry.is_of(name)]
    if not found:
        others = sorted({PurePosixPath(entry.name).name for entry in entries if entry.name})
        raise ValueError(f"it names {', '.join(others[:_SHOWN])} and not {name}")
    return _chosen(found, algorithm=algorithm, source=source)


def _chosen(entries: Sequence[_Entry], *, algorithm: Algorithm | None, source: str) -> Digest:
    """What these say of one and the same file."""
    known = {(found, entry.hex.lower()) for entry in entries if (found := entry.algorithm)}
    if not known:
        raise ValueError(f"it is {_a(entries[0].called)} digest; {_KNOWN}")
    strongest = max((found for found, _ in known), key=lambda found: found.hex_digits)
    wanted = algorithm or strongest
    values = [value for found, value in known if found is wanted]
    if not values:
        raise ValueError(f"it is {_a(strongest)} digest, and not {_a(wanted)} one")
    if len(values) > 1:
        raise ValueError(f"it holds {len(values)} different {wanted} digests of the image")
    if values[0] == hashlib.new(wanted, usedforsecurity=False).hexdigest():
        raise ValueError(f"{values[0]} is the {wanted} digest of an empty file")
    return Digest(algorithm=wanted, hex=values[0], source=source)


def _entry(line: str) -> _Entry | None:
    """The digest of a line, None if it is something else, as a comment."""
    if found := _BSD.fullmatch(line.rstrip()):
        return _judged(found["tag"], found["hex"], _unescaped(found["name"], found["escaped"]))
    if found := _GNU.fullmatch(line):
        rest = found["rest"] or ""
        # Two characters are between: a blank, and a blank or an asterisk for binary mode.
        exact = rest.startswith(("  ", " *"))
        name = rest[2:] if exact else rest.lstrip().removeprefix("*")
        name = _unescaped(name, found["escaped"])
        # A dash is what the commands write of their standard input.
        is_named = name.strip() not in ("", "-")
        return _judged(found["tag"], found["hex"], name if is_named else None)
    return None


def _judged(tag: str | None, digits: str, name: str | None) -> _Entry | None:
    """An entry, unless it is a word that only looks like one."""
    entry = _Entry(tag=tag, hex=digits, name=name)
    if tag is None:
        is_one = by_length(digits) is not None or len(digits) in _OTHERS
    else:
        is_one = tag.lower().replace("-", "") in _TAGS or len(digits) >= Algorithm.MD5.hex_digits
    return entry if is_one else None


def _unescaped(name: str, escaped: str) -> str:
    """As md5sum(1) writes names with a backslash or a line end in them."""
    if not escaped:
        return name
    characters = {"\\": "\\", "n": "\n", "r": "\r"}
    return re.sub(r"\\([\\nr])", lambda found: characters[found[1]], name)


def _signed(lines: Sequence[str]) -> Iterator[str]:
    """The lines that are signed, where some are (RFC 9580, 7: cleartext signature)."""
    begins = [at for at, line in enumerate(lines) if line.startswith("-----BEGIN PGP SIGNED")]
    if not begins:
        yield from lines
        return
    headers = True
    for line in lines[begins[0] + 1 :]:
        if line.startswith("-----BEGIN PGP SIGNATURE"):
            return
        if not headers:
            yield line.removeprefix("- ")
        headers = headers and bool(line.strip())


def _a(algorithm: str) -> str:
    """With the article that it is spoken with."""
    return f"an {algorithm}" if algorithm.startswith("m") else f"a {algorithm}"
