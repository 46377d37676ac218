"""Pack a root filesystem into what the agent installs: image, digest, list of packages."""

import contextlib
import hashlib
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

import lz4.frame

from hammer.errors import FileFailed, TreeUnusable
from hammer.host.programs import AuthorProgram, HostPrograms
from hammer.image import formats, packages

DPKG_STATUS = PurePosixPath("var/lib/dpkg/status")

# Filled by the running system; what a build left there is of the build machine.
NOT_CONTENT = ("proc", "sys", "dev", "run", "tmp")

# The same tree gives the same bytes: by default the names of pax headers can hold
# tar's process id (GNU tar's manual, --pax-option, exthdr.name), and atime and
# ctime tell of the packing, not of the tree.
TAR_OPTIONS = (
    "--create",
    "--file=-",
    "--format=posix",
    "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime",
    "--numeric-owner",
    "--xattrs",
    "--xattrs-include=*",
    "--acls",
    "--sort=name",
    "--anchored",
    *(f"--exclude=./{name}/*" for name in NOT_CONTENT),
)

CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Packed:
    image: Path
    digest: Path
    packages: Path | None
    """None: the tree has no dpkg database."""
    md5: str
    size_bytes: int
    unpacked_bytes: int
    members: int


def pack(
    tree: Path,
    out: Path,
    *,
    programs: HostPrograms,
    level: int = 9,
    say: Callable[[str], None],
) -> Packed:
    """Pack the directory or tar archive `tree` to `out`.tar.lz4, with .md5 and packages.txt.

    `out` is a path without the ending, or a directory, in which the name is
    img. One pass in constant memory; each file appears whole or not at all, and
    until the new image is whole the old files stay as they are. Of a directory,
    what is in /proc, /sys, /dev, /run and /tmp stays out; an archive is packed
    byte for byte. Needs root to read a tree that is root's. Raises
    TreeUnusable, FileFailed, ProgramFailed.
    """
    prefix = out / "img" if out.is_dir() else out
    image = prefix.with_name(f"{prefix.name}.tar.lz4")
    digest = image.with_name(f"{image.name}.md5")
    listing = image.with_name("packages.txt")
    _refuse(tree, image)
    # tar's status is judged before the image takes its place.
    with _written_aside(image) as file, _source(tree, programs=programs) as source:
        packed = _Packing(source, file, tree=tree, level=level)
        status = packed.run()
    _publish(digest, f"{packed.md5}  {image.name}\n")
    say(f"{image}: {packed.size_bytes / 2**20:.1f} MiB, md5 {packed.md5}")
    if status is None:
        _remove(listing)  # an old one would be of another image
        say(f"no {DPKG_STATUS} in it: no packages.txt")
    else:
        _publish(listing, packages.listed(status))
    return Packed(
        image=image,
        digest=digest,
        packages=None if status is None else listing,
        md5=packed.md5,
        size_bytes=packed.size_bytes,
        unpacked_bytes=packed.unpacked_bytes,
        members=packed.members,
    )


def _refuse(tree: Path, image: Path) -> None:
    if not tree.exists():
        raise TreeUnusable(path=str(tree), reason="does not exist")
    if not image.parent.is_dir():
        raise TreeUnusable(path=str(image.parent), reason="is not a directory to pack into")
    if not tree.is_dir():
        return
    lacking = [name for name in ("etc", "usr") if not (tree / name).is_dir()]
    if lacking:
        names = " and no ".join(f"{name}/" for name in lacking)
        raise TreeUnusable(path=str(tree), reason=f"is no root filesystem: it has no {names}")
    if image.resolve().is_relative_to(tree.resolve()):
        raise TreeUnusable(path=str(image), reason="is in the tree that it would be packed from")


@contextlib.contextmanager
def _source(tree: Path, *, programs: HostPrograms) -> Iterator[IO[bytes]]:
    if tree.is_dir():
        with programs.output_of(AuthorProgram.TAR, *TAR_OPTIONS, "-C", tree, ".") as stdout:
            yield stdout
        return
    try:
        archive = tree.open("rb")
    except OSError as error:
        raise FileFailed(path=str(tree), reason=error.strerror or str(error)) from None
    with archive:
        yield archive


class _Packing:
    """Reads an archive to its end; every byte that is read goes into the image.

    tarfile looks at the members while they pass, so the file of this class is
    the one it reads from.
    """

    def __init__(self, source: IO[bytes], image: IO[bytes], *, tree: Path, level: int) -> None:
        self._source = source
        self._image = image
        self._tree = tree
        # What `lz4 -9` does: its frames are what image servers are full of.
        self._frame = lz4.frame.LZ4FrameCompressor(
            compression_level=level,
            block_size=lz4.frame.BLOCKSIZE_MAX4MB,
            block_linked=False,
            content_checksum=True,
        )
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._chunk = b""
        self._head = b""
        self.size_bytes = 0
        self.unpacked_bytes = 0
        self.members = 0

    @property
    def md5(self) -> str:
        return self._md5.hexdigest()

    def run(self) -> str | None:
        """Pack all of it. Returns the text of dpkg's database, if there is one."""
        self._write(self._frame.begin())
        status = self._look_at_members()
        while self.read(CHUNK_BYTES):
            pass  # tar pads behind its end mark
        self._write(self._frame.flush())
        return status

    def read(self, size: int) -> bytes:
        try:
            chunk = self._source.read(size)
        except OSError as error:
            raise FileFailed(path=str(self._tree), reason=error.strerror or str(error)) from None
        if chunk:
            self._chunk = chunk
            self._head = self._head or chunk[:8]
        self.unpacked_bytes += len(chunk)
        self._write(self._frame.compress(chunk))
        return chunk

    def _look_at_members(self) -> str | None:
        status = None
        tops: set[str] = set()
        # Of a file, a tarfile stream calls nothing but `read`.
        this = cast(IO[bytes], self)
        try:
            with tarfile.open(fileobj=this, mode="r|", bufsize=CHUNK_BYTES) as archive:
                while member := archive.next():
                    archive.members.clear()  # type: ignore[attr-defined]  # or it keeps them all
                    self.members += 1
                    name = PurePosixPath(member.name.removeprefix("./").lstrip("/"))
                    tops.update(name.parts[:1])
                    if name == DPKG_STATUS and (content := archive.extractfile(member)):
                        status = content.read().decode(errors="replace")
                self._refuse_damage(at=archive.offset)
        except tarfile.TarError as error:
            remark = formats.remark(self._head)
            reason = f"cannot be read as a tar archive: {error}{remark}"
            raise TreeUnusable(path=str(self._tree), reason=reason) from None
        if not {"etc", "usr"} <= tops:
            reason = "is no root filesystem: it has no etc/ or no usr/"
            raise TreeUnusable(path=str(self._tree), reason=reason)
        return status

    def _refuse_damage(self, *, at: int) -> None:
        """tarfile takes a damaged header, and no header at all, for the end of the archive.

        The end mark is a block of zeros (POSIX pax, "ustar Interchange
        Format"), and its block is the last that was looked at.
        """
        start = at - (self.unpacked_bytes - len(self._chunk))
        if self._chunk[start : start + tarfile.BLOCKSIZE] != bytes(tarfile.BLOCKSIZE):
            reason = f"is cut off or damaged at byte {at}"
            raise TreeUnusable(path=str(self._tree), reason=reason)

    def _write(self, packed: bytes) -> None:
        self._md5.update(packed)
        self.size_bytes += len(packed)
        self._image.write(packed)


@contextlib.contextmanager
def _written_aside(path: Path) -> Iterator[IO[bytes]]:
    """Hold a file that becomes `path` on a normal way out, and vanishes on any other."""
    try:
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            aside = Path(file.name)
            try:
                yield file
                file.flush()
                os.fchmod(file.fileno(), 0o644)
                aside.rename(path)
            except BaseException:
                aside.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise FileFailed(path=str(path), reason=error.strerror or str(error)) from None


def _publish(path: Path, text: str) -> None:
    with _written_aside(path) as file:
        file.write(text.encode())


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise FileFailed(path=str(path), reason=error.strerror or str(error)) from None
