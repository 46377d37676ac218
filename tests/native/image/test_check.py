"""`hammer image check` with real programs: shells that parse, mkfs that makes filesystems."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hammer.commands import main
from hammer.host.programs import HostPrograms
from hammer.image.check import installer
from hammer.image.check.layout_sizes import room
from hammer.image.check.reader import Facts
from hammer.image.check.rules import INSTALLER_SYNTAX, Finding, Unchecked
from hammer.image.check.space import MIB
from tests.demo_image.build_image import BUILD, DemoImage
from tests.images import NAME, Entry, File, packed, tar_of
from tests.unit.image.check.broken_images import published
from tests.unit.image.check.good_image import with_
from tests.unit.image.check.test_rules import checked_files


def outcomes(script: bytes, folder: Path) -> list[Finding | Unchecked]:
    """What is said of an installer by the real shells of this host."""
    entries: dict[str, Entry] = with_(
        {"install.sh": File(script, mode=0o755), "usr/bin/env": File(b"\x7fELF", mode=0o755)}
    )
    content = packed(tar_of(entries))
    facts: Facts = checked_files(folder, content, published(content)).facts
    return list(installer.findings(facts, HostPrograms()))


def test_the_demo_image_is_clean(capsys: pytest.CaptureFixture[str]) -> None:
    image = DemoImage(folder=BUILD)
    if not image.path.exists():
        why = "needs the demo image: run tests/demo_image/build"
        pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)
    assert main(["image", "check", str(image.path), "--fatal-warnings"]) == 0
    told = capsys.readouterr().out
    assert ": 0 errors, 0 warnings, " in told
    assert "not checked" not in told
    assert f"md5 {image.md5}" in told


def test_it_starts_without_what_installs_machines(tmp_path: Path) -> None:
    """Most of its time would be imports otherwise, of pydantic above all."""
    content = packed(tar_of(with_({})))
    for name, text in {NAME: content, **published(content)}.items():
        (tmp_path / name).write_bytes(text)
    script = (
        "import sys; from hammer.__main__ import main\n"
        "status = main(['image', 'check', sys.argv[1]])\n"
        "print(status, *{'pydantic', 'pyudev', 'pyroute2'} & set(sys.modules))"
    )
    argv = [sys.executable, "-c", script, str(tmp_path / NAME)]
    told = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    assert told.splitlines()[-1] == "0"


@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/dash", "/bin/bash", "/usr/bin/env bash"])
def test_a_script_is_parsed_by_its_shell(shell: str, tmp_path: Path) -> None:
    good = f"#!{shell}\nif true; then\n  echo\nfi\n".encode()
    bad = f"#!{shell}\nif true; then\n  echo\n".encode()
    assert outcomes(good, tmp_path) == []
    (finding,) = outcomes(bad, tmp_path)
    assert isinstance(finding, Finding)
    assert finding.rule is INSTALLER_SYNTAX
    assert "yntax error" in finding.text


def test_what_only_bash_knows_is_parsed_by_bash(tmp_path: Path) -> None:
    script = b'a=(1 2)\nfor i in "${a[@]}"; do echo <(echo $i); done\n'
    assert outcomes(b"#!/bin/bash\n" + script, tmp_path) == []
    assert len(outcomes(b"#!/bin/dash\n" + script, tmp_path)) == 1


def test_a_script_is_never_executed(tmp_path: Path) -> None:
    proof = tmp_path / "executed"
    script = f'#!/bin/sh\n: >{proof}\n`: >{proof}`\ntrap ": >{proof}" EXIT\n'
    assert outcomes(script.encode(), tmp_path) == []
    assert outcomes(f"{script}if\n".encode(), tmp_path) != []
    assert not proof.exists()


def test_a_host_without_bash_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (outcome,) = outcomes(b"#!/bin/bash\nif\n", tmp_path)
    assert isinstance(outcome, Unchecked)
    assert outcome.reason == "/install.sh is for bash, which this host lacks"


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    assert outcomes(b"#!/bin/sh\n# caf\xe9 \xff\necho\n", tmp_path) == []


@pytest.mark.parametrize("size_mib", [64, 300, 511, 512, 1000, 5000, 40_000, 1_000_000])
def test_the_room_of_ext4(size_mib: int, tmp_path: Path) -> None:
    """What mke2fs leaves is what was estimated, within two percent; never less."""
    device = tmp_path / "device"
    with device.open("wb") as file:
        file.truncate(size_mib * MIB)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(device)], check=True)
    told = subprocess.run(
        ["dumpe2fs", "-h", str(device)], check=True, capture_output=True, text=True
    ).stdout
    values = dict(line.split(":", 1) for line in told.splitlines() if ":" in line)
    free = int(values["Free blocks"]) * int(values["Block size"])
    found = room(size_mib, format="ext4", createoptions=())
    assert found.block_bytes == int(values["Block size"])
    assert found.inodes == pytest.approx(int(values["Inode count"]), rel=0.01)
    assert free * 0.98 <= found.bytes <= free
