"""A small image damaged at seeded places: refused, or the tree is right; never a wrong tree.

A failure names its number, which is the seed. HAMMER_SOAK=1 runs all of them.
"""

import os
import random
import shutil
import tarfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from hammer.errors import ImageError
from hammer.stream.image import HttpImages
from tests import images
from tests.images import PATH, Directory, File, HardLink, Link, Node, published
from tests.manifest import differences, manifest
from tests.native.stream.unpacking import PATIENCE
from tests.servers import Answer, Chunked, Cut, Reset, Then, WithoutLength, serve

CASES = 120 if os.environ.get("HAMMER_SOAK") is None else 1000
BLOCKS = 10
_PATIENCE = replace(PATIENCE, retry_for_s=0.2)

ENTRIES: images.Entries = {
    "./": Directory(mode=0o711),
    "etc/": Directory(),
    "etc/hostname": b"m1\n",
    "etc/many/": Directory(mode=0o700),
    **{f"etc/many/{n}": File(b"%d\n" % n * n, uid=n) for n in range(60)},
    "bin": Link("usr/bin"),
    "usr/": Directory(),
    "usr/noise": random.Random(1).randbytes(90_000),
    "usr/text": File(b"the same again and again\n" * 9000, mode=0o4755),
    "usr/hard": HardLink("usr/noise"),
    "usr/null": Node(tarfile.CHRTYPE, 1, 3),
    "usr/last": File(b"end", pax={"SCHILY.xattr.user.a": "b"}),
}
ARCHIVE = images.tar_of(ENTRIES)

# Of what is broken before it is published, only a checksum inside can tell.
CHECKSUMMED = ("lz4", "zstd", "gzip")


def flipped(content: bytes, chance: random.Random) -> bytes:
    at, bit = chance.randrange(len(content)), 1 << chance.randrange(8)
    return content[:at] + bytes([content[at] ^ bit]) + content[at + 1 :]


def on_the_way(content: bytes, chance: random.Random) -> Answer | Then:
    """What the server does when the image is unpacked, once or each time."""
    at = chance.randrange(len(content))
    damaged: Answer = chance.choice(
        (
            Cut(content, at),
            Reset(content, at),
            content[:at],
            Chunked(content[:at]),
            WithoutLength(content[:at]),
            flipped(content, chance),
            Chunked(flipped(content, chance)),
            WithoutLength(flipped(content, chance)),
            content[:at] + content[at + 1 :],
            content[:at] + content,
        )
    )
    return Then(content, damaged, content) if chance.random() < 0.5 else Then(content, damaged)


def answers(chance: random.Random) -> dict[str, Answer | Then]:
    """The image is fine when it is asked for and not when it is unpacked, or it was never fine."""
    if chance.random() < 0.6:
        content = images.PACKERS[chance.choice(list(images.PACKERS))](ARCHIVE)
        return {**published(content), PATH: on_the_way(content, chance)}
    content = images.PACKERS[chance.choice(CHECKSUMMED)](ARCHIVE)
    if chance.random() < 0.5:
        return {**published(content[: chance.randrange(1, len(content))])}
    return {**published(flipped(content, chance))}


@pytest.mark.soak
@pytest.mark.parametrize("block", range(BLOCKS))
def test_no_damage_ends_in_a_wrong_tree(block: int, tmp_path: Path) -> None:
    expected = tmp_path / "expected"
    expected.mkdir()
    unpack(published(images.packed(ARCHIVE)), expected)
    right = manifest(expected)
    assert len(right) == len(ENTRIES)
    ends: Counter[str] = Counter()
    for number in range(block * CASES // BLOCKS, (block + 1) * CASES // BLOCKS):
        root = tmp_path / "rootfs"
        root.mkdir()
        try:
            unpack(answers(random.Random(number)), root)
        except ImageError as error:
            ends[error.code] += 1
        else:
            assert differences(right, manifest(root)) == [], number
            ends["right"] += 1
        shutil.rmtree(root)
    assert sum(ends.values()) - ends["right"] > 0, ends


def unpack(given: dict[str, Answer | Then] | dict[str, bytes], root: Path) -> None:
    agent = HttpImages(patience=_PATIENCE)
    with serve(given) as server:
        agent.unpack(agent.ask(server.url(PATH)), root, progress=lambda _packed_bytes: None)
