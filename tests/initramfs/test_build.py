"""Building for real: the same bytes anywhere, under the limits, and nothing missing unnoticed.

Slow, and asks apt for packages unless `make ramdisk` has done so already.
"""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hammer.host.carried import CARRIED_INSTALLER
from hammer.host.programs import Program, RamdiskProgram
from initramfs import manifest, python
from initramfs.errors import BuildError
from initramfs.programs import run
from initramfs.tree import AGENT, HERE, REPOSITORY
from tests.initramfs.archives import Record, records

pytestmark = pytest.mark.programs

DOWNLOADED = REPOSITORY / "build/ramdisk-cache/packages"
LZ4_LIMIT_BYTES = 64 << 20
ZSTD_LIMIT_BYTES = 42 << 20


@dataclass(frozen=True, kw_only=True)
class Built:
    out: Path
    cache: Path

    @property
    def packages(self) -> Path:
        return self.cache / "packages"

    @property
    def manifest(self) -> manifest.Manifest:
        return manifest.read(self.out / manifest.FILE)


def build(*options: str | Path, repository: Path, umask: int = 0o022) -> str:
    """Run the command; return what it printed. Raises CalledProcessError."""
    done = subprocess.run(
        [sys.executable, repository / "initramfs/build", *options],
        umask=umask,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        print(done.stdout)
        raise subprocess.CalledProcessError(done.returncode, "initramfs/build", done.stdout)
    return done.stdout


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources, in another place and with other times."""
    copy = tmp_path_factory.mktemp("repository")
    for name in (*AGENT, HERE.name):
        shutil.copytree(
            REPOSITORY / name, copy / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    for path in copy.rglob("*"):
        os.utime(path, (10**9, 10**9))
    return copy


@pytest.fixture(scope="module")
def built(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    work = tmp_path_factory.mktemp("built")
    made = Built(out=work / "out", cache=work / "cache")
    made.cache.mkdir()
    if DOWNLOADED.exists():
        # Only what was downloaded: the rest must not belong to root, who runs this.
        made.packages.symlink_to(DOWNLOADED)
        for record in DOWNLOADED.parent.glob("wheels-*.json"):
            shutil.copy(record, made.cache)
    print(build("--out", made.out, "--cache", made.cache, repository=repository))
    yield made
    shutil.rmtree(work)


@pytest.fixture(scope="module")
def again(
    built: Built, repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Built]:
    """From the manifest of the first, in another place, by another umask, with an own cache."""
    work = tmp_path_factory.mktemp("again")
    made = Built(out=work / "out", cache=work / "cache")
    build(
        *("--out", made.out, "--cache", made.cache, "--packages", built.packages),
        *("--manifest", built.out / manifest.FILE),
        repository=repository,
        umask=0o077,
    )
    yield made
    shutil.rmtree(work)


@pytest.fixture(scope="module")
def archive(again: Built) -> dict[str, Record]:
    packed = (again.out / "initrd.cpio.lz4").read_bytes()
    done = subprocess.run(["lz4", "-dc"], input=packed, stdout=subprocess.PIPE, check=True)
    return records(done.stdout)


def test_the_same_inputs_give_the_same_bytes(built: Built, again: Built) -> None:
    assert built.manifest == again.manifest
    for one in (built, again):
        assert set(one.manifest.results) == {"vmlinuz", "initrd.cpio.lz4"}
        assert one.manifest.is_met(one.out)


def test_a_build_without_changes_does_nothing(built: Built, repository: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in built.out.iterdir()}
    said = build("--out", built.out, "--cache", built.cache, repository=repository)
    assert "nothing has changed" in said
    assert before == {path: path.stat().st_mtime_ns for path in built.out.iterdir()}


def test_size_as_lz4(built: Built) -> None:
    size_bytes = built.manifest.results["initrd.cpio.lz4"].size_bytes
    print(f"lz4: {size_bytes / 2**20:.1f} MiB")
    assert size_bytes <= LZ4_LIMIT_BYTES


def test_size_as_zstd(built: Built, again: Built, repository: Path, tmp_path: Path) -> None:
    build(
        *("--out", tmp_path, "--cache", again.cache, "--packages", built.packages),
        *("--manifest", again.out / manifest.FILE, "--compress", "zstd"),
        repository=repository,
    )
    size_bytes = (tmp_path / "initrd.cpio.zst").stat().st_size
    print(f"zstd: {size_bytes / 2**20:.1f} MiB")
    assert size_bytes <= ZSTD_LIMIT_BYTES


def test_every_program_of_the_agent(archive: dict[str, Record]) -> None:
    for program in (*Program, *RamdiskProgram):
        places = [f"{folder}/{program}" for folder in ("usr/sbin", "usr/bin")]
        assert any(place in archive for place in places), program


def test_no_virtual_machines_inside(archive: dict[str, Record]) -> None:
    assert any(name.endswith("/hammer/image/commands.py") for name in archive)
    assert not [name for name in archive if "/hammer/image/trial" in name or "qemu.py" in name]


def test_no_ssh_server_unless_it_was_asked_for(archive: dict[str, Record]) -> None:
    assert not [name for name in archive if "dropbear" in name or name == "etc/profile"]


def test_what_the_kernel_needs_first(archive: dict[str, Record]) -> None:
    assert archive["init"].permissions == 0o755
    assert archive["dev/console"].device == (5, 1)
    assert stat.S_ISCHR(archive["dev/null"].mode)
    assert list(archive).index("dev") < list(archive).index("dev/console")
    assert {record.owner for record in archive.values()} == {(0, 0)}
    assert len({record.mtime_s for record in archive.values()}) == 1


def test_nothing_points_to_where_it_was_built(archive: dict[str, Record], again: Built) -> None:
    place = str(again.cache.parent).encode()
    assert [name for name, record in archive.items() if place in record.content] == []


@pytest.mark.parametrize("is_chroot", [True, False])
def test_an_import_that_fails_ends_the_build(
    again: Built, monkeypatch: pytest.MonkeyPatch, is_chroot: bool
) -> None:
    said: list[str] = []
    if not is_chroot:
        monkeypatch.setattr("initramfs.python.run", refusing_unshare(run))
    tree = again.cache / "tree"
    python.try_imports(tree, "import pydantic", say=said.append)
    with pytest.raises(BuildError, match="No module named 'absent'"):
        python.try_imports(tree, "import absent", say=said.append)
    assert bool(said) != is_chroot


def refusing_unshare(start: Callable[..., str]) -> Callable[..., str]:
    def refuse(*args: str | Path) -> str:
        if args[0] == "unshare":
            raise BuildError("not permitted")
        return start(*args)

    return refuse


def test_a_machine_document_is_added(
    built: Built, again: Built, repository: Path, tmp_path: Path
) -> None:
    document = tmp_path / "machine.yaml"
    document.write_text("id: x\n")
    out = tmp_path / "out"
    build(
        *("--out", out, "--cache", again.cache, "--packages", built.packages),
        *("--manifest", again.out / manifest.FILE, "--machine", document),
        repository=repository,
    )
    initrd = out / "initrd.cpio.lz4"
    assert initrd.stat().st_mode & 0o777 == 0o600
    added = records(initrd.read_bytes())["etc/hammer/machine.yaml"]
    assert (added.content, added.permissions) == (b"id: x\n", 0o600)
    assert initrd.read_bytes().endswith((again.out / "initrd.cpio.lz4").read_bytes())


def test_an_installer_is_added_and_recorded(
    built: Built, again: Built, repository: Path, tmp_path: Path
) -> None:
    document, program = tmp_path / "machine.yaml", tmp_path / "install"
    document.write_text("id: x\n")
    program.write_text("#!/bin/sh\nexit 7\n")
    out = tmp_path / "out"
    words = (
        *("--out", out, "--cache", again.cache, "--packages", built.packages),
        *("--manifest", again.out / manifest.FILE, "--machine", document, "--installer", program),
    )
    said = build(*words, repository=repository)
    initrd = out / "initrd.cpio.lz4"
    added = records(initrd.read_bytes())
    record = added[str(CARRIED_INSTALLER).lstrip("/")]
    assert (record.content, record.permissions) == (program.read_bytes(), 0o755)
    assert added["etc/hammer/machine.yaml"].permissions == 0o600
    assert initrd.stat().st_mode & 0o777 == 0o600
    assert initrd.read_bytes().endswith((again.out / "initrd.cpio.lz4").read_bytes())
    recorded = manifest.read(out / manifest.FILE).installer
    assert recorded is not None
    assert recorded == manifest.result_of(program)
    assert f"{CARRIED_INSTALLER} has sha256 {recorded.sha256}" in said
    assert "nothing has changed" in build(*words, repository=repository)
    program.write_text("#!/bin/sh\nexit 8\n")
    assert "nothing has changed" not in build(*words, repository=repository)
    assert again.manifest.installer is None


def test_a_pattern_without_module_ends_the_build(
    built: Built, again: Built, repository: Path, tmp_path: Path
) -> None:
    (tmp_path / "modules").write_text("nvme\nnmve\n")
    with pytest.raises(subprocess.CalledProcessError) as caught:
        build(
            *("--out", tmp_path / "out", "--cache", again.cache),
            *("--packages", built.packages, "--manifest", again.out / manifest.FILE),
            *("--modules", tmp_path / "modules"),
            repository=repository,
        )
    assert "match no module of this kernel:\n  nmve\n" in caught.value.output
    assert not (tmp_path / "out/vmlinuz").exists()


def test_a_package_with_other_bytes_ends_the_build(
    built: Built, again: Built, repository: Path, tmp_path: Path
) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        build(
            *("--out", tmp_path / "out", "--cache", tmp_path / "cache"),
            *("--packages", tmp_path, "--manifest", again.out / manifest.FILE),
            repository=repository,
        )
    assert "busybox_" in caught.value.output


def test_an_ssh_server_that_the_manifest_lacks_ends_the_build(
    built: Built, again: Built, repository: Path, tmp_path: Path
) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        build(
            *("--out", tmp_path / "out", "--cache", again.cache, "--packages", built.packages),
            *("--manifest", again.out / manifest.FILE, "--ssh"),
            repository=repository,
        )
    assert "in none of the packages:\n  dropbear\n  dropbearkey\n" in caught.value.output
