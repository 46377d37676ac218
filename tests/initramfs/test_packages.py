"""Packages: the right bytes or none, and a manifest that says so."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from initramfs import manifest, packages, wheels
from initramfs.errors import BuildError
from initramfs.manifest import Manifest
from initramfs.packages import Artifact


@pytest.fixture
def artifact(tmp_path: Path) -> Artifact:
    (tmp_path / "a_1_all.deb").write_bytes(b"content")
    digest = hashlib.sha256(b"content").hexdigest()
    return Artifact(name="a", version="1", file="a_1_all.deb", sha256=digest)


def test_a_line_of_apt() -> None:
    digest = "0" * 64
    line = "'http://x/pool/b/bla_1%3a2.0%2bx-1_amd64.deb' bla_1%3a2.0+x-1_amd64.deb 12 SHA256:"
    assert packages._artifact(line + digest) == Artifact(
        name="bla", version="1:2.0+x-1", file="bla_1%3a2.0+x-1_amd64.deb", sha256=digest
    )
    with pytest.raises(BuildError, match="no package with a SHA256"):
        packages._artifact(line.replace("SHA256", "MD5Sum") + digest)


def test_other_bytes_are_refused(artifact: Artifact, tmp_path: Path) -> None:
    packages.verify([artifact], folder=tmp_path)
    (tmp_path / artifact.file).write_bytes(b"c0ntent")
    with pytest.raises(BuildError, match=r"a_1_all\.deb"):
        packages.verify([artifact], folder=tmp_path)
    (tmp_path / artifact.file).unlink()
    with pytest.raises(BuildError, match=r"a_1_all\.deb"):
        packages.verify([artifact], folder=tmp_path)


def test_a_manifest_is_read_as_it_was_written(artifact: Artifact, tmp_path: Path) -> None:
    made = Manifest(
        inputs_sha256="x",
        kernel="6.1.0",
        packages=[artifact],
        wheels=[],
        results={artifact.file: manifest.result_of(tmp_path / artifact.file)},
    )
    made.write(tmp_path)
    assert manifest.read(tmp_path / manifest.FILE) == made
    assert made.is_met(tmp_path)
    (tmp_path / artifact.file).write_bytes(b"c0ntent")
    assert not made.is_met(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', '{"format": 1}'])
def test_something_else_is_no_manifest(text: str, tmp_path: Path) -> None:
    (tmp_path / manifest.FILE).write_text(text)
    with pytest.raises(BuildError, match=r"manifest\.json: "):
        manifest.read(tmp_path / manifest.FILE)


def test_of_a_wheel_only_what_is_imported(tmp_path: Path) -> None:
    wheel = tmp_path / "some_thing-1.0-cp311-cp311-manylinux_2_17_x86_64.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in (
            *("some/__init__.py", "some/_c.so", "some/__init__.pyi", "some/tests/test_it.py"),
            *("some_thing-1.0.dist-info/RECORD", "some_thing-1.0.data/scripts/run", "libs/x.so.1"),
        ):
            archive.writestr(name, "x")
    out = tmp_path / "out"
    wheels.unpack([wheel], packages=out, unwanted=("*.pyi", "*/tests/*"))
    files = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    assert files == ["libs/x.so.1", "some/__init__.py", "some/_c.so"]
    assert wheels.artifact_of(wheel).name == "some_thing"
    assert wheels.artifact_of(wheel).version == "1.0"
