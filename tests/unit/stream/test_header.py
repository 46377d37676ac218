"""The header of a member: its numbers, its checksum, and the two halves of its name."""

import pytest

from hammer.errors import ImageNotTar, TarCorrupt
from hammer.stream.header import number
from tests.images import tar_of
from tests.unit.stream.archives import edited, members, only


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (b"0000644\0", 0o644),
        (b"   644 \0", 0o644),
        (b"644     ", 0o644),
        (b"\0\0\0\0\0\0\0\0", 0),
        (b"        ", 0),
        (b"\x80\0\0\0\0\0\x01\x00", 256),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff", -1),
        (b"77777777", 0o77777777),
    ],
)
def test_numbers_of_a_header(field: bytes, value: int) -> None:
    assert number(field) == value


@pytest.mark.parametrize(
    "field", [b"8", b"abc", b"0o17", b"0o17\0x", b"+4", b"-17", b"1_0", b"1 0"]
)
def test_what_is_no_number(field: bytes) -> None:
    padded = field.ljust(8, b"\0")
    with pytest.raises(ValueError, match="no number"):
        number(padded)


@pytest.mark.parametrize(
    ("at", "size_bytes"),
    [(100, 8), (108, 8), (116, 8), (124, 12), (136, 12)],
    ids=["mode", "uid", "gid", "size", "time"],
)
@pytest.mark.parametrize("field", [b"+4", b"-17", b"1_0", b"0o644"])
def test_a_header_with_what_is_no_number_is_refused(at: int, size_bytes: int, field: bytes) -> None:
    archive = edited(tar_of({"f": b"x"}), {at: field.ljust(size_bytes, b"\0")})
    with pytest.raises(TarCorrupt, match="no number"):
        members(archive)


@pytest.mark.parametrize("name", [b"f", b"\xff" * 100], ids=["ascii", "not"])
def test_a_checksum_that_is_wrong_by_what_an_adler32_does_not_see(name: bytes) -> None:
    archive = tar_of({"f": b"x"})
    assert members(edited(archive, {0: name}))
    for sum_too_much in (65521, 1):
        with pytest.raises(ImageNotTar):
            members(edited(archive, {0: name}, sum_too_much=sum_too_much))


@pytest.mark.parametrize("version", [b"00", b"\0\0", b"  "])
def test_the_first_half_of_a_name_counts_whatever_the_version_is(version: bytes) -> None:
    """GNU tar, bsdtar and tarfile read these so."""
    archive = edited(tar_of({"f": b"x"}), {257: b"ustar\0" + version, 345: b"dir"})
    assert only(archive).name == b"dir/f"


def test_the_first_half_of_a_name_of_gnu_is_none() -> None:
    archive = edited(tar_of({"f": b"x"}), {257: b"ustar  \0", 345: b"dir"})
    assert only(archive).name == b"f"
