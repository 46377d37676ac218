"""Rules of what is published: the image's name, its digests, the list of its packages."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from hammer.algorithm import Algorithm
from hammer.errors import DigestMalformed, DigestMissing, ImageError
from hammer.image.check import rules
from hammer.image.check.reader import Facts
from hammer.image.check.rules import Finding, Outcome, Unchecked
from hammer.redact import url as shown
from hammer.stream import failures, http
from hammer.stream.published import (
    SIDE_CAR_BYTES,
    SIDE_CARS,
    Absent,
    Publisher,
    digest_in,
    name_of,
)
from hammer.stream.published import beside as named_after

PACKAGES = "packages.txt"
MD5 = ".md5"
_PACKAGES_BYTES = 16 << 20


@dataclass(frozen=True, kw_only=True)
class Siblings:
    """What is beside the image."""

    url: str
    """Of the image itself."""
    digests: Mapping[str, bytes | Absent | ImageError]
    """Files with digests, by what their names end in, or why there are none."""
    packages: bytes | failures.FetchFailed
    """packages.txt, or why there is none."""

    @property
    def name(self) -> str:
        """The image is called so."""
        return name_of(self.url)

    @property
    def algorithms(self) -> set[Algorithm]:
        """Of the digests that are there, and MD5, which is told of every image."""
        there = {end for end, found in self.digests.items() if isinstance(found, bytes)}
        return {SIDE_CARS[end] for end in {MD5, *there}}


def fetch(url: str, *, patience: http.Patience, on_retry: http.OnRetry) -> Siblings:
    """Get what is beside the image. Failures are part of the answer; nothing is raised."""
    publisher = Publisher(patience=patience, on_retry=on_retry)
    digests: dict[str, bytes | Absent | ImageError] = {}
    for end in SIDE_CARS:
        try:
            digests[end] = publisher.text_of(named_after(url, end), limit_bytes=SIDE_CAR_BYTES)
        except (Absent, ImageError) as error:
            digests[end] = error
    packages: bytes | failures.FetchFailed
    try:
        packages = http.fetch(
            beside(url, PACKAGES), limit_bytes=_PACKAGES_BYTES, patience=patience, on_retry=on_retry
        )
    except failures.FetchFailed as error:
        packages = error
    return Siblings(url=url, digests=digests, packages=packages)


def beside(url: str, name: str) -> str:
    """The URL of another file in the directory of the image."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rpartition('/')[0]}/{name}"))


def findings(facts: Facts, siblings: Siblings) -> Iterator[Outcome]:
    if not siblings.name.endswith("lz4"):
        yield Finding(rules.IMAGE_NAME, f"{siblings.name!a} does not end in lz4")
    yield from _digests(facts, siblings)
    yield from _packages(siblings.packages)


def _digests(facts: Facts, siblings: Siblings) -> Iterator[Outcome]:
    there = {end: each for end, each in siblings.digests.items() if not isinstance(each, Absent)}
    md5 = siblings.digests[MD5]
    if isinstance(md5, Absent):
        rule = rules.MD5_MISSING if there else rules.DIGEST_MISSING
        yield Finding(rule, f"{shown(md5.url)}: {md5.reason}")
    for end, found in there.items():
        yield from _digest(facts, siblings, end, found)


def _digest(
    facts: Facts, siblings: Siblings, end: str, found: bytes | ImageError
) -> Iterator[Outcome]:
    file, algorithm = f"{siblings.name}{end}", SIDE_CARS[end]
    try:
        if isinstance(found, ImageError):
            raise found
        url = named_after(siblings.url, end)
        expected = digest_in(found, url=url, name=siblings.name, algorithm=algorithm).hex
    except DigestMissing as error:
        yield Finding(rules.DIGEST_MISSING, f"{shown(error.url)}: {error.reason}")
        return
    except DigestMalformed as error:
        yield Finding(rules.DIGEST_MALFORMED, f"{file}: {error.reason}")
        return
    except ImageError as error:
        yield Unchecked(rules.DIGEST_MISMATCH, str(error))
        return
    actual = facts.digests.get(algorithm)
    if actual is None:
        yield Unchecked(rules.DIGEST_MISMATCH, "the image was not read to its end")
    elif actual != expected:
        yield Finding(rules.DIGEST_MISMATCH, f"{file} says {expected}, not {actual}")
    if end == MD5 and found.partition(b" ")[0] != expected.encode():
        yield Finding(rules.DIGEST_FORM, f"{file} does not begin as md5sum writes it")


def _packages(found: bytes | failures.FetchFailed) -> Iterator[Outcome]:
    if isinstance(found, failures.TooLarge):
        yield Unchecked(rules.PACKAGES_MISSING, f"{PACKAGES}: {found.reason}")
    elif isinstance(found, failures.FetchFailed):
        yield Finding(rules.PACKAGES_MISSING, f"no {PACKAGES} beside the image: {found.reason}")
    elif not found.strip():
        yield Finding(rules.PACKAGES_MISSING, f"{PACKAGES} beside the image is empty")
