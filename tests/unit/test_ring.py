"""A log in memory keeps the newest, in two files at most."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from hammer.host.ring import Ring, older


def test_the_newest_half_at_least_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "log"
    ring = Ring(path, limit_bytes=2000)
    lines = [f"line {number}\n" for number in range(1000)]
    for line in lines:
        ring.write(line)
        sizes = [each.stat().st_size for each in (path, older(path)) if each.exists()]
        assert sum(sizes) <= 2000
    kept = older(path).read_text() + path.read_text()
    assert len(kept) >= 1000
    assert "".join(lines).endswith(kept)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["log", "log.1"]


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    ring = Ring(tmp_path / "log", limit_bytes=20)
    for _ in range(10):
        ring.write("12345\n")
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_another_process_goes_on_with_it(tmp_path: Path) -> None:
    path = tmp_path / "log"
    Ring(path, limit_bytes=20).write("one\n")
    ring = Ring(path, limit_bytes=20)
    ring.write("two\n")
    ring.write("three\n")
    assert (older(path).read_text(), path.read_text()) == ("one\ntwo\n", "three\n")


def test_what_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    ring = Ring(tmp_path / "no/such/folder", limit_bytes=20)
    for _ in range(10):
        ring.write("12345\n")


def test_any_text(tmp_path: Path) -> None:
    ring = Ring(tmp_path / "log", limit_bytes=2000)
    ring.write("grün \udcff\n")
    assert (tmp_path / "log").read_text() == "grün \\udcff\n"


def test_its_descriptor_is_never_that_of_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread may open a disk at any moment, and writing goes by the number."""
    ring = Ring(tmp_path / "log", limit_bytes=20)
    number, written = ring._descriptor, []
    real = os.open

    def and_another_thread_writes(*args: Any) -> int:
        handle = real(*args)
        written.append(handle)
        if handle != number:
            os.write(number, b"said by another thread\n")
        return handle

    monkeypatch.setattr(os, "open", and_another_thread_writes)
    for _ in range(5):
        ring.write("12345\n")
    assert written
    assert number not in written
    assert ring._descriptor == number
    assert not os.get_inheritable(number)
