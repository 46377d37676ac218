"""Tiny images for tests: tar, lz4 and digest from a dictionary, whole or with a defect.

image = packed(tar_of({"etc/hostname": b"m1\\n", "bin": Link("usr/bin")}))
serve({"/i.tar.lz4": image, "/i.tar.lz4.md5": md5_file(image, "i.tar.lz4")})
"""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import lz4.block
import lz4.frame
from backports import zstd

NAME = "img.tar.lz4"
PATH = f"/{NAME}"
LEGACY_BLOCK_BYTES = 8 << 20


@dataclass(frozen=True)
class File:
    content: bytes = b""
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    mtime: float = 1_700_000_000
    pax: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Directory:
    mode: int = 0o755
    uid: int = 0
    gid: int = 0
    mtime: float = 1_700_000_000
    pax: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Link:
    """A symbolic link."""

    target: str


@dataclass(frozen=True)
class HardLink:
    target: str


@dataclass(frozen=True)
class Node:
    """A character or block device, or a FIFO: one of tarfile.CHRTYPE, BLKTYPE, FIFOTYPE."""

    kind: bytes
    major: int = 0
    minor: int = 0
    mode: int = 0o600
    pax: Mapping[str, str] = field(default_factory=dict)


Entry = bytes | File | Directory | Link | HardLink | Node
Entries = Mapping[str, Entry] | list[tuple[str, Entry]]


def tar_of(entries: Entries, *, format: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar archive; a list of pairs may hold a name twice. Plain bytes are a file of them."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format) as archive:
        for name, entry in entries.items() if isinstance(entries, Mapping) else entries:
            info, content = _member(name, File(entry) if isinstance(entry, bytes) else entry)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def packed(plain: bytes, *, content_checksum: bool = True) -> bytes:
    """One lz4 frame, with checksums as the command `lz4` writes them."""
    frame: bytes = lz4.frame.compress(plain, content_checksum=content_checksum)
    return frame


def legacy(plain: bytes) -> bytes:
    """A legacy frame, as `lz4 -l` writes it."""
    blocks = [
        lz4.block.compress(plain[at : at + LEGACY_BLOCK_BYTES], store_size=False)
        for at in range(0, len(plain), LEGACY_BLOCK_BYTES)
    ]
    sized = [len(block).to_bytes(4, "little") + block for block in blocks]
    return bytes.fromhex("02214c18") + b"".join(sized)


def zstd_frame(plain: bytes) -> bytes:
    """One zstd frame, with a checksum as the command `zstd` writes it."""
    return zstd.compress(plain, options={zstd.CompressionParameter.checksum_flag: 1})


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "lz4": packed,
    "lz4 legacy": legacy,
    "zstd": zstd_frame,
    "gzip": lambda plain: gzip.compress(plain, mtime=0),
    "tar": lambda plain: plain,
}
"""By the name of each format that an image may have."""


def image(entries: Entries) -> bytes:
    """An image that is as it must be."""
    return packed(tar_of(entries))


def md5_file(content: bytes, name: str = NAME) -> bytes:
    """What md5sum(1) prints."""
    return f"{hashlib.md5(content).hexdigest()}  {name}\n".encode()


def checksum_file(content: bytes, algorithm: str, name: str = NAME) -> bytes:
    """What sha256sum(1) and its like print."""
    return f"{hashlib.new(algorithm, content).hexdigest()}  {name}\n".encode()


def published(content: bytes, name: str = NAME) -> dict[str, bytes]:
    """Image and digest, as a table for `servers.serve`."""
    return {f"/{name}": content, f"/{name}.md5": md5_file(content, name)}


# --- defects ------------------------------------------------------------------------------


def truncated(content: bytes, *, by: int = 7) -> bytes:
    return content[:-by]


def flipped(content: bytes, *, at: int) -> bytes:
    """One bit other than it was; a negative place counts from the end."""
    at %= len(content)
    return content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :]


def _member(name: str, entry: Entry) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.mtime = 1_700_000_000
    content = b""
    match entry:
        case File(content, mode, uid, gid, mtime, pax):
            info.size = len(content)
            info.mode, info.uid, info.gid, info.mtime = mode, uid, gid, mtime
            info.pax_headers = dict(pax)
        case Directory(mode, uid, gid, mtime, pax):
            info.type = tarfile.DIRTYPE
            info.mode, info.uid, info.gid, info.mtime = mode, uid, gid, mtime
            info.pax_headers = dict(pax)
        case Link(target):
            info.type, info.linkname, info.mode = tarfile.SYMTYPE, target, 0o777
        case HardLink(target):
            info.type, info.linkname = tarfile.LNKTYPE, target
        case Node(kind, major, minor, mode, pax):
            info.type, info.devmajor, info.devminor, info.mode = kind, major, minor, mode
            info.pax_headers = dict(pax)
    return info, content
