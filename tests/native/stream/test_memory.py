"""How much memory unpacking takes, of the agent and its processes together, whatever the image."""

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import BinaryIO

import lz4.frame
import pytest

from hammer.stream.reading import PIECE_BYTES, PIECES_WAITING
from tests.images import NAME, PATH, md5_file
from tests.servers import serve

MIB = 1 << 20
LIMIT_MIB = 96
"""On top of what the interpreter has, with all that the agent imports."""
# The image of the acceptance is in the soak.
SIZES_MIB = (100, 400) if os.environ.get("HAMMER_SOAK") is None else (400, 4096)
FILE_MIB = 4
# A process of its own: this one has had other images in its memory. Shared pages count once
# among those who share them (proc_pid_smaps_rollup(5), Pss).
UNPACK = """
import contextlib, json, os, sys, threading
from pathlib import Path
from hammer.stream.image import HttpImages

def used_kib():
    pids = [os.getpid()]
    for task in Path("/proc/self/task").iterdir():
        pids += (task / "children").read_text().split()
    sums = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids]
    return sum(int(each.partition("\\nPss:")[2].split()[0]) for each in sums)

def look():
    # To the very end, which is after the last of the packed bytes.
    while not over.wait(0.005):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # one has just ended
            peaks.append(used_kib())

images = HttpImages()
offer = images.ask(sys.argv[1])
before = used_kib()
peaks, over = [], threading.Event()
looking = threading.Thread(target=look)
looking.start()
images.unpack(offer, Path(sys.argv[2]), progress=lambda _packed_bytes: None)
over.set()
looking.join()
after = used_kib()
print(json.dumps({"before": before, "peak": max(peaks), "after": after, "looks": len(peaks)}))
"""


class _Endless:
    """Data that packs to about half."""

    def read(self, size_bytes: int) -> bytes:
        half = size_bytes // 2
        return os.urandom(half) + bytes(size_bytes - half)


def write_image(file: BinaryIO, size_mib: int) -> None:
    with (
        lz4.frame.open(file, "wb", block_size=lz4.frame.BLOCKSIZE_MAX4MB) as packed,
        tarfile.open(fileobj=packed, mode="w|") as archive,
    ):
        for number in range(size_mib // FILE_MIB):
            info = tarfile.TarInfo(f"file{number}")
            info.size = FILE_MIB * MIB
            archive.addfile(info, _Endless())  # type: ignore[arg-type]


def unpacked(size_mib: int, folder: Path) -> tuple[float, float]:
    """The peak of all, and how much of it the interpreter had before; in MiB."""
    image, root = folder / NAME, folder / f"rootfs{size_mib}"
    root.mkdir()
    with image.open("wb") as file:
        write_image(file, size_mib)
    with serve({PATH: image, f"{PATH}.md5": md5_file(image.read_bytes())}) as server:
        argv = [sys.executable, "-c", UNPACK, server.url(PATH), str(root)]
        said = subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout
    image.unlink()
    used = json.loads(said)
    assert used["looks"] > 5
    # What waited in memory is there again for what follows.
    assert used["after"] - used["before"] < PIECES_WAITING * PIECE_BYTES // 1024 // 2
    assert sum(path.stat().st_size for path in root.iterdir()) == size_mib * MIB
    for path in root.iterdir():
        path.unlink()
    return used["peak"] / 1024, used["before"] / 1024


@pytest.mark.soak
def test_memory_does_not_depend_on_the_image(tmp_path: Path) -> None:
    (small_mib, _), (large_mib, before_mib) = (unpacked(size, tmp_path) for size in SIZES_MIB)
    print(f"{small_mib:.0f} and {large_mib:.0f} MiB for {SIZES_MIB} MiB, {before_mib:.0f} before")
    assert large_mib - before_mib <= LIMIT_MIB
    assert abs(large_mib - small_mib) <= small_mib / 10
