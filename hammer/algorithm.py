"""The digests that an image may be compared by."""

from enum import StrEnum


class Algorithm(StrEnum):
    """Names as metal3 and vCluster write them, the weakest first."""

    MD5 = "md5"
    SHA256 = "sha256"
    SHA512 = "sha512"

    @property
    def hex_digits(self) -> int:
        """How long a digest is when it is written: no two have the same length."""
        return {"md5": 32, "sha256": 64, "sha512": 128}[self]

    def is_weaker_than(self, other: "Algorithm") -> bool:
        return self.hex_digits < other.hex_digits


def by_length(digits: str) -> Algorithm | None:
    """Which algorithm writes so many digits; None if none of ours does."""
    return next((each for each in Algorithm if each.hex_digits == len(digits)), None)
