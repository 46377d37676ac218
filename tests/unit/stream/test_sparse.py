"""Maps of sparse files, in all formats of GNU tar."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from hammer.errors import TarCorrupt
from hammer.stream.sparse import MAX_EXTENTS
from tests.images import File, tar_of
from tests.unit.stream.archives import edited, members, only


@pytest.mark.programs
@pytest.mark.parametrize(
    "format", [["gnu"], ["posix", "0.0"], ["posix", "0.1"], ["posix", "1.0"]], ids="-".join
)
@pytest.mark.parametrize("runs", [0, 1, 3, 60])
def test_sparse_files_of_gnu_tar(format: list[str], runs: int, tmp_path: Path) -> None:
    file = tmp_path / "sparse"
    with file.open("wb") as stream:
        for run in range(runs):
            stream.seek(run * 300_000)
            stream.write(b"%06d" % run * 1000)
        stream.truncate(runs * 300_000 + 1_000_000)
    argv = ["tar", "-S", f"--format={format[0]}", "-cf", "-", "-C", str(tmp_path), "sparse"]
    if format[1:]:
        argv.insert(2, f"--sparse-version={format[1]}")
    made = subprocess.run(argv, check=True, capture_output=True).stdout
    assert len(made) < 700_000
    ((member, data),) = members(made)
    assert member.name == b"sparse"
    assert member.sparse is not None
    rebuilt = bytearray(member.sparse.size)
    for offset, length in member.sparse.extents:
        rebuilt[offset : offset + length], data = data[:length], data[length:]
    assert bytes(rebuilt) == file.read_bytes()


def sparse_of_gnu(pieces: int) -> bytes:
    entry = b"%011o\0" % 0 + b"%011o\0" % 0
    blocks = [entry * min(21, pieces - at) for at in range(4, pieces, 21)]
    first = edited(tar_of({"f": b""}), {156: b"S", 386: entry * 4, 482: b"\1", 483: b"%011o\0" % 0})
    more = [b"\1"] * (len(blocks) - 1) + [b"\0"]
    rest = (
        block.ljust(504, b"\0") + flag.ljust(8, b"\0")
        for block, flag in zip(blocks, more, strict=True)
    )
    return first[:512] + b"".join(rest)


def sparse_in_records(pieces: int) -> bytes:
    pax = {"GNU.sparse.map": ",".join(["0,0"] * pieces), "GNU.sparse.size": "0"}
    return tar_of({"f": File(b"", pax=pax)})


def sparse_in_data(pieces: int) -> bytes:
    listed = b"%d\n" % pieces + b"0\n0\n" * pieces
    pax = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "0"}
    return tar_of({"f": File(listed + bytes(-len(listed) % 512), pax=pax)})


@pytest.mark.parametrize("archive_of", [sparse_of_gnu, sparse_in_records, sparse_in_data])
def test_a_sparse_file_has_so_many_pieces_at_most(archive_of: Callable[[int], bytes]) -> None:
    found = only(archive_of(MAX_EXTENTS))
    assert found.sparse is not None
    assert len(found.sparse.extents) == MAX_EXTENTS
    with pytest.raises(TarCorrupt, match=f"more than {MAX_EXTENTS} pieces"):
        members(archive_of(MAX_EXTENTS + 1))
