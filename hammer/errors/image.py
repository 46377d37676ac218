"""Why the stream of an image is not what it must be."""

from dataclasses import dataclass

from hammer import redact
from hammer.errors.base import ImageError


@dataclass(eq=False, kw_only=True)
class StoreUnreachable(ImageError):
    """The server of a store, an image index or an OSImage does not answer as it should."""

    code = "store-unreachable"
    hint = "check the address, the name server, the route and the server of the store"

    url: str
    reason: str

    def __str__(self) -> str:
        return f"{redact.url(self.url)}: {self.reason}"


@dataclass(eq=False, kw_only=True)
class ListingInvalid(ImageError):
    """The store lists what it has, and not as S3 does."""

    code = "listing-invalid"
    hint = "mend the listing, switch it off, or name an image index instead of the store"

    url: str
    reason: str

    def __str__(self) -> str:
        return f"listing of {redact.url(self.url)}: {self.reason}"


@dataclass(eq=False, kw_only=True)
class ImageUnreachable(ImageError):
    """The server of the image does not answer, or the URL cannot work."""

    code = "image-unreachable"
    hint = "check the path; of a URL the address, the name server, the route and the server"

    url: str
    reason: str

    def __str__(self) -> str:
        return f"{redact.url(self.url)}: {self.reason}"


@dataclass(eq=False, kw_only=True)
class ImageNotTrusted(ImageError):
    """The certificate of the image server is not one to accept."""

    code = "image-not-trusted"
    hint = (
        "check the clock of the machine, the name in the URL and the certificate; "
        "give a CA of your own with `hammer.ca=`"
    )

    url: str
    reason: str

    def __str__(self) -> str:
        return f"{redact.url(self.url)}: {self.reason}"


@dataclass(eq=False, kw_only=True)
class ImageHttpStatus(ImageError):
    """The server answers, but not with the image."""

    code = "image-http-status"
    hint = "publish the image under this URL, or correct the URL"

    url: str
    status: int

    def __str__(self) -> str:
        return f"{redact.url(self.url)}: the server answers with HTTP status {self.status}"


@dataclass(eq=False, kw_only=True)
class DigestMissing(ImageError):
    """There is no digest beside the image, or not where the machine document says."""

    code = "digest-missing"
    hint = "publish the .md5 file beside the image (`hammer image pack` writes both)"

    url: str
    reason: str

    def __str__(self) -> str:
        return f"{redact.url(self.url)}: {self.reason}"


@dataclass(eq=False, kw_only=True)
class DigestMalformed(ImageError):
    """The checksum file holds no digest of this image, or several that differ."""

    code = "digest-malformed"
    hint = "write it with `md5sum img.tar.lz4 > img.tar.lz4.md5`, or with sha256sum or sha512sum"

    url: str
    reason: str

    def __str__(self) -> str:
        return f"{redact.url(self.url)}: {self.reason}"


@dataclass(eq=False, kw_only=True)
class DigestMismatch(ImageError):
    """The bytes that arrived are not those that the digest was made of."""

    code = "digest-mismatch"
    hint = "publish image and digest together; a cache in between may hold an old half"

    url: str
    algorithm: str
    source: str
    """Who says what is expected; it may be shown."""
    expected: str
    actual: str

    def __str__(self) -> str:
        return (
            f"{redact.url(self.url)}: "
            f"{self.source} says {self.algorithm} {self.expected}, received was {self.actual}"
        )


@dataclass(eq=False, kw_only=True)
class DigestWeak(ImageError):
    """The digest of the image is weaker than this machine asks for."""

    code = "digest-weak"
    hint = "publish a .sha512 or .sha256 beside the image, or ask for less with hammer.min_digest="

    url: str
    algorithm: str
    source: str
    """Who says what the digest is; it may be shown."""
    least: str

    def __str__(self) -> str:
        return (
            f"{redact.url(self.url)}: {self.source} has its {self.algorithm}, "
            f"and hammer.min_digest= asks for {self.least}"
        )


@dataclass(eq=False, kw_only=True)
class ImageInterrupted(ImageError):
    """The connection ended before the whole image had arrived."""

    code = "image-interrupted"
    hint = "check the image server and the network between, then install again"

    url: str
    received_bytes: int
    expected_bytes: int | None
    reason: str

    def __str__(self) -> str:
        total = "an unknown total" if self.expected_bytes is None else str(self.expected_bytes)
        return (
            f"{redact.url(self.url)}: ended after {self.received_bytes} of {total} bytes: "
            f"{self.reason}"
        )


@dataclass(eq=False, kw_only=True)
class ImageStalled(ImageError):
    """The connection is open and nothing comes."""

    code = "image-stalled"
    hint = "check the image server and the network between, then install again"

    url: str
    received_bytes: int
    limit_s: float

    def __str__(self) -> str:
        return (
            f"{redact.url(self.url)}: nothing for {self.limit_s:g} s "
            f"after {self.received_bytes} bytes"
        )


@dataclass(eq=False, kw_only=True)
class ImageTooSlow(ImageError):
    """The image comes so slowly that something must be wrong."""

    code = "image-too-slow"
    hint = (
        "check the image server and the network between, name a mirror with `hammer.mirror=`, "
        "or allow less with `hammer.min_rate=`"
    )

    url: str
    received_bytes: int
    reason: str

    def __str__(self) -> str:
        return f"{redact.url(self.url)}: {self.reason}, after {self.received_bytes} bytes"


@dataclass(eq=False, kw_only=True)
class ImageChanged(ImageError):
    """Another image is there now than when it was asked for, or begun."""

    code = "image-changed"
    hint = "wait until the image and its digest are published, then install again"

    url: str
    reason: str

    def __str__(self) -> str:
        return f"{redact.url(self.url)}: the image has changed meanwhile: {self.reason}"


@dataclass(eq=False, kw_only=True)
class ImageRecoded(ImageError):
    """What arrives is not what is stored: a proxy or the server has put a coding on it."""

    code = "image-recoded"
    hint = "switch off compression of images in the proxy, or in the web server"

    url: str
    coding: str

    def __str__(self) -> str:
        return (
            f"{redact.url(self.url)}: somebody on the way has put the coding "
            f"{self.coding} on it (Content-Encoding)"
        )


@dataclass(eq=False, kw_only=True)
class ImageTruncated(ImageError):
    """All bytes arrived, but the frame that the image is packed in does not end."""

    code = "image-truncated"
    hint = "the image was cut before its digest was made: pack and publish it again"

    url: str
    within: str = "an lz4 frame"

    def __str__(self) -> str:
        return f"{redact.url(self.url)}: ends in the middle of {self.within}"


@dataclass(eq=False, kw_only=True)
class ImageNotLz4(ImageError):
    """The image is of no known format: lz4, zstd, gzip, or a tar archive that is not packed.

    The code is from the time when lz4 was the only one, and stays.
    """

    code = "image-not-lz4"
    hint = "compress the tar archive with `lz4 -9`, or pack it with `hammer image pack`"

    url: str
    begins_with: bytes

    def __str__(self) -> str:
        found = self.begins_with.hex() or "no byte at all"
        return (
            f"{redact.url(self.url)}: begins with {found}, "
            "as neither lz4, zstd, gzip nor a tar archive does"
        )


@dataclass(eq=False, kw_only=True)
class ImageCorrupt(ImageError):
    """The frame contradicts itself: a bad block or a wrong checksum."""

    code = "image-corrupt"
    hint = "the image was damaged before its digest was made: pack and publish it again"

    url: str
    reason: str

    def __str__(self) -> str:
        return f"{redact.url(self.url)}: {self.reason}"


@dataclass(eq=False, kw_only=True)
class ImageNotTar(ImageError):
    """What the image is packed from is not a tar archive."""

    code = "image-not-tar"
    hint = "compress a tar archive of the root filesystem (`hammer image pack` does)"

    url: str

    def __str__(self) -> str:
        return f"{redact.url(self.url)}: the first 512 bytes inside are not a tar header"


@dataclass(eq=False, kw_only=True)
class TarCorrupt(ImageError):
    """The tar archive begins well and then goes wrong."""

    code = "tar-corrupt"
    hint = "make the tar archive again; `tar -t` finds the same place"

    url: str
    reason: str
    offset: int

    def __str__(self) -> str:
        return f"{redact.url(self.url)}: at byte {self.offset} of the archive: {self.reason}"


@dataclass(eq=False, kw_only=True)
class TarMemberOutside(ImageError):
    """A member that would be written outside of the target."""

    code = "tar-member-outside"
    hint = "remove the member from the archive; no image needs one"

    url: str
    member: str
    reason: str

    def __str__(self) -> str:
        return f"{redact.url(self.url)}: member {self.member}: {self.reason}"


@dataclass(eq=False, kw_only=True)
class TarMemberUnsupported(ImageError):
    """A member of a kind that this version does not restore."""

    code = "tar-member-unsupported"
    hint = "pack the image with `hammer image pack`, which writes what the agent reads"

    url: str
    member: str
    reason: str

    def __str__(self) -> str:
        return f"{redact.url(self.url)}: member {self.member}: {self.reason}"
