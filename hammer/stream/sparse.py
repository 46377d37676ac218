"""GNU sparse files: the four ways in which an archive writes down where the data is.

Source: GNU tar manual, appendix "Sparse Formats".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hammer.stream import pax
from hammer.stream.flow import Flow

BLOCK_BYTES = 512
Number = Callable[[bytes], int]
_ENTRY_BYTES = 24  # offset and length, twelve octal or base-256 bytes each
_MAX_SIZE_BYTES = 1 << 62

MAX_EXTENTS = 100_000
"""Of one file: each takes 150 bytes of memory, of the agent and of who writes the file."""


@dataclass(frozen=True, kw_only=True)
class Sparse:
    extents: tuple[tuple[int, int], ...]
    """Offset and length of each run of data, as they follow in the archive."""
    size: int
    """Of the whole file, holes included."""

    @property
    def data_bytes(self) -> int:
        return sum(length for _offset, length in self.extents)


def from_header(flow: Flow, header: bytes, number: Number) -> Sparse:
    """The old GNU format (type `S`): four entries in the header, then blocks of 21."""
    entries = _entries(header[386:482], number)
    more = header[482]
    while more:
        block = flow.take(BLOCK_BYTES)
        if len(block) < BLOCK_BYTES:
            raise ValueError("the map of a sparse file does not end")
        entries += _entries(block[:504], number)
        _check_count(len(entries))
        more = block[504]
    return _checked(entries, number(header[483:495]))


def from_records(flow: Flow, records: Mapping[bytes, bytes]) -> Sparse | None:
    """PAX formats 0.0 and 0.1 (map in the records) and 1.0 (map before the data).

    None if the records are not of a sparse file. Raises ValueError.
    """
    if records.get(b"GNU.sparse.major") == b"1":
        size = pax.number(records.get(b"GNU.sparse.realsize", b""))
        return _checked(_map_in_data(flow), size)
    if pax.SPARSE_MAP in records:
        text = records[pax.SPARSE_MAP]
        _check_count((text.count(b",") + 1) // 2)
        numbers = [pax.number(item) for item in text.split(b",")] if text else []
        if len(numbers) % 2:
            raise ValueError("the map of a sparse file has an odd length")
        size = pax.number(records.get(b"GNU.sparse.size", b""))
        return _checked(list(zip(numbers[::2], numbers[1::2], strict=True)), size)
    return None


def _map_in_data(flow: Flow) -> list[tuple[int, int]]:
    """Lines of decimal numbers: how many entries, then offset and length of each."""
    lines: list[bytes] = []
    rest = b""
    wanted = 1
    while len(lines) < wanted:
        block = flow.take(BLOCK_BYTES)
        if len(block) < BLOCK_BYTES:
            raise ValueError("the map of a sparse file does not end")
        *more, rest = (rest + block).split(b"\n")
        if not lines and more:
            count = pax.number(more[0])
            _check_count(count)
            wanted = 1 + 2 * count
        if len(rest) > BLOCK_BYTES:
            raise ValueError("the map of a sparse file is no list of numbers")
        lines += more
    numbers = [pax.number(line) for line in lines[1:wanted]]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _entries(data: bytes, number: Number) -> list[tuple[int, int]]:
    entries = []
    for at in range(0, len(data), _ENTRY_BYTES):
        if data[at]:  # an empty entry ends the list
            entries.append((number(data[at : at + 12]), number(data[at + 12 : at + 24])))
    return entries


def _check_count(extents: int) -> None:
    if extents > MAX_EXTENTS:
        raise ValueError(f"a sparse file of more than {MAX_EXTENTS} pieces is not plausible")


def _checked(extents: Sequence[tuple[int, int]], size: int) -> Sparse:
    end = 0
    for offset, length in extents:
        if offset < end or length < 0:
            raise ValueError("the map of a sparse file runs backwards")
        end = offset + length
    if size > _MAX_SIZE_BYTES:
        raise ValueError("the size of a sparse file is out of range")
    if end > size:
        raise ValueError("the map of a sparse file goes beyond the file")
    return Sparse(extents=tuple(extents), size=size)
