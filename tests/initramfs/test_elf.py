"""What ELF files ask for, of our own making and of the real kind."""

import re
import shutil
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from initramfs import elf
from initramfs.errors import BuildError
from tests.initramfs.elf_files import elf_file, relocatable


def read(tmp_path: Path, image: bytes) -> elf.Elf:
    path = tmp_path / "file"
    path.write_bytes(image)
    return elf.read(path)


def test_what_it_asks_for(tmp_path: Path) -> None:
    image = elf_file(
        ["liba.so.1", "libb.so.2"], interpreter="/lib64/ld.so", run_path="$ORIGIN/../x.libs:/opt"
    )
    asks = read(tmp_path, image)
    assert asks.needed == ("liba.so.1", "libb.so.2")
    assert asks.interpreter == "/lib64/ld.so"
    assert asks.folders(PurePosixPath("/usr/lib/x/y.so")) == [
        PurePosixPath("/usr/lib/x/../x.libs"),
        PurePosixPath("/opt"),
    ]


def test_a_kernel_module_asks_for_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, relocatable()) == elf.Elf()


@pytest.mark.parametrize("length", [0, 3, 20, 64, 100, 200, 300])
def test_a_damaged_file_is_refused(tmp_path: Path, length: int) -> None:
    image = elf_file(["liba.so.1"], interpreter="/lib64/ld.so")
    assert length < len(image)
    with pytest.raises(BuildError, match="file: not an ELF file, or a damaged one"):
        read(tmp_path, image[:length])


def test_another_machine_is_refused(tmp_path: Path) -> None:
    image = bytearray(elf_file())
    image[4] = 1
    with pytest.raises(BuildError, match="not an ELF file of x86-64"):
        read(tmp_path, bytes(image))


@pytest.mark.programs
@pytest.mark.skipif(shutil.which("objdump") is None, reason="no objdump to compare with")
@pytest.mark.parametrize("name", ["/usr/bin/python3", "/usr/bin/tar", "/usr/bin/dpkg-deb"])
def test_real_programs_as_objdump_reads_them(name: str) -> None:
    path = Path(name).resolve()
    said = subprocess.run(["objdump", "-p", path], capture_output=True, text=True, check=True)
    wanted = tuple(re.findall(r"^  NEEDED +(\S+)$", said.stdout, re.MULTILINE))
    assert wanted
    assert elf.read(path).needed == wanted
