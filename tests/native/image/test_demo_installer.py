"""install.sh of the demo image, run in the image as the agent runs it, whoever wrote the YAML."""

import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import lz4.frame
import pytest
import yaml
from pydantic import SecretStr

import contract
from tests.demo_image.build_image import BUILD, DemoImage

ROOT_UUID = "11111111-2222-4333-8444-555555555555"
PASSWORD = 'it\'s "a" $ecret: #1\\'
KEYS = "ssh-ed25519 AAAAone me@here\nssh-rsa AAAA/two+== a b"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The demo image, unpacked: one tree for all tests, as install.sh may be repeated."""
    image = DemoImage(folder=BUILD)
    if os.geteuid() != 0 or not image.path.exists():
        why = "needs root and the demo image: run tests/demo_image/build"
        pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)
    root = tmp_path_factory.mktemp("demo")
    with lz4.frame.open(image.path) as file, tarfile.open(fileobj=file, mode="r|") as tar:
        tar.extractall(root)
    (root / "etc/metal").mkdir(exist_ok=True)
    yield root
    shutil.rmtree(root)


@pytest.fixture
def metal(root: Path) -> Iterator[Path]:
    yield root / "etc/metal"
    shutil.rmtree(root / "etc/metal")
    (root / "etc/metal").mkdir()


def install(root: Path) -> "subprocess.CompletedProcess[str]":
    script = (
        'mount --bind "$0" "$0"; mount -t proc proc "$0/proc"; mount --rbind /dev "$0/dev"; '
        'exec chroot "$0" /install.sh'
    )
    return subprocess.run(
        ["unshare", "--mount", "sh", "-euc", script, root], capture_output=True, text=True
    )


def config(**changes: object) -> contract.InstallConfig:
    values = {
        "hostname": "m-1",
        "machineuuid": "00000000-0000-4000-8000-000000000001",
        "sshpublickey": KEYS,
        "password": SecretStr(PASSWORD),
        "console": "ttyS1,115200n8",
        "timestamp": "2026-01-01T00:00:00Z",
        "root_uuid": ROOT_UUID,
    }
    return contract.InstallConfig.model_validate({**values, **changes})


def by_pyyaml(**options: object) -> str:
    shown = {"hostname": "m-1", "sshpublickey": KEYS, "password": PASSWORD}
    shown |= {"console": "ttyS1,115200n8", "root_uuid": ROOT_UUID}
    text: str = yaml.dump(shown, sort_keys=False, **options)  # type: ignore[call-overload]
    return re.sub(r"""^['"](\w+)['"]:""", r"\1:", text, flags=re.MULTILINE)  # nobody quotes keys


@pytest.mark.parametrize(
    "text",
    [
        contract.dump(config()),
        by_pyyaml(),
        by_pyyaml(default_style='"'),
        by_pyyaml(default_style="'"),
        by_pyyaml(width=20),
        by_pyyaml(width=20, default_style='"'),
    ],
    ids=["the agent", "pyyaml", "double", "single", "narrow", "narrow double"],
)
def test_a_machine_is_set_up(text: str, root: Path, metal: Path) -> None:
    (metal / "install.yaml").write_text(text)
    done = install(root)
    assert done.returncode == 0, done.stderr
    assert (root / "etc/hostname").read_text() == "m-1\n"
    assert "127.0.1.1 m-1\n" in (root / "etc/hosts").read_text()
    assert (root / "etc/machine-id").read_text() == ""
    assert (root / "home/metal/.ssh/authorized_keys").read_text() == f"{KEYS}\n"
    assert (root / "home/metal/.ssh/authorized_keys").stat().st_mode & 0o777 == 0o600
    assert password_fits(root)
    boot_info = contract.load(
        contract.BootInfo, (metal / "boot-info.yaml").read_bytes(), name="boot-info.yaml"
    )
    assert boot_info.cmdline == (
        f"console=ttyS1,115200n8 root=UUID={ROOT_UUID} init=/sbin/init "
        "net.ifnames=0 biosdevname=0 nvme_core.io_timeout=300"
    )
    assert boot_info.bootloader_id == "metal-debian"
    for path in (boot_info.kernel, boot_info.initrd):
        assert path
        assert (root / path.lstrip("/")).is_file()


def test_the_password_is_never_told(root: Path, metal: Path) -> None:
    (metal / "install.yaml").write_text(contract.dump(config(password="hunter2hunter2")))
    done = install(root)
    assert done.returncode == 0
    assert "hunter2" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no /etc/metal/install.yaml"),
        (contract.dump(config(root_uuid="")), "/etc/metal/install.yaml has no root_uuid"),
        (f"hostname: null\nroot_uuid: {ROOT_UUID}\n", "/etc/metal/install.yaml has no hostname"),
    ],
)
def test_what_is_missing_fails_the_installation(
    text: str | None, message: str, root: Path, metal: Path
) -> None:
    if text is not None:
        (metal / "install.yaml").write_text(text)
    done = install(root)
    assert done.returncode == 1
    assert done.stderr.startswith(f"install.sh: error: {message}")
    assert not (metal / "boot-info.yaml").exists()


def test_the_image_tells_nothing_of_who_built_it(root: Path) -> None:
    assert not list((root / "etc/apt").glob("sources.list*/*"))
    assert not (root / "etc/apt/sources.list").exists()
    assert not (root / "etc/resolv.conf").exists()
    assert not list((root / "var/lib/apt/lists").glob("*_*"))


def password_fits(root: Path) -> bool:
    """Whether crypt(3) of the image makes of PASSWORD what its /etc/shadow has."""
    found = re.search(r"^metal:([^:]+):", (root / "etc/shadow").read_text(), re.MULTILINE)
    assert found
    script = "use strict; chomp(my $p = <STDIN>); print crypt($p, $ARGV[0]);"
    made = subprocess.run(
        ["chroot", root, "perl", "-e", script, found[1]],
        input=f"{PASSWORD}\n",
        capture_output=True,
        text=True,
        check=True,
    )
    return made.stdout == found[1]
