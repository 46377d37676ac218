"""Access control lists, from text to what the kernel takes."""

import os
from pathlib import Path
from struct import Struct

import pytest

from hammer.stream import acl

ENTRY = Struct("<HHI")

USERS = {"daemon": 1, "joe": 1001}.get
GROUPS = {"adm": 4}.get


def entries(text: str) -> list[tuple[int, int, int]]:
    value = acl.xattr_value(text.encode(), uid_of=USERS, gid_of=GROUPS)
    assert value[:4] == b"\x02\0\0\0"
    words = [value[at : at + 8] for at in range(4, len(value), 8)]
    return [
        (
            int.from_bytes(w[:2], "little"),
            int.from_bytes(w[2:4], "little"),
            int.from_bytes(w[4:], "little"),
        )
        for w in words
    ]


MINIMAL = [(0x01, 7, 0xFFFFFFFF), (0x04, 5, 0xFFFFFFFF), (0x20, 4, 0xFFFFFFFF)]


@pytest.mark.parametrize(
    "text", ["user::rwx,group::r-x,other::r--", "user::rwx\ngroup::r-x\nother::r--\n"]
)
def test_commas_and_lines(text: str) -> None:
    assert entries(text) == MINIMAL


def test_names_numbers_and_the_order_of_the_kernel() -> None:
    text = "other::---,mask::rw-,group:adm:r--,group::r--,user:1002:r--,user:joe:rw-,user::rw-"
    assert entries(text) == [
        (0x01, 6, 0xFFFFFFFF),
        (0x02, 4, 1002),
        (0x02, 6, 1001),
        (0x04, 4, 0xFFFFFFFF),
        (0x08, 4, 4),
        (0x10, 6, 0xFFFFFFFF),
        (0x20, 0, 0xFFFFFFFF),
    ]


def test_the_number_behind_helps_where_the_name_is_unknown() -> None:
    assert (0x02, 6, 2000) in entries("user::rwx,user:ann:rw-:2000,group::r-x,mask::rwx,other::---")
    assert (0x02, 6, 1001) in entries("user::rwx,user:joe:rw-:2000,group::r-x,mask::rwx,other::---")


@pytest.mark.parametrize(
    "text",
    ["user:nobody:rw-", "user", "usr::rwx", "user::rwz", "user::", "mask:joe:rwx:", "\x1b::rwx"],
)
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="access control list"):
        entries(text)


def test_names_are_never_looked_up_in_what_does_not_end(tmp_path: Path) -> None:
    fifo = tmp_path / "passwd"
    os.mkfifo(fifo)
    assert acl.ids(fifo)("root") is None
    assert acl.ids(Path("/dev/zero"))("root") is None
