"""What an image must be: its digest, or where that is."""

import hashlib
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from contract.document import rule
from contract.fields import IMAGE_URL_PATTERN, Either, Unit, address_of_a_file

# What md5sum(1), sha256sum(1) and sha512sum(1) print: no two have the same length.
HEX_DIGITS = {"md5": 32, "sha256": 64, "sha512": 128}

_VALUE = re.compile(r"(?:(?P<name>[A-Za-z0-9]+):)?(?P<hex>[0-9A-Fa-f]+)")
_URL = re.compile(r"(?:https?|file):", re.IGNORECASE)


def algorithm_of(digest: str) -> str | None:
    """The algorithm of a digest; None for a URL. Raises ValueError for what is neither."""
    if _URL.match(digest):
        return None
    found = _VALUE.fullmatch(digest)
    if not found:
        raise ValueError("must be a digest in hexadecimal digits, or the URL of a checksum file")
    named = found["name"].lower() if found["name"] else None
    by_length = {digits: name for name, digits in HEX_DIGITS.items()}.get(len(found["hex"]))
    if named is not None and named not in HEX_DIGITS:
        raise ValueError("must be of md5, sha256 or sha512")
    if by_length is None or named not in (None, by_length):
        raise ValueError("must have 32 digits for md5, 64 for sha256, 128 for sha512")
    if found["hex"].lower() == hashlib.new(by_length, usedforsecurity=False).hexdigest():
        raise ValueError(f"is the {by_length} digest of an empty file, which is no image")
    return by_length


def _digest(text: str) -> str:
    try:
        algorithm = algorithm_of(text)
    except ValueError as error:
        raise rule(str(error)) from None
    return text if algorithm else address_of_a_file(text)


_HEX = "[0-9A-Fa-f]"
_PATTERN = "|".join(
    [
        rf"(?:[Mm][Dd]5:)?{_HEX}{{32}}",
        rf"(?:[Ss][Hh][Aa]256:)?{_HEX}{{64}}",
        rf"(?:[Ss][Hh][Aa]512:)?{_HEX}{{128}}",
        IMAGE_URL_PATTERN,
    ]
)

ImageDigest = Annotated[
    str,
    AfterValidator(_digest),
    Field(json_schema_extra={"pattern": f"^(?:{_PATTERN})$"}),
    Unit("digest or URL"),
]
"""A digest of all packed bytes, `sha256:` and a digest, or the URL of a checksum file."""

DigestType = Annotated[Literal["md5", "sha256", "sha512"] | None, Either("", None)]
"""The algorithm of a digest; without it, its length tells."""


def type_problem(digest: str | None, kind: str | None) -> str | None:
    """What is wrong when the algorithm is not the one of the digest."""
    found = algorithm_of(digest) if digest else None
    if kind is None or found in (None, kind):
        return None
    return f"is {kind}, and the digest is one of {found}"
