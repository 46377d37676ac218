"""Files with all they need, and the proof that nothing is missing."""

from pathlib import Path

import pytest

from initramfs.copier import (
    Copier,
    canonical,
    dangling_links,
    missing_interpreters,
    missing_libraries,
)
from initramfs.errors import BuildError
from tests.initramfs.elf_files import elf_file

LIBRARIES = "usr/lib/x86_64-linux-gnu"
LOADER = "ld-linux-x86-64.so.2"


def put(base: Path, name: str, content: bytes, *, mode: int = 0o644) -> None:
    (base / name).parent.mkdir(parents=True, exist_ok=True)
    (base / name).write_bytes(content)
    (base / name).chmod(mode)


@pytest.fixture
def copier(tmp_path: Path) -> Copier:
    root = tmp_path / "root"
    for base in (root, tmp_path / "tree"):
        base.mkdir()
    program = elf_file(["liba.so.1"], interpreter=f"/lib64/{LOADER}")
    put(root, "usr/sbin/program", program, mode=0o755)
    (root / "usr/sbin/alias").symlink_to("/sbin/program")
    put(root, f"{LIBRARIES}/liba.so.1.2", elf_file(["libb.so"], run_path="$ORIGIN/private"))
    (root / LIBRARIES / "liba.so.1").symlink_to("liba.so.1.2")
    put(root, f"{LIBRARIES}/private/libb.so", elf_file())
    put(root, f"{LIBRARIES}/{LOADER}", elf_file())
    (root / "usr/lib64").mkdir()
    (root / "usr/lib64" / LOADER).symlink_to(f"/lib/x86_64-linux-gnu/{LOADER}")
    return Copier(root=root, tree=tmp_path / "tree")


def files(base: Path) -> list[str]:
    found = [path for path in base.rglob("*") if path.is_symlink() or path.is_file()]
    return sorted(str(path.relative_to(base)) for path in found)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/bin/sh", "usr/bin/sh"),
        ("lib64/ld.so", "usr/lib64/ld.so"),
        ("/usr/lib/a/../b", "usr/lib/b"),
        ("/etc/x", "etc/x"),
        ("/binary", "binary"),
    ],
)
def test_one_name_for_a_path(path: str, name: str) -> None:
    assert str(canonical(path)) == name


def test_a_program_comes_with_links_and_libraries(copier: Copier) -> None:
    copier.copy_programs(["alias"], folders=["usr/bin", "usr/sbin"])
    assert missing_libraries(copier.tree) == [
        "liba.so.1, for /usr/sbin/program",
        f"{LOADER}, for /usr/sbin/program",
    ]
    copier.copy_libraries()
    assert files(copier.tree) == [
        f"{LIBRARIES}/{LOADER}",
        f"{LIBRARIES}/liba.so.1",
        f"{LIBRARIES}/liba.so.1.2",
        f"{LIBRARIES}/private/libb.so",
        f"usr/lib64/{LOADER}",
        "usr/sbin/alias",
        "usr/sbin/program",
    ]
    assert missing_libraries(copier.tree) == []
    assert dangling_links(copier.tree) == []


def test_a_missing_library_is_told_with_who_asks(copier: Copier) -> None:
    (copier.root / LIBRARIES / "private/libb.so").unlink()
    copier.copy("/sbin/program")
    copier.copy_libraries()
    assert missing_libraries(copier.tree) == [f"libb.so, for /{LIBRARIES}/liba.so.1.2"]


def test_all_missing_programs_are_told(copier: Copier) -> None:
    with pytest.raises(BuildError, match=r"(?s)none of the packages:\n  absent\n  gone$"):
        copier.copy_programs(["gone", "program", "absent"], folders=["usr/sbin"])


def test_a_missing_file_is_told(copier: Copier) -> None:
    with pytest.raises(BuildError, match=r"^/usr/bin/gone is in none of the packages$"):
        copier.copy("/bin/gone")


def test_a_folder_without_what_is_not_wanted(copier: Copier) -> None:
    for name in ("keep.py", "drop.py", "below/keep.py", "drop.d/keep.py"):
        put(copier.root, f"usr/lib/python/{name}", b"")
    copier.copy("usr/lib/python", is_wanted=lambda path: not path.name.startswith("drop"))
    assert files(copier.tree) == ["usr/lib/python/below/keep.py", "usr/lib/python/keep.py"]


def test_scripts_without_interpreter_and_links_to_nothing(tmp_path: Path) -> None:
    put(tmp_path, "usr/bin/one", b"#!/usr/bin/perl -w\n", mode=0o755)
    put(tmp_path, "usr/bin/two", b"#!/bin/one\n", mode=0o755)
    put(tmp_path, "usr/share/example", b"#!/usr/bin/perl\n")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/mtab").symlink_to("/proc/self/mounts")
    (tmp_path / "etc/rules").symlink_to("../usr/bin/one")
    (tmp_path / "etc/broken").symlink_to("nowhere")
    assert missing_interpreters(tmp_path) == ["/usr/bin/perl, for /usr/bin/one"]
    assert dangling_links(tmp_path) == ["/etc/broken -> nowhere"]
