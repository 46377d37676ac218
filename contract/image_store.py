"""Where a store keeps images: BASE/CHANNEL/OS/VERSION/img.tar.lz4. Nothing is asked here.

The layout is that of images.metal-stack.io/metal-os. A channel is `stable`, the
date of a release (`20241118`), `pull_requests/PR-BRANCH`, or formerly `master`.
The two directories below it are the operating system and the version, and
not always spelled as in the id: debian-12.0 is debian/12, ubuntu-26.4 is
ubuntu/26.04, firewall-ubuntu-3.0 is firewall/3.0-ubuntu.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit, urlunsplit

from contract.image_reference import ImageId, Version

IMAGE = "img.tar.lz4"
PACKAGES = "packages.txt"
STABLE = "stable"

_NAMED_CHANNELS = (STABLE, "master")
_PULL_REQUESTS = "pull_requests"
_DATE = re.compile(r"[0-9]{8}")
# What may stand in a path as it is; an id may hold anything.
_OS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Store:
    """A place that holds images in this layout."""

    base: str
    """URL of the directory that holds the channels."""
    channel: str | None = None
    """The channel that the address of the store names; None if it names none."""

    @classmethod
    def parse(cls, url: str) -> "Store":
        """Divide `.../metal-os/stable` into base and channel. Raises ValueError if it is no URL."""
        parts = urlsplit(url)
        segments = parts.path.rstrip("/").split("/")
        at = _channel_begins(segments)
        base = urlunsplit(parts._replace(path="/".join(segments[:at])))
        return cls(base, "/".join(segments[at:]) or None)

    def channel_of(self, wanted: ImageId) -> str:
        """Where to look for an image.

        An exact id names a build, and that is in the dated channel of its patch,
        whatever channel the store names. Any other is in the usual channel.
        """
        if wanted.is_exact:
            return str(wanted.version.patch)
        return self.usual_channel

    @property
    def usual_channel(self) -> str:
        """Where to look for what is no build: the channel of the store, or stable."""
        return self.channel or STABLE

    def url_of(self, channel: str) -> str:
        """The directory of a channel."""
        return _below(self.base, [channel])

    def addresses(self, wanted: ImageId) -> Iterator["Address"]:
        """Every place where the image may be, the most usual first. None for an odd id."""
        if not _OS.fullmatch(wanted.os):
            return
        channel = self.channel_of(wanted)
        family, hyphen, flavour = wanted.os.partition("-")
        versions = _spellings(wanted.version)
        if hyphen:
            for version in versions:
                yield Address(self.base, channel, family, f"{version}-{flavour}")
        for version in versions:
            yield Address(self.base, channel, wanted.os, version)


@dataclass(frozen=True)
class Address:
    """Where one image is."""

    base: str
    channel: str
    os_directory: str
    version_directory: str

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Take the URL of an image apart. Raises ValueError if it is not one of a store."""
        parts = urlsplit(url)
        segments = parts.path.split("/")
        if len(segments) < 5 or segments[-1] != IMAGE or not all(segments[-3:-1]):
            raise ValueError(f"must end in CHANNEL/OS/VERSION/{IMAGE}")
        folders, (os, version) = segments[:-3], segments[-3:-1]
        at = _channel_begins(folders)
        if at == len(folders):
            raise ValueError(
                "must be in a channel: stable, a date as 20241118, or pull_requests/PR-BRANCH"
            )
        base = urlunsplit(parts._replace(path="/".join(folders[:at])))
        return cls(base, "/".join(folders[at:]), os, version)

    @property
    def url(self) -> str:
        folders = (self.channel, self.os_directory, self.version_directory)
        return _below(self.base, [*folders, IMAGE])

    @property
    def image_id(self) -> ImageId:
        """What is there; the patch is the date of the channel. Raises ValueError for odd names."""
        number, hyphen, flavour = self.version_directory.partition("-")
        os = f"{self.os_directory}-{flavour}" if hyphen else self.os_directory
        version = Version.parse(number)
        if version.patch == 0 and _DATE.fullmatch(self.channel):
            version = replace(version, patch=int(self.channel))
        short = f"{version.major}.{version.minor}"
        return ImageId(f"{os}-{version if version.patch else short}", os, version)


def packages_url(image_url: str) -> str:
    """The list of packages, beside the image; not every image has one."""
    parts = urlsplit(image_url)
    folder = parts.path.rpartition("/")[0]
    return urlunsplit(parts._replace(path=f"{folder}/{PACKAGES}"))


def _channel_begins(segments: Sequence[str]) -> int:
    """Where in the segments of a path the channel begins; their number if there is none."""
    if _PULL_REQUESTS in segments[:-1]:  # branches may have slashes
        return segments.index(_PULL_REQUESTS)
    last = segments[-1]
    is_channel = last in _NAMED_CHANNELS or bool(_DATE.fullmatch(last))
    return len(segments) - is_channel


def _spellings(version: Version) -> list[str]:
    """How a directory may spell major and minor: 12 and 12.0, 26.04 and 26.4."""
    major, minor = version.major, version.minor
    usual = f"{major}.{minor}"
    if minor == 0:
        return [str(major), usual]
    return [f"{major}.{minor:02}", usual] if minor < 10 else [usual]


def _below(base: str, segments: Sequence[str]) -> str:
    parts = urlsplit(base)
    path = "/".join([parts.path.rstrip("/"), *segments])
    return urlunsplit(parts._replace(path=path))
