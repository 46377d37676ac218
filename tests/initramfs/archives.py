"""Reading a cpio archive back, independently of what writes it."""

import stat
from dataclasses import dataclass

HEADER_BYTES = 110


@dataclass(frozen=True, kw_only=True)
class Record:
    mode: int
    owner: tuple[int, int]
    mtime_s: int
    device: tuple[int, int]
    content: bytes

    @property
    def permissions(self) -> int:
        return stat.S_IMODE(self.mode)


def records(archive: bytes) -> dict[str, Record]:
    """By name, in the order of the archive, which must end with its trailer."""
    found: dict[str, Record] = {}
    place = 0
    while True:
        header = archive[place : place + HEADER_BYTES]
        assert header[:6] == b"070701", f"no record at {place}"
        numbers = [int(header[start : start + 8], 16) for start in range(6, HEADER_BYTES, 8)]
        _, mode, uid, gid, _, mtime_s, size, _, _, major, minor, name_size, _ = numbers
        name = archive[place + HEADER_BYTES : place + HEADER_BYTES + name_size - 1].decode()
        start = _aligned(place + HEADER_BYTES + name_size)
        place = _aligned(start + size)
        if name == "TRAILER!!!":
            return found
        assert name not in found, f"{name} is there twice"
        found[name] = Record(
            mode=mode,
            owner=(uid, gid),
            mtime_s=mtime_s,
            device=(major, minor),
            content=archive[start : start + size],
        )


def _aligned(place: int) -> int:
    return -(-place // 4) * 4
