"""The tar reader, against archives of Python's tarfile, GNU tar and bsdtar."""

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hammer.errors import (
    ImageError,
    ImageNotTar,
    TarCorrupt,
    TarMemberOutside,
    TarMemberUnsupported,
)
from hammer.stream.member import Kind, printable
from tests.images import Directory, Entries, File, HardLink, Link, Node, tar_of
from tests.unit.stream.archives import header, members, only

FORMATS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]
LONG = "/".join(["directory-with-a-name"] * 12) + "/file"


@pytest.mark.parametrize("format", FORMATS)
def test_all_kinds_are_read(format: int) -> None:
    entries: Entries = {
        "etc": Directory(mode=0o2755, gid=5),
        "./etc/shadow": File(b"x" * 1234, mode=0o640, uid=0, gid=42, mtime=1_600_000_000),
        "etc/empty": b"",
        "/absolute": File(b"y", mode=0o4755),
        "lib": Link("usr/lib"),
        "hard": HardLink("./etc/shadow"),
        "null": Node(tarfile.CHRTYPE, 1, 3, 0o666),
        "sda": Node(tarfile.BLKTYPE, 8, 0),
        "pipe": Node(tarfile.FIFOTYPE),
    }
    found = members(tar_of(entries, format=format))
    assert [(m.name, m.kind) for m, _data in found] == [
        (b"etc", Kind.DIRECTORY),
        (b"etc/shadow", Kind.FILE),
        (b"etc/empty", Kind.FILE),
        (b"absolute", Kind.FILE),
        (b"lib", Kind.SYMLINK),
        (b"hard", Kind.HARDLINK),
        (b"null", Kind.CHARACTER),
        (b"sda", Kind.BLOCK),
        (b"pipe", Kind.FIFO),
    ]
    etc, shadow, _empty, absolute, lib, hard, null, sda, _pipe = (m for m, _data in found)
    assert (etc.mode, etc.gid) == (0o2755, 5)
    assert (shadow.mode, shadow.uid, shadow.gid) == (0o640, 0, 42)
    assert shadow.mtime_ns == 1_600_000_000 * 10**9
    assert found[1][1] == b"x" * 1234
    assert absolute.mode == 0o4755
    assert (lib.target, hard.target) == (b"usr/lib", b"etc/shadow")
    assert (null.device, sda.device) == ((1, 3), (8, 0))


@pytest.mark.parametrize("format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_and_targets(format: int) -> None:
    entries: Entries = {
        LONG: b"content",
        "link": Link(LONG),
        "hard": HardLink(LONG),
        LONG + "\udcff\udc80": b"not UTF-8",
    }
    found = members(tar_of(entries, format=format))
    assert [m.name for m, _data in found] == [
        LONG.encode(),
        b"link",
        b"hard",
        LONG.encode() + b"\xff\x80",
    ]
    assert found[1][0].target == found[2][0].target == LONG.encode()
    assert found[0][1] == b"content"


def test_a_ustar_name_has_two_halves() -> None:
    name = "a" * 90 + "/" + "b" * 90
    assert only(tar_of({name: b""}, format=tarfile.USTAR_FORMAT)).name == name.encode()


@pytest.mark.parametrize("format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_numbers_that_octal_cannot_hold(format: int) -> None:
    member = only(tar_of({"f": File(uid=3_000_000, gid=4_000_000_000)}, format=format))
    assert (member.uid, member.gid) == (3_000_000, 4_000_000_000)
    old = only(tar_of({"f": File(mtime=-86400)}, format=format))
    assert old.mtime_ns == -86400 * 10**9


def test_pax_records_win_over_the_header() -> None:
    pax = {
        "mtime": "1700000000.123456789",
        "SCHILY.xattr.user.note": "a=b\n",
        "LIBARCHIVE.xattr.user.more%20": "AAEC",
        "SCHILY.xattr.user.equals%3D": "x",
        "RHT.security.selinux": "system_u:object_r:etc_t:s0",
        "SCHILY.acl.access": "user::rwx,group::r-x,other::r--",
        "comment": "nobody reads this",
    }
    member = only(tar_of({"f": File(pax=pax)}))
    assert member.mtime_ns == 1_700_000_000_123_456_789
    assert member.xattrs == {
        b"user.note": b"a=b\n",
        b"user.more ": b"\x00\x01\x02",
        b"user.equals=": b"x",
        b"security.selinux": b"system_u:object_r:etc_t:s0\0",
    }
    assert member.acl_access == b"user::rwx,group::r-x,other::r--"


def test_xattr_values_may_hold_any_byte() -> None:
    value = bytes(range(256))
    record = b"SCHILY.xattr.security.capability=" + value + b"\n"
    body = b"%d " % (len(record) + 4) + record
    extended = tarfile.TarInfo("x")
    extended.type, extended.size = b"x", len(body)
    data = header(extended) + body.ljust(512, b"\0") + tar_of({"f": b""})
    assert only(data).xattrs == {b"security.capability": value}


def test_global_records_hold_until_the_next() -> None:
    buffer = io.BytesIO()
    with tarfile.open(
        fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"uid": "77"}
    ) as archive:
        archive.addfile(tarfile.TarInfo("a"))
        info = tarfile.TarInfo("b")
        info.pax_headers = {"uid": "78"}
        archive.addfile(info)
        archive.addfile(tarfile.TarInfo("c"))
    assert [m.uid for m, _data in members(buffer.getvalue())] == [77, 78, 77]


@pytest.mark.parametrize(
    ("flags", "value_bytes", "reason"),
    [
        ("ggg", 30_000, "global header"),
        ("xXL", 2_000_000, "headers"),
        ("LKx", 2_000_000, "headers"),
    ],
)
def test_headers_that_add_up_are_refused(flags: str, value_bytes: int, reason: str) -> None:
    """What is kept of them is memory of the agent, and what packs well costs its author nothing."""

    def extension(number: int) -> bytes:
        record = b"k%d=" % number + bytes(value_bytes) + b"\n"
        body = b"%d " % (len(record) + len(str(len(record))) + 1) + record
        extended = tarfile.TarInfo("x")
        extended.type, extended.size = flags[number].encode(), len(body)
        return header(extended) + body + bytes(-len(body) % 512)

    two, three = (b"".join(map(extension, range(count))) for count in (2, 3))
    member = tar_of({"f": b""})
    assert [found.name for found, _data in members(two + member)] != []
    with pytest.raises(TarCorrupt, match=f"{reason} of [0-9]+ bytes .* not plausible"):
        members(three + member)


def extension(flag: bytes, **records: str) -> bytes:
    text = "".join(
        f"{size} {record}"
        for key, value in records.items()
        for record in [f"{key}={value}\n"]
        for size in [len(record) + 3]
    )
    body = text.encode() if flag in b"xXg" else records["name"].encode() + b"\0"
    info = tarfile.TarInfo("x")
    info.type, info.size = flag, len(body)
    return header(info) + body + bytes(-len(body) % 512)


@pytest.mark.parametrize(
    ("flag", "records"), [(b"x", {"path": "other"}), (b"L", {"name": "f"}), (b"K", {"name": "f"})]
)
def test_two_extended_headers_of_one_type_are_refused(flag: bytes, records: dict[str, str]) -> None:
    """GNU tar takes the last one, Python's tarfile the first, and bsdtar of some types both."""
    one, member = extension(flag, **records), tar_of({"f": b""})
    assert members(one + member)
    with pytest.raises(TarCorrupt, match="two extended headers of one type"):
        members(one + one + member)


def test_an_extended_header_before_a_label_is_refused() -> None:
    """GNU tar takes it for the label's, and bsdtar for the member's behind it."""
    info = tarfile.TarInfo("label")
    info.type = b"V"
    label, member = header(info), tar_of({"f": b""})
    assert only(label + extension(b"x", path="other") + member).name == b"other"
    assert only(extension(b"g", comment="text") + label + member).name == b"f"
    with pytest.raises(TarCorrupt, match="followed by a label"):
        members(extension(b"x", path="other") + label + member)


@pytest.mark.parametrize("entry", [b"x", Link("t"), Node(tarfile.FIFOTYPE)])
def test_the_name_of_a_directory_is_for_nothing_else(entry: bytes | Link | Node) -> None:
    assert only(tar_of({"a/.": Directory()})).name == b"a"
    with pytest.raises(TarCorrupt, match="the name of one"):
        members(tar_of({"a/.": entry}))


def test_headers_of_many_members_do_not_add_up() -> None:
    extended = tarfile.TarInfo("x")
    extended.type, extended.size = b"x", 1 << 20
    archive = header(extended) + bytes(1 << 20) + tar_of({"f": b""})[:512]
    assert len(members(8 * archive)) == 8


@pytest.mark.parametrize("flag", [b"0", b"\0", b"7"])
def test_a_file_with_a_slash_behind_its_name_is_a_directory(flag: bytes) -> None:
    info = tarfile.TarInfo("etc/")
    info.type = flag
    data = bytearray(header(info))
    data[0:5], data[148:156] = b"etc/\0", b" " * 8
    data[148:156] = b"%06o\0 " % sum(data)
    assert only(bytes(data)).kind is Kind.DIRECTORY


def test_a_checksum_of_signed_characters_is_accepted() -> None:
    info = tarfile.TarInfo("\udce4\udcf6")
    data = bytearray(header(info))
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(byte - 256 if byte > 127 else byte for byte in data)
    assert only(bytes(data)).name == b"\xe4\xf6"


def test_an_archive_without_an_end_mark_is_whole() -> None:
    assert [m.name for m, _ in members(tar_of({"a": b"1" * 512})[:1024])] == [b"a"]


def test_what_follows_the_end_mark_is_nobodys() -> None:
    assert len(members(tar_of({"a": b"1"}) + tar_of({"b": b"2"}))) == 1


@pytest.mark.parametrize("data", [b"", bytes(10240), b"#!/bin/sh\n" * 100, b"short"])
def test_what_is_no_tar_is_refused(data: bytes) -> None:
    with pytest.raises(ImageNotTar):
        members(data)


@pytest.mark.parametrize(
    "name", ["../x", "a/../../x", "a/..", "..", "/../x", "a/../b", "./../x", "a//../x"]
)
def test_a_name_that_climbs_is_refused(name: str) -> None:
    with pytest.raises(TarMemberOutside):
        members(tar_of({name: b""}))
    with pytest.raises(TarMemberOutside):
        members(tar_of({"hard": HardLink(name)}))


def test_a_name_with_dots_of_its_own_is_no_climb() -> None:
    names = ["..a", "a..", "...", ".hidden/..x", "a/.b"]
    found = members(tar_of(dict.fromkeys(names, b"")))
    assert [m.name.decode() for m, _data in found] == names


def test_a_symbolic_link_may_point_anywhere() -> None:
    assert only(tar_of({"x": Link("../../etc/passwd")})).target == b"../../etc/passwd"


GOOD = tar_of({"a": b"1" * 700, "b": b"2" * 700})


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (GOOD[:600], "ends inside of a member"),
        (GOOD[:1535], "ends inside of a member"),
        (GOOD[:1536] + GOOD[1536:1600], "not a tar header"),
        (GOOD[:1536] + b"x" + GOOD[1537:], "not a tar header"),
        (GOOD[:1536] + os.urandom(512), "not a tar header"),
    ],
)
def test_an_archive_that_goes_wrong_is_corrupt(data: bytes, reason: str) -> None:
    with pytest.raises(TarCorrupt, match=reason):
        members(data)


def test_the_place_is_told() -> None:
    with pytest.raises(TarCorrupt, match="at byte 1536 of the archive"):
        members(GOOD[:1536] + b"x" * 512)


@pytest.mark.parametrize("flag", [b"M", b"N", b"A", b"Q", b"\xff"])
def test_an_unknown_kind_is_refused(flag: bytes) -> None:
    info = tarfile.TarInfo("name")
    info.type = flag
    with pytest.raises(TarMemberUnsupported, match="member name: type"):
        members(header(info))


def test_an_nfs4_list_is_refused_and_not_dropped() -> None:
    with pytest.raises(TarMemberUnsupported, match="NFSv4"):
        members(tar_of({"f": File(pax={"SCHILY.acl.ace": "owner@:rw::allow"})}))


def test_a_volume_label_is_no_member() -> None:
    info = tarfile.TarInfo("label")
    info.type = b"V"
    assert only(header(info) + tar_of({"a": b""})).name == b"a"


@pytest.mark.parametrize(
    "pax",
    [
        {"size": "-1"},
        {"size": "99999999999999999999"},
        {"uid": "4294967295"},
        {"gid": "x"},
        {"mtime": "nan"},
        {"mtime": "1e9"},
        {"mtime": "999999999999"},
        {"path": "a\0b"},
        {"LIBARCHIVE.xattr.user.x": "not base64!"},
        {"SCHILY.xattr.": "no name"},
        {"GNU.sparse.map": "1,2,3", "GNU.sparse.size": "9"},
        {"GNU.sparse.map": "0,5,3,5", "GNU.sparse.size": "9"},
        {"GNU.sparse.major": "1", "GNU.sparse.realsize": "9"},
    ],
)
def test_records_out_of_range_are_refused(pax: dict[str, str]) -> None:
    with pytest.raises(TarCorrupt):
        members(tar_of({"f": File(b"123", pax=pax)}))


def test_a_huge_extension_is_not_read_into_memory() -> None:
    info = tarfile.TarInfo("x")
    info.type, info.size = b"x", 1 << 40
    with pytest.raises((TarCorrupt, ImageNotTar)):
        members(header(info))


def test_names_for_messages_hold_no_control_characters() -> None:
    assert printable(b"a\x1b[2Jb\n\xff") == "a\\x1b[2Jb\\n\\xff"


SAMPLE = tar_of(
    {
        "etc": Directory(),
        "etc/f": File(b"x" * 100, pax={"SCHILY.xattr.user.a": "b", "mtime": "1.5"}),
        LONG: b"y",
        "link": Link("x"),
        "hard": HardLink("etc/f"),
        "null": Node(tarfile.CHRTYPE, 1, 3),
    }
)


def with_checksum(data: bytearray) -> bytes:
    """Right checksums everywhere, so that a mutation gets past the first look."""
    for at in range(0, len(data) - 511, 512):
        block = data[at : at + 512]
        if block[257:262] == b"ustar":
            block[148:156] = b" " * 8
            data[at + 148 : at + 156] = b"%06o\0 " % sum(block)
    return bytes(data)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, len(SAMPLE) - 1), st.integers(0, 255)), min_size=1, max_size=12
    ),
    st.booleans(),
)
@example([(124, 0xFF)], True)
@example([(156, ord("V")), (124, 0xFF)], True)
def test_no_mutation_gets_past_the_types(changes: list[tuple[int, int]], mended: bool) -> None:
    data = bytearray(SAMPLE)
    for at, byte in changes:
        data[at] = byte
    try:
        found = members(with_checksum(data) if mended else bytes(data))
    except ImageError:
        return
    for member, content in found:
        assert len(content) <= member.size
        assert b".." not in member.name.split(b"/")
        assert 0 <= member.uid < 1 << 32


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=3000), st.integers(0, 3))
def test_no_noise_gets_past_the_types(noise: bytes, keep: int) -> None:
    try:
        members(SAMPLE[: 512 * keep] + noise)
    except ImageError:
        return


# --- archives of other writers -------------------------------------------------------------


@pytest.mark.programs
@pytest.mark.parametrize(
    "argv",
    [
        ["tar", "--format=v7"],
        ["tar", "--format=oldgnu"],
        ["tar", "--format=gnu"],
        ["tar", "--format=ustar"],
        ["tar", "--format=posix"],
        ["bsdtar", "--format=ustar"],
        ["bsdtar", "--format=pax"],
        ["bsdtar", "--format=gnutar"],
    ],
)
def test_other_writers(argv: list[str], tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "etc").mkdir(parents=True)
    (tree / "etc" / "f").write_bytes(b"content" * 1000)
    (tree / "etc" / "f").chmod(0o751)
    (tree / "link").symlink_to("etc/f")
    (tree / "hard").hardlink_to(tree / "etc" / "f")
    os.utime(tree / "etc" / "f", (1_500_000_000, 1_500_000_000))
    made = subprocess.run(
        [*argv, "-cf", "-", "-C", tree, "."], check=True, capture_output=True
    ).stdout
    found = {member.name: (member, data) for member, data in members(made)}
    assert set(found) == {b"", b"etc", b"etc/f", b"link", b"hard"}
    files = [found[name] for name in (b"etc/f", b"hard")]
    file, data = next(pair for pair in files if pair[0].kind is Kind.FILE)
    link = next(member for member, _data in files if member.kind is Kind.HARDLINK)
    assert (file.mode, file.mtime_ns) == (0o751, 1_500_000_000 * 10**9)
    assert data == b"content" * 1000
    assert link.target == file.name
    assert found[b"link"][0].target == b"etc/f"
