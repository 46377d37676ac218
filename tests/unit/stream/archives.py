"""Archives as the tar reader sees them, and headers that say something else."""

import tarfile
from collections.abc import Iterator

from hammer.stream.flow import Flow
from hammer.stream.member import Member
from hammer.stream.tar import Archive

URL = "http://images/img.tar.lz4"


def chunks(data: bytes, size: int = 1000) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def members(data: bytes) -> list[tuple[Member, bytes]]:
    flow = Flow(chunks(data))
    return [(member, flow.take(member.size)) for member in Archive(flow, url=URL)]


def only(data: bytes) -> Member:
    (found,) = members(data)
    return found[0]


def header(info: tarfile.TarInfo) -> bytes:
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def edited(archive: bytes, fields: dict[int, bytes], *, sum_too_much: int = 0) -> bytes:
    """With other bytes in its first header, whose checksum is right but for so much."""
    data = bytearray(archive)
    for at, field in fields.items():
        data[at : at + len(field)] = field
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % (sum(data[:512]) + sum_too_much)
    return bytes(data)
