"""One pass over an image: digest, members and the few files whose content rules look at."""

import hashlib
import re
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass, field

from hammer.algorithm import Algorithm
from hammer.errors import ImageCorrupt, ImageError, ImageNotLz4, ImageTruncated
from hammer.image.check import programs, xattrs
from hammer.image.check.tree import Contradiction, Entry, Names, TooMany, Tree
from hammer.stream import frames, heap, http
from hammer.stream.ahead import ahead
from hammer.stream.flow import Flow
from hammer.stream.member import Kind, Member
from hammer.stream.published import source_errors
from hammer.stream.sparse import BLOCK_BYTES
from hammer.stream.tar import Archive

# Blocks of 16 TiB, the end of an extent's 32 bit number (Linux, fs/ext4/ext4.h).
FILE_BYTES_MAX = (1 << 44) - 4096
# As contract/paths.py has them, which is not imported: it brings pydantic, and that is most
# of the start. A test compares.
INSTALLERS = ("install-go", "install.sh")
METAL = "etc/metal"
HIDDEN = (b"proc", b"sys", b"dev", b"run", b"tmp")
DOCUMENT_BYTES = 64 << 10
INSTALLER_BYTES = 1 << 20
_KERNEL_BYTES = 64 << 10  # the setup part of a bzImage is not longer (boot.rst, setup_sects)
_CONFIG_BYTES = 1 << 20
_INITRD_BYTES = 8
_KEPT_BYTES_MAX = 32 << 20  # of all content together
_ACL_BYTES_MAX = 1 << 20  # of all different lists together; an image has a handful
_PACKED_AHEAD = 4
_PLAIN_AHEAD = 4

# What is kept of which files, by real path.
_KEPT = (
    (INSTALLER_BYTES, rb"install-go|install\.sh"),
    (_KERNEL_BYTES, rb"vmlinu[xz]|boot/(vmlinu[xz]|kernel|Image)[^/]*"),
    (_KERNEL_BYTES, rb"(usr/)?lib/modules/[^/]+/vmlinuz"),
    (_INITRD_BYTES, rb"initrd\.img|boot/(initrd|initramfs)[^/]*"),
    (_CONFIG_BYTES, rb"boot/config-[^/]+"),
    (
        DOCUMENT_BYTES,
        rb"etc/metal/[^/]+|etc/(passwd|group|machine-id|os-release)|usr/lib/os-release",
    ),
)
_KEPT_PATH = re.compile(b"|".join(b"(%s)" % paths.replace(b"(", b"(?:") for _, paths in _KEPT))
_KEPT_BYTES = tuple(limit_bytes for limit_bytes, _ in _KEPT)

_STARTERS_MAX = 1000  # different ones; an image has a handful
_STARTER_BYTES_MAX = 255


@dataclass(kw_only=True)
class Facts:
    """What the pass found out."""

    where: str
    """The image, as the user named it."""
    tree: Tree = field(default_factory=Tree)
    members: int = 0
    packed_bytes: int = 0
    plain_bytes: int = 0
    digests: dict[Algorithm, str] = field(default_factory=dict)
    """Of all packed bytes; none if they were not read to the end."""
    format: frames.Format | None = None
    """What it is packed with; None if that is not known."""
    content_checksum: bool = True
    fault: ImageError | None = None
    """Why the image could not be read to its end as an archive."""
    too_many: str = ""
    """What there is too much of; empty if nothing is."""
    zero_blocks: int = 2
    """How many of the two blocks of the end mark are there."""
    bytes_after_end: int = 0
    """Behind the end mark; 0 if all of them are zeros."""
    contradictions: Names = field(default_factory=Names)
    missing_targets: Names = field(default_factory=Names)
    hidden: Names = field(default_factory=Names)
    oversized: Names = field(default_factory=Names)
    bad_xattrs: Names = field(default_factory=Names)
    acls: dict[bytes, bytes] = field(default_factory=dict)
    """Each access control list that occurs, with the first member that has it."""
    acl_bytes: int = 0
    """Of all of them; they are counted while they come, of which there may be a million."""

    @property
    def md5(self) -> str | None:
        """The digest that every image has."""
        return self.digests.get(Algorithm.MD5)

    @property
    def incomplete(self) -> str:
        """Why rules about the whole image cannot be judged; empty if they can."""
        if self.fault is not None:
            return f"the image cannot be read to its end ({self.fault.code})"
        return f"the check gave up: {self.too_many}" if self.too_many else ""


def read(
    body: http.Body, *, url: str, where: str, algorithms: Collection[Algorithm] = (Algorithm.MD5,)
) -> Facts:
    """Read the image to its end, in constant memory but for the table of its members.

    What is wrong with the image is a fact, and nothing is raised. `where` goes into messages;
    `algorithms` are those of the digests to make.
    """
    heap.keep_what_is_freed()
    facts = Facts(where=where)
    packed = _Packed(body, url=url, algorithms=algorithms)
    with closing(ahead(iter(packed), depth=_PACKED_AHEAD, wait=True)) as chunks:
        flow = Flow(iter(()))
        try:
            found = frames.recognized(chunks, url=where)
            facts.format, facts.content_checksum = found.format, found.has_checksum
            flow = Flow(ahead(map(bytes, found.plain), depth=_PLAIN_AHEAD))
            _read_archive(flow, facts)
            _read_padding(flow, facts)
        except ImageError as fault:
            facts.fault = fault
        except TooMany as reason:
            facts.too_many = str(reason)
        # Of something that is no image at all, the rest is not worth its time.
        if not isinstance(facts.fault, ImageNotLz4):
            _read_on(flow, chunks, facts)
            facts.digests = packed.digests()
    facts.packed_bytes = body.received_bytes
    facts.plain_bytes = flow.position
    return facts


class _Packed:
    """The packed bytes while they pass, to whom they are a digest."""

    def __init__(self, body: http.Body, *, url: str, algorithms: Collection[Algorithm]) -> None:
        self._body = body
        self._url = url
        self._hashes = {each: hashlib.new(each, usedforsecurity=False) for each in algorithms}
        self._at_end = False

    def __iter__(self) -> Iterator[bytes]:
        with source_errors(self._url):
            while data := self._body.read():
                for each in self._hashes.values():
                    each.update(data)
                yield data
        self._at_end = True

    def digests(self) -> dict[Algorithm, str]:
        """Of all of them; none if the transfer failed."""
        hashes = self._hashes.items() if self._at_end else ()
        return {algorithm: each.hexdigest() for algorithm, each in hashes}


def _read_on(flow: Flow, chunks: Iterator[bytes], facts: Facts) -> None:
    """To the last byte, for the digest and the checksums of the frames that are left."""
    try:
        flow.drain()
    except ImageError as fault:
        facts.fault = _first(facts.fault, fault)
    try:
        for _chunk in chunks:
            pass
    except ImageError as fault:
        facts.fault = _first(facts.fault, fault)


def _first(known: ImageError | None, other: ImageError) -> ImageError:
    """Damage of the frame comes before what the archive in it then looks like."""
    if known is None or isinstance(other, ImageCorrupt | ImageTruncated):
        return other
    return known


def _read_archive(flow: Flow, facts: Facts) -> None:
    tree = facts.tree
    kept = _KEPT_BYTES_MAX
    starters: dict[bytes, bytes] = {}
    archive = Archive(flow, url=facts.where)
    for member in archive:
        facts.members += 1
        try:
            if member.kind is Kind.HARDLINK:
                link = tree.hard_link(member)
                if link is None:
                    facts.missing_targets.add(member.name)
                else:
                    _note_hidden(link, tree.entries[link], facts)
                continue
            path = tree.place(member)
        except Contradiction as reason:
            facts.contradictions.add(member.name, f" ({reason})")
            continue
        _note_attributes(member, facts)
        if member.kind is Kind.FILE:
            entry = _file(flow, path, member, room_bytes=kept, starters=starters)
            kept -= len(entry.content or b"")
            if entry.size > FILE_BYTES_MAX:
                facts.oversized.add(path)
        else:
            entry = Entry(member.kind, member.mode, target=member.target)
        _note_hidden(path, entry, facts)
        tree.put(path, entry)
    facts.zero_blocks = 1 if archive.end_mark else 0


def _note_hidden(path: bytes, entry: Entry, facts: Facts) -> None:
    if path.partition(b"/")[0] in HIDDEN and _is_hidden_content(path, entry):
        facts.hidden.add(path)


def _note_attributes(member: Member, facts: Facts) -> None:
    if member.xattrs and (problem := xattrs.problem(member)):
        facts.bad_xattrs.add(member.name, f" ({problem})")
    for text in (member.acl_access, member.acl_default):
        if text and text not in facts.acls and facts.acl_bytes < _ACL_BYTES_MAX:
            facts.acls[text] = member.name
            facts.acl_bytes += len(text)


def _file(
    flow: Flow, path: bytes, member: Member, *, room_bytes: int, starters: dict[bytes, bytes]
) -> Entry:
    content = head = None
    size = stored_bytes = member.size
    kept_bytes = _kept_bytes(path)
    if member.sparse is not None:
        size, stored_bytes = member.sparse.size, member.sparse.data_bytes
    elif kept_bytes and min(kept_bytes, size) <= room_bytes:
        content = head = flow.take(min(kept_bytes, size))
    elif member.mode & 0o111:
        head = flow.take(min(programs.HEAD_BYTES, size))
    return Entry(
        Kind.FILE,
        member.mode,
        size,
        stored_bytes,
        machine=programs.machine_of(head or b""),
        starter=_starter(head, starters) if member.mode & 0o111 else b"",
        capable=xattrs.is_capability(member.xattrs.get(xattrs.CAPABILITY, b"")),
        content=content,
    )


def _starter(head: bytes | None, known: dict[bytes, bytes]) -> bytes | None:
    """What starts a program; each name is kept once, because there may be a million programs."""
    found = None if head is None else programs.starter_of(head)
    if found is None or len(found) > _STARTER_BYTES_MAX or len(known) >= _STARTERS_MAX:
        return None if found is None else known.get(found)
    return known.setdefault(found, found)


def _kept_bytes(path: bytes) -> int:
    """How much of the file is kept; 0 for nearly all."""
    match = _KEPT_PATH.fullmatch(path)
    return _KEPT_BYTES[(match.lastindex or 1) - 1] if match else 0


def _is_hidden_content(path: bytes, entry: Entry) -> bool:
    """Anything but directories; in /dev, nodes and links are what devtmpfs has as well."""
    if path.startswith(b"dev/"):
        return entry.kind is Kind.FILE and entry.size > 0
    return entry.kind is not Kind.DIRECTORY and b"/" in path


def _read_padding(flow: Flow, facts: Facts) -> None:
    """What is behind the first block of zeros: the second one, and then nothing but zeros."""
    if facts.zero_blocks and flow.take(BLOCK_BYTES) == bytes(BLOCK_BYTES):
        facts.zero_blocks = 2
    start = flow.position
    while piece := flow.piece(1 << 20):
        if facts.bytes_after_end or _any_but_zeros(piece):
            facts.bytes_after_end = flow.position - start


def _any_but_zeros(piece: memoryview) -> bool:
    return piece != bytes(len(piece))
