"""The short way to most members leads to the same members as the long one."""

import random
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hammer.errors import HammerError
from hammer.stream import plain
from hammer.stream.flow import Flow
from hammer.stream.member import Member
from hammer.stream.tar import Archive
from tests.images import Directory, Entries, File, HardLink, Link, tar_of
from tests.native.stream.mutants import mutated_tar
from tests.unit.stream.archives import edited, header

TIMES = {"atime": "1.5", "ctime": "1700000000"}
LONG = "/".join(["directory-with-a-name"] * 6)
ENTRIES: Entries = [
    (".", Directory()),
    ("d", Directory(mode=0o2750, uid=7)),
    ("d/f", File(b"x" * 700, mode=0o4755, gid=8)),
    ("d/times", File(b"y", pax={"mtime": "1700000000.123456789", **TIMES})),
    ("d/no-mtime", File(b"", pax=TIMES)),
    ("d/before", File(b"z", pax={"mtime": "-1.5"})),
    ("d/exact", File(b"z", pax={"mtime": "1.5" + "0" * 1000})),
    (f"{LONG}/f", File(b"x")),
    (f"{LONG}/times", File(b"x", pax={"path": f"{LONG}/times", **TIMES})),
    (f"{LONG}/all-times", File(b"x", pax={"path": f"{LONG}/all-times", "mtime": "1.5", **TIMES})),
    ("d/other-order", File(b"x", pax={**TIMES, "mtime": "1.5"})),
    ("a/./b//c/", Directory()),
    ("d/.hidden", File(b"h")),
    ("d/xattr", File(b"x", pax={**TIMES, "SCHILY.xattr.user.a": "b"})),
    ("d/owner", File(b"x", pax={"uid": "3000000"})),
    ("link", Link("d/f")),
    ("hard", HardLink("d/f")),
]
FORMATS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]
ARCHIVES = [tar_of(ENTRIES, format=format) for format in FORMATS]


@contextmanager
def counted(*, short: bool) -> Iterator[list[Member]]:
    """Hold a list of what the short way gives; unless `short`, all go the long way."""
    given: list[Member] = []

    def members(chunk: memoryview) -> Iterator[tuple[Member, int]]:
        for member, at in original(chunk) if short else ():
            given.append(member)
            yield member, at

    original = plain.members
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plain, "members", members)
        yield given


def read(data: bytes, *, chunk_bytes: int = 1 << 20) -> list[object]:
    """Each member with its data, and what ended the archive."""
    chunks = (data[at : at + chunk_bytes] for at in range(0, len(data), chunk_bytes))
    flow = Flow(chunks)
    found: list[object] = []
    try:
        for member in Archive(flow, url="u"):
            found.append((member, flow.take(member.size)))
    except HammerError as error:
        found.append((type(error), str(error), flow.position))
    return found


@pytest.mark.parametrize("archive", ARCHIVES, ids=["ustar", "gnu", "pax"])
def test_most_members_go_the_short_way_and_are_the_same(archive: bytes) -> None:
    with counted(short=True) as given:
        short = read(archive)
    short_ones = {member.name for member in given}
    assert short_ones >= {b"d", b"d/f", b"d/no-mtime"}
    assert short_ones.isdisjoint({b"link", b"hard", b"d/.hidden", b"a/b/c"})
    with counted(short=False):
        assert read(archive) == short
    assert len(short) == len(ENTRIES)


def test_times_and_long_names_go_the_short_way_in_pax_and_attributes_do_not() -> None:
    with counted(short=True) as given:
        read(ARCHIVES[2])
    names = {member.name for member in given}
    long_names = {f"{LONG}/{name}".encode() for name in ("f", "times", "all-times")}
    assert names >= {b"d/times", b"d/before", *long_names}
    assert names.isdisjoint({b"d/xattr", b"d/owner", b"d/exact", b"d/other-order"})
    with counted(short=True) as given:
        read(ARCHIVES[0])
    assert f"{LONG}/f".encode() in {member.name for member in given}


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(ARCHIVES), st.integers(0, 1 << 32), st.sampled_from([512, 1000, 2048, 9999]))
@example(ARCHIVES[0], 19623, 9999).via("a directory of -1 bytes")
def test_damaged_archives_are_read_alike(archive: bytes, seed: int, chunk_bytes: int) -> None:
    data = mutated_tar(archive, random.Random(seed))
    with counted(short=True):
        short = read(data, chunk_bytes=chunk_bytes)
    with counted(short=False):
        assert read(data) == short


@pytest.mark.parametrize("archive", ARCHIVES, ids=["ustar", "gnu", "pax"])
def test_where_the_chunks_end_makes_no_difference(archive: bytes) -> None:
    with counted(short=False):
        expected = read(archive)
    for chunk_bytes in range(500, 8000, 12):
        assert read(archive, chunk_bytes=chunk_bytes) == expected


def test_an_extended_header_without_records_takes_nothing_of_what_follows() -> None:
    nothing_said = edited(header(tarfile.TarInfo("x")), {156: b"x"})
    data = nothing_said + bytes(512) + header(tarfile.TarInfo("hidden")) + bytes(1024)
    with counted(short=True) as given:
        (ended,) = read(data)
    assert "TarCorrupt" in str(ended)
    assert "an extended header is followed by no member" in str(ended)
    assert given == []
