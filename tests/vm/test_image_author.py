"""docs/image-author.md is followed, command by command, as a person would type it."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo_image.build_image import SUITE, DemoImage, apt_sources
from tests.servers import serve
from tests.vm.ramdisk import BUILD, Ramdisk

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs" / "image-author.md"
EXAMPLE = REPOSITORY / "docs" / "example-image"

SUDO = "" if os.geteuid() == 0 else "sudo -n"

# Host of the addresses on the page; the test's own server answers in its place.
PUBLISHED = "http://images.example.com"

# `docker` of the page. podman takes the same arguments; the rest is what a build of
# packages needs on a host where nothing but root and a file system can be relied on:
# no daemon, no overlay filesystem, no registry, and apt as this host has it.
DOCKER = """\
#!/bin/sh
set -eu
[ "$1" = build ] && shift
{podman} build \\
    --layers=false --isolation chroot --network host --build-arg BASE=localhost/base \\
    --build-arg KERNEL=linux-image-cloud-amd64 \\
    -v /etc/ssl/certs:/etc/ssl/certs:ro -v /etc/apt/apt.conf.d:/etc/apt/apt.conf.d:ro \\
    -v /usr/local/share/ca-certificates:/usr/local/share/ca-certificates:ro "$@"
{sudo} chown "$(id -u):$(id -g)" rootfs.tar
"""

# mmdebstrap with the packages of this host's own mirrors.
MMDEBSTRAP = """\
#!/bin/sh
exec /usr/bin/mmdebstrap "$@" - <{sources}
"""


def commands_of(heading: str) -> list[str]:
    """The commands below a heading of the page: its indented lines."""
    text = PAGE.read_text()
    section = re.search(
        rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE
    )
    assert section, heading
    return re.findall(r"^ {4}(\S.*)$", section[1], re.MULTILINE)


class Author:
    """A person with a copy of the example, typing what the page says."""

    def __init__(self, work: Path) -> None:
        self._work = work
        self._run = Path(tempfile.mkdtemp(prefix="author-"))  # podman wants a short path
        self._bin = work / "bin"
        self._bin.mkdir(parents=True)
        self.desk = work / "desk"
        shutil.copytree(EXAMPLE, self.desk)
        sources = work / "sources.list"
        sources.write_text(apt_sources())
        self._tool("docker", DOCKER.format(podman=self._podman(), sudo=SUDO))
        self._tool("mmdebstrap", MMDEBSTRAP.format(sources=sources))

    def types(self, command: str) -> str:
        """Run one line in a shell; what it printed. A status other than 0 fails the test."""
        path = f"{self._bin}:{BUILD / 'venv/bin'}:{os.environ['PATH']}:/usr/sbin:/sbin"
        ended = subprocess.run(
            ["sh", "-euc", command],
            cwd=self.desk,
            env={**os.environ, "PATH": path, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, f"$ {command}\n{ended.stdout}\n{ended.stderr}"
        return ended.stdout

    def has_base_image(self) -> None:
        """Give `docker` the Debian that a Dockerfile begins with; there is no registry here."""
        tar = self._work / "base.tar"
        self.types(f"mmdebstrap --quiet --variant=minbase {SUITE} {tar}")
        self.types(f"{self._podman()} import --quiet {tar} localhost/base")
        tar.unlink()

    def leaves(self) -> None:
        """Layers of containers belong to root, and take more room than all the rest."""
        self.types(f"{SUDO} rm -rf {self._work}/containers {self._run}")
        shutil.rmtree(self._work)

    def _podman(self) -> str:
        folders = f"--root {self._work}/containers --runroot {self._run}"
        return f"{SUDO} podman {folders} --storage-driver vfs".strip()

    def _tool(self, name: str, text: str) -> None:
        (self._bin / name).write_text(text)
        (self._bin / name).chmod(0o755)


@pytest.fixture
def author(request: pytest.FixtureRequest) -> Iterator[Author]:
    work = BUILD / "vm" / request.node.name
    shutil.rmtree(work, ignore_errors=True)
    person = Author(work)
    yield person
    person.leaves()


def test_from_a_dockerfile_to_a_published_image(author: Author, ramdisk: Ramdisk) -> None:
    author.has_base_image()
    said = [author.types(command) for command in commands_of("From a Dockerfile")]
    assert "0 errors, 0 warnings" in said[2]
    assert re.search(r"^PASSED\n +try-\S+ login:", said[3], re.MULTILINE)

    said = [author.types(command) for command in commands_of("Checking")]
    assert "kernel-missing" in said[0]
    verdict = json.loads(said[1])
    assert verdict["md5"] == (author.desk / "published/img.tar.lz4.md5").read_text().split()[0]

    with serve(author.desk) as server:
        for command in commands_of("Publishing"):
            said = [author.types(command.replace(PUBLISHED, server.address))]


def test_from_a_debootstrap_tree_to_a_checked_image(author: Author) -> None:
    said = [author.types(command) for command in commands_of("From a debootstrap tree")]
    assert "0 errors, 0 warnings" in said[-1]


def test_documents_and_a_trial(author: Author, image: DemoImage, ramdisk: Ramdisk) -> None:
    """The rest of the page, with an image that is there already."""
    (author.desk / "published").symlink_to(image.folder)
    for command in commands_of("Documents"):
        author.types(command)
    (command,) = commands_of("Trying")
    verdict = json.loads(author.types(command))
    assert verdict["verdict"] == "up"
    assert "basic" in verdict["marker"]


def test_no_command_of_the_page_is_left_out() -> None:
    followed = ("From a Dockerfile", "From a debootstrap tree", "Documents", "Checking", "Trying")
    commands = [
        command for heading in (*followed, "Publishing") for command in commands_of(heading)
    ]
    assert commands == re.findall(r"^ {4}(\S.*)$", PAGE.read_text(), re.MULTILINE)
