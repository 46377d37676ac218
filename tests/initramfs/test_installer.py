"""The program of `--installer`: what is refused, before anything is built."""

import sys
from pathlib import Path

import pytest

from initramfs import installer, ramdisk
from initramfs.errors import BuildError
from tests.initramfs.elf_files import elf_file

LOADER = "/lib64/ld-linux-x86-64.so.2"


def program(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "installer"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "content",
    [elf_file(), b"#!/bin/sh\nexit 0\n", b"#! /usr/bin/env -S sh -e", b"#!/bin/sh"],
    ids=["static", "script", "script with arguments", "one line"],
)
def test_what_is_taken(tmp_path: Path, content: bytes) -> None:
    installer.check(program(tmp_path, content))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is neither an ELF program nor a script that begins with #!"),
        (b"echo hello\n", "is neither an ELF program nor a script that begins with #!"),
        (b"#!sh\n", "names no interpreter after its #!"),
        (b"#!\n", "names no interpreter after its #!"),
        (elf_file()[:100], "not an ELF file, or a damaged one"),
        (elf_file()[:4], "is a program for machines of another kind than this one"),
        (
            elf_file()[:18] + b"\xb7\x00" + elf_file()[20:],
            "is a program for machines of another kind than this one",
        ),
        (elf_file(["libc.so.6", "libm.so.6"]), "asks for: libc.so.6, libm.so.6"),
        (elf_file(["libc.so.6"], interpreter=LOADER), f"asks for: {LOADER}, libc.so.6"),
    ],
)
def test_what_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = program(tmp_path, content)
    with pytest.raises(BuildError, match=str(path)) as caught:
        installer.check(path)
    assert said in str(caught.value)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent", Path("/dev/null")):
        with pytest.raises(BuildError, match=f"installer {path} is not a file"):
            installer.check(path)


def test_the_build_says_so_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = program(tmp_path, elf_file(["libc.so.6"]))
    words = ["--out", tmp_path / "out", "--cache", tmp_path / "cache", "--installer", path]
    monkeypatch.setattr(sys, "argv", ["build", *map(str, words)])
    assert ramdisk.main() == 1
    assert f"installer {path} is not linked statically" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert [entry.name for entry in (tmp_path / "cache").iterdir()] == ["lock"]
