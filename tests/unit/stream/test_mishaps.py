"""Seeded rows of mishaps: what arrives is one image, whole, or nothing does."""

import hashlib
import os
import random
from contextlib import ExitStack
from dataclasses import replace

import pytest

from hammer.stream.failures import FetchFailed
from hammer.stream.http import Patience
from hammer.stream.transfer import OVERLAP_BYTES, transferred
from tests.servers import (
    Answer,
    Chunked,
    Cut,
    Parts,
    Redirect,
    Reset,
    Status,
    Then,
    WithoutLength,
    serve,
)

SIZE = 12 * OVERLAP_BYTES
FIRST = random.Random(1).randbytes(SIZE)
SECOND = random.Random(2).randbytes(SIZE)
LONG = Patience(connect_s=60, stall_s=60, retry_for_s=60, first_pause_s=0.001, longest_pause_s=0.01)
SHORT = replace(LONG, retry_for_s=0.3)
pytestmark = pytest.mark.soak

SEEDS = range(1000 if os.environ.get("HAMMER_SOAK") else 40)

Answers = dict[str, Answer | Then]


def mishap(chance: random.Random, content: bytes) -> Answer:
    """An answer that brings a part of the content at most, in one of many ways."""
    after = chance.choice([0, 1, chance.randrange(SIZE), chance.randrange(SIZE)])
    parts = Parts(
        content,
        etag=chance.choice(["", '"1"', '"2"', 'W/"1"']),
        modified=chance.choice(["", "Mon, 02 Nov 2026 10:00:00 GMT"]),
        after=after,
        lies=chance.choice(
            ["", "", "", "ignores-range", "ignores-if-range", "416", "elsewhere", "no-range"]
        ),
    )
    ways: list[Answer] = [
        parts,
        parts,
        parts,
        replace(parts, end="reset"),
        Cut(content, after),
        Reset(content, after),
        WithoutLength(content[:after]),
        Chunked(content[:after], cut=True),
        Status(chance.choice([429, 500, 503])),
        Redirect("/hop"),
    ]
    return chance.choice(ways)


def received(urls: list[str], *, patience: Patience) -> bytes:
    digest = hashlib.sha256()
    data = bytearray()
    with transferred(urls, patience=patience, size_bytes=SIZE) as transfer:
        transfer.compare_with(digest.copy)
        while part := transfer.read():
            digest.update(part)
            data += part
    return bytes(data)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_row_of_mishaps_ends_with_every_byte(seed: int) -> None:
    chance = random.Random(seed)
    with ExitStack() as held:
        urls = []
        for _ in range(chance.randint(1, 3)):
            row = [mishap(chance, FIRST) for _ in range(chance.randint(0, 6))]
            answers: Answers = {"/x": Then(*row, Parts(FIRST)), "/hop": Parts(FIRST, after=5)}
            urls.append(held.enter_context(serve(answers)).url("/x"))
        assert received(urls, patience=LONG) == FIRST


@pytest.mark.parametrize("seed", SEEDS)
def test_of_two_images_none_is_made_one(seed: int) -> None:
    chance = random.Random(seed)
    with ExitStack() as held:
        urls = []
        for _ in range(chance.randint(1, 3)):
            row = [mishap(chance, chance.choice([FIRST, SECOND])) for _ in range(6)]
            last = Parts(chance.choice([FIRST, SECOND]))
            answers: Answers = {"/x": Then(*row, last), "/hop": Parts(SECOND, after=5)}
            urls.append(held.enter_context(serve(answers)).url("/x"))
        try:
            data = received(urls, patience=SHORT)
        except FetchFailed:
            return
        assert data in (FIRST, SECOND)
