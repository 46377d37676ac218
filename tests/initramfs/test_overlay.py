"""An overlay: complete archive, aligned, and the base behind it untouched."""

import sys
from pathlib import Path

import pytest

from initramfs import overlay as command
from initramfs.overlay import ALIGNMENT_BYTES, overlay
from tests.initramfs.archives import records

LZ4_LEGACY_MAGIC = b"\x02\x21\x4c\x18"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    path = tmp_path / "base"
    path.write_bytes(LZ4_LEGACY_MAGIC + b"and so on")
    return path


def test_files_come_first_and_the_base_is_aligned(base: Path, tmp_path: Path) -> None:
    files = {"/etc/hammer/machine.yaml": (b"id: x\n", 0o600), "usr/local/bin/x": (b"#!", 0o755)}
    overlay(base, tmp_path / "out", files)
    made = (tmp_path / "out").read_bytes()
    assert made.endswith(base.read_bytes())
    assert (len(made) - base.stat().st_size) % ALIGNMENT_BYTES == 0
    read = records(made)
    # A file whose folder has no record before it is dropped by the kernel.
    assert list(read) == [
        *("etc", "etc/hammer", "etc/hammer/machine.yaml"),
        *("usr", "usr/local", "usr/local/bin", "usr/local/bin/x"),
    ]
    assert read["etc/hammer/machine.yaml"].content == b"id: x\n"
    assert read["etc/hammer/machine.yaml"].permissions == 0o600
    assert read["usr/local/bin/x"].permissions == 0o755
    assert read["etc"].permissions == 0o755


def test_overlays_may_be_stacked(base: Path, tmp_path: Path) -> None:
    overlay(base, tmp_path / "one", {"one": (b"1", 0o644)})
    overlay(tmp_path / "one", tmp_path / "two", {"two": (b"2", 0o644)})
    made = (tmp_path / "two").read_bytes()
    assert made.endswith((tmp_path / "one").read_bytes())
    assert list(records(made)) == ["two"]


def test_the_command(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "machine.yaml").write_text("id: x\n")
    out = tmp_path / "out"
    monkeypatch.setattr(
        sys, "argv", ["overlay", str(base), str(out), f"/etc/m.yaml={tmp_path / 'machine.yaml'}"]
    )
    assert command.main() == 0
    assert records(out.read_bytes())["etc/m.yaml"].content == b"id: x\n"
