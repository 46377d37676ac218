"""Mutated archives and frames: no crash, nothing outside, bounded memory and time.

A seed is a number of the matrix; a failure names it. HAMMER_SOAK=1 runs all of them.
"""

import ctypes
import os
import random
import signal
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hammer.errors import HammerError, ImageCorrupt, ImageNotLz4, ImageTruncated
from hammer.stream import frames
from hammer.stream import unpacker as processes
from tests import images
from tests.images import Directory, File, HardLink, Link, Node
from tests.manifest import manifest
from tests.native.stream.limits import MEMORY_BYTES, each
from tests.native.stream.mutants import mutated, mutated_tar

CASES = 400 if os.environ.get("HAMMER_SOAK") is None else 10_000
BLOCKS = 10
BATCH = 50
URL = "file:///mutant"
TEXT = random.Random(1).randbytes(2000) + b"word " * 4000 + bytes(300_000)

ACL = "user::rw-,user:0:rw-,group::r--,mask::rw-,other::---"
ENTRIES: list[tuple[str, images.Entry]] = [
    ("./", Directory(mode=0o711)),
    ("etc/passwd", b"root:x:0:0::/:/bin/sh\n"),
    ("d", Directory(mode=0o555, uid=7)),
    ("d/f", File(b"data" * 300, mode=0o4755, uid=1000, mtime=1.5)),
    ("l", Link("d")),
    ("l/x", b"through a link"),
    ("h", HardLink("d/f")),
    ("a" * 120 + "/" + "b" * 150, b"long"),
    ("n", Node(tarfile.CHRTYPE, 1, 3)),
    ("p", Node(tarfile.FIFOTYPE)),
]
PAX_ENTRIES: list[tuple[str, images.Entry]] = [
    *ENTRIES,
    ("x", File(b"x", pax={"SCHILY.xattr.user.a": "b", "SCHILY.acl.access": ACL})),
    ("s", File(b"sparse", pax={"GNU.sparse.map": "0,3,1000,3", "GNU.sparse.size": "2000"})),
    ("d", Link("etc")),
    ("d", Directory()),
]
ARCHIVES = (
    images.tar_of(PAX_ENTRIES),
    images.tar_of(ENTRIES, format=tarfile.GNU_FORMAT),
    images.tar_of(ENTRIES[:6], format=tarfile.USTAR_FORMAT),
)


def numbers(block: int) -> Iterator[range]:
    """The seeds of a block, in the batches that one process does."""
    first, last = block * CASES // BLOCKS, (block + 1) * CASES // BLOCKS
    for at in range(first, last, BATCH):
        yield range(at, min(at + BATCH, last))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (lambda: bytearray(MEMORY_BYTES + (64 << 20)), "MemoryError"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "Killed"),
        (lambda: os.kill(os.getpid(), signal.SIGXCPU), "CPU time limit exceeded"),
        (lambda: [][0], "IndexError"),
    ],
)
def test_what_a_case_does_wrong_is_told_with_its_number(
    fault: Callable[[], object], said: str
) -> None:
    def work(number: int) -> None:
        if number == 7:
            fault()

    with pytest.raises(AssertionError, match=rf"(?s)case 7\b.*{said}"):
        each(range(9), work)


# --- archives -------------------------------------------------------------------------------

_LIBC = ctypes.CDLL(None, use_errno=True)
_MS_NOSUID_NODEV = 2 | 4  # linux/mount.h: what a mutant makes is never opened as a device


def fresh(root: Path) -> None:
    """Make `root` an empty filesystem of 16 MiB, in place of the one that is there."""
    _LIBC.umount2(os.fsencode(root), 0)
    made = _LIBC.mount(b"none", os.fsencode(root), b"tmpfs", _MS_NOSUID_NODEV, b"size=16m")
    assert made == 0, os.strerror(ctypes.get_errno())


@pytest.fixture
def target(root: Path) -> Iterator[Path]:
    yield root
    while _LIBC.umount2(os.fsencode(root), 0) == 0:
        pass


@pytest.mark.soak
@pytest.mark.parametrize("block", range(BLOCKS))
def test_mutated_archives(block: int, target: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    before, beside = manifest(outside), sorted(tmp_path.iterdir())

    def unpack(number: int) -> None:
        chance = random.Random(number)
        data = mutated_tar(chance.choice(ARCHIVES), chance)
        fresh(target)
        with processes.unpacking(target, url=URL, ownerless=()) as unpacker:
            unpacker.feed(data)
            result = unpacker.result()
        assert isinstance(result, processes.Written | HammerError)
        assert manifest(outside) == before
        assert sorted(tmp_path.iterdir()) == beside

    for batch in numbers(block):
        each(batch, unpack)


# --- frames ---------------------------------------------------------------------------------


@pytest.mark.soak
@pytest.mark.parametrize("block", range(BLOCKS))
@pytest.mark.parametrize("format", [name for name in images.PACKERS if name != "tar"])
def test_mutated_frames(format: str, block: int) -> None:
    pack: Callable[[bytes], bytes] = images.PACKERS[format]
    whole = pack(TEXT)

    def decode(number: int) -> None:
        chance = random.Random(number)
        data = mutated(whole, chance)
        size = chance.choice((1 << 20, 1000, 7))
        pieces = (data[at : at + size] for at in range(0, len(data), size))
        try:
            for chunk in frames.plain(pieces, url=URL):
                assert len(chunk) <= frames.CHUNK_MAX_BYTES
        except (ImageNotLz4, ImageTruncated, ImageCorrupt):
            pass

    for batch in numbers(block):
        each(batch, decode)
