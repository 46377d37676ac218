"""Targets for images, and proof after each test that nothing of it is left."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.native.stream.unpacking import children, descriptors

Disk = Callable[..., Path]


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """No zombie, no descriptor, whatever the test made fail."""
    if os.geteuid() != 0:
        pytest.skip("unpacking chroots: needs root")
    before = descriptors()
    yield
    assert children() == []
    # The servers' threads close their ends when they see that ours is closed.
    limit = time.monotonic() + 5
    while (left := descriptors()) != before and time.monotonic() < limit:
        time.sleep(0.01)
    assert left == before


@pytest.fixture
def root(tmp_path: Path) -> Path:
    target = tmp_path / "rootfs"
    target.mkdir()
    return target


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Make, on a loop device, a filesystem with its own mount point; all are unmounted."""
    with ExitStack() as held:
        made = 0

        def make(*, size_mib: int, mkfs: tuple[str, ...], at: Path | None = None) -> Path:
            nonlocal made
            made += 1
            return held.enter_context(
                _mounted(tmp_path / f"disk{made}.img", size_mib, mkfs, at or tmp_path / f"m{made}")
            )

        yield make


@contextmanager
def _mounted(image: Path, size_mib: int, mkfs: tuple[str, ...], where: Path) -> Iterator[Path]:
    with image.open("wb") as file:
        file.truncate(size_mib << 20)
    subprocess.run([*mkfs, str(image)], check=True, capture_output=True)
    where.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(where)], check=True)
    try:
        yield where
    finally:
        subprocess.run(["umount", str(where)], check=True)
