"""Rules of what is published: the image's name, its digest, the list of its packages."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from hammer.errors import DigestMalformed, DigestMissing, ImageError
from hammer.image.check import rules
from hammer.image.check.reader import Facts
from hammer.image.check.rules import Finding, Outcome, Unchecked
from hammer.redact import url as shown
from hammer.stream import digest, http
from hammer.stream.published import digest_file, name_of

PACKAGES = "packages.txt"
_PACKAGES_BYTES = 16 << 20


@dataclass(frozen=True, kw_only=True)
class Siblings:
    """What is beside the image."""

    name: str
    """Of the image itself."""
    digest: bytes | ImageError
    """The digest file, or why there is none."""
    packages: bytes | http.FetchFailed
    """packages.txt, or why there is none."""


def fetch(url: str, *, patience: http.Patience, on_retry: http.OnRetry) -> Siblings:
    """Get what is beside the image. Failures are part of the answer; nothing is raised."""
    found: bytes | ImageError
    packages: bytes | http.FetchFailed
    try:
        found = digest_file(url, patience=patience, on_retry=on_retry)
    except ImageError as error:
        found = error
    try:
        packages = http.fetch(
            beside(url, PACKAGES), limit_bytes=_PACKAGES_BYTES, patience=patience, on_retry=on_retry
        )
    except http.FetchFailed as error:
        packages = error
    return Siblings(name=name_of(url), digest=found, packages=packages)


def beside(url: str, name: str) -> str:
    """The URL of another file in the directory of the image."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rpartition('/')[0]}/{name}"))


def findings(facts: Facts, siblings: Siblings) -> Iterator[Outcome]:
    if not siblings.name.endswith("lz4"):
        yield Finding(rules.IMAGE_NAME, f"{siblings.name!a} does not end in lz4")
    yield from _digest(facts, siblings)
    yield from _packages(siblings.packages)


def _digest(facts: Facts, siblings: Siblings) -> Iterator[Outcome]:
    text = siblings.digest
    if isinstance(text, DigestMissing | DigestMalformed):
        missing = isinstance(text, DigestMissing)
        rule = rules.DIGEST_MISSING if missing else rules.DIGEST_MALFORMED
        yield Finding(rule, f"{shown(text.url)}: {text.reason}")
        return
    if isinstance(text, ImageError):
        yield Unchecked(rules.DIGEST_MISMATCH, str(text))
        return
    try:
        expected = digest.md5_of(text, name=siblings.name)
    except ValueError as error:
        yield Finding(rules.DIGEST_MALFORMED, f"{siblings.name}.md5: {error}")
        return
    if facts.md5 is None:
        yield Unchecked(rules.DIGEST_MISMATCH, "the image was not read to its end")
    elif facts.md5 != expected:
        yield Finding(
            rules.DIGEST_MISMATCH, f"{siblings.name}.md5 says {expected}, not {facts.md5}"
        )
    if text.partition(b" ")[0] != expected.encode():
        yield Finding(rules.DIGEST_FORM, f"{siblings.name}.md5 does not begin as md5sum writes it")


def _packages(found: bytes | http.FetchFailed) -> Iterator[Outcome]:
    if isinstance(found, http.TooLarge):
        yield Unchecked(rules.PACKAGES_MISSING, f"{PACKAGES}: {found.reason}")
    elif isinstance(found, http.FetchFailed):
        yield Finding(rules.PACKAGES_MISSING, f"no {PACKAGES} beside the image: {found.reason}")
    elif not found.strip():
        yield Finding(rules.PACKAGES_MISSING, f"{PACKAGES} beside the image is empty")
