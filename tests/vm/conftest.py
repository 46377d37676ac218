"""What the tests with guests share: image, server, ramdisk, work directories, disks."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo_image.build_image import DemoImage, bare_image, big_image, demo_image
from tests.servers import serve
from tests.vm.guest import OVMF, seen_by_guest
from tests.vm.ramdisk import BUILD, Ramdisk, built_ramdisk


def require(there: bool, why: str) -> None:
    """Skip on a laptop what this host cannot do; in CI it is a failure."""
    if there:
        return
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture(scope="session", autouse=True)
def _qemu() -> None:
    require(shutil.which("qemu-system-x86_64") is not None, "no QEMU: apt install qemu-system-x86")
    require(OVMF.is_dir(), "no firmware: apt install ovmf")


@pytest.fixture(scope="session")
def ramdisk() -> Ramdisk:
    built = built_ramdisk()
    require(built.exists, f"no {built.initrd}: run initramfs/build")
    return built


@pytest.fixture(scope="session")
def image() -> DemoImage:
    require(shutil.which("mmdebstrap") is not None, "no mmdebstrap: apt install mmdebstrap")
    return demo_image()


@pytest.fixture(scope="session")
def big(image: DemoImage) -> DemoImage:
    return big_image()


@pytest.fixture(scope="session")
def bare(image: DemoImage) -> DemoImage:
    return bare_image()


@pytest.fixture(scope="session")
def server(image: DemoImage) -> Iterator[str]:
    """URL of build/demo-image as a guest sees it, without a slash at the end."""
    with serve(image.folder) as server:
        yield seen_by_guest(server.address)


@pytest.fixture
def work(request: pytest.FixtureRequest) -> Iterator[Path]:
    """build/vm/<test>: fresh for each run; logs stay afterwards, what is big does not."""
    name = re.sub(r"[^\w.-]+", "-", request.node.name).strip("-")
    folder = BUILD / "vm" / f"{request.node.path.stem}-{name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    yield folder
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix != ".log":
            path.unlink()
