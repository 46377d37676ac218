"""An installation that was interrupted and gone on with is the one that nobody interrupted."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hammer import spec
from hammer.cmdline import Settings
from hammer.console import Console
from hammer.errors import HammerError, ImageError, InstallerFailed, TargetFull
from hammer.journal import Journal
from hammer.retry import beginning, re_establish
from hammer.sequence import provision
from hammer.spec import InstallSpec
from hammer.step import Step
from hammer.steps.mount import mount_target, unmount_target
from hammer.this_machine import this_machine
from tests.images import PATH, image, md5_file
from tests.manifest import Entry, differences, manifest
from tests.native.machine import INSTALLER, LoopDisk, base_image, document, installer, loop_disk
from tests.servers import Answer, Cut, Then, serve

# What is random, or of the moment, in an installed system.
OF_THE_MOMENT = (
    "etc/metal/install.yaml",
    "etc/metal/machine-details.yaml",
    "etc/metal/hammer-provenance.json",
)
UUID = "4dca1f5a-41b6-4b6c-a2cd-7a1d15ae9c8d"

GOOD = {**base_image(), "data": bytes(range(256)) * 4096}
CONTENT = image(GOOD)
BROKEN = {**GOOD, "install.sh": installer("#!/bin/sh\necho half > /half-done\nexit 7\n")}


class Tries:
    """One machine with one disk, on which installations are tried."""

    def __init__(self, disk: LoopDisk, folder: Path) -> None:
        settings = replace(Settings(), retry_s=1)
        self.machine = this_machine(Console([]), settings, target=folder / "rootfs", kexec=False)
        self.folder, self.disk, self.began_ns = folder, disk, time.time_ns()
        Journal.new(folder)

    def spec(self, url: str, *, root_mib: int = 0) -> InstallSpec:
        text = document(self.disk.device, url)
        for old, new in (
            ("label: root, size: 0", f"label: root, size: {root_mib}"),
            ("format: ext4", f"format: ext4, createoptions: [-U, {UUID}]"),
        ):
            assert old in text
            text = text.replace(old, new)
        return spec.read(text.encode(), where="machine.yaml")

    def go(self, wanted: InstallSpec, step: Step | None = None) -> None:
        """One try, as `hammer retry STEP` makes it: it knows only what stands in the journal."""
        journal = Journal.read(self.folder)
        begin = beginning(journal, step)
        re_establish(self.machine, wanted, journal, begin)
        provision(self.machine, wanted, journal, begin=begin)

    def fails(self, kind: type[HammerError], wanted: InstallSpec) -> None:
        with pytest.raises(kind):
            self.go(wanted)

    def tree(self) -> dict[str, Entry]:
        """What is on the disk; what was written now has no time."""
        volumes = Journal.read(self.folder).volumes
        root = mount_target(self.machine, volumes)
        try:
            found = manifest(root, without=frozenset({"lost+found"}))
        finally:
            unmount_target(self.machine, volumes)
        return {
            path: replace(entry, mtime_ns=0) if entry.mtime_ns >= self.began_ns else entry
            for path, entry in found.items()
            if path not in OF_THE_MOMENT
        }

    def end(self) -> None:
        unmount_target(self.machine, Journal.read(self.folder).volumes)


@pytest.fixture
def tries(tmp_path: Path) -> Iterator[Tries]:
    with loop_disk(tmp_path / "disk", size_mib=96) as disk:
        tries = Tries(disk, tmp_path)
        try:
            yield tries
        finally:
            tries.end()


@pytest.fixture
def answers() -> dict[str, Answer | Then]:
    """What the server has; a test may change it while it runs."""
    return {PATH: CONTENT, f"{PATH}.md5": md5_file(CONTENT)}


@pytest.fixture
def url(answers: dict[str, Answer | Then]) -> Iterator[str]:
    with serve(answers) as server:
        yield server.url(PATH)


def as_nobody_interrupted(tries: Tries, wanted: InstallSpec) -> None:
    """Compare what is on the disk with an installation in one go, on the same disk."""
    mended = tries.tree()
    tries.go(wanted, Step.CHECK)
    assert differences(tries.tree(), mended) == []
    assert "data" in mended


def test_a_download_that_failed(tries: Tries, answers: dict[str, Answer | Then], url: str) -> None:
    answers[PATH] = Then(CONTENT, Cut(CONTENT, len(CONTENT) // 2))
    tries.fails(ImageError, tries.spec(url))
    answers[PATH] = CONTENT
    tries.go(tries.spec(url))
    as_nobody_interrupted(tries, tries.spec(url))


def test_an_installer_that_was_mended(
    tries: Tries, answers: dict[str, Answer | Then], url: str
) -> None:
    broken = image(BROKEN)
    answers |= {PATH: broken, f"{PATH}.md5": md5_file(broken)}
    tries.fails(InstallerFailed, tries.spec(url))
    # What a person does in `hammer chroot`.
    root = tries.machine.target
    (root / "install.sh").write_text(INSTALLER)
    (root / "half-done").unlink()
    tries.go(tries.spec(url))
    answers |= {PATH: CONTENT, f"{PATH}.md5": md5_file(CONTENT)}
    as_nobody_interrupted(tries, tries.spec(url))


def test_a_filesystem_that_was_too_small(tries: Tries, url: str) -> None:
    tries.fails(TargetFull, tries.spec(url, root_mib=4))
    tries.go(tries.spec(url), Step.CHECK)
    as_nobody_interrupted(tries, tries.spec(url))


def test_another_image_leaves_nothing_of_the_one_before(
    tries: Tries, answers: dict[str, Answer | Then], url: str
) -> None:
    broken = image({**BROKEN, "left-over": b"of the image before"})
    answers |= {PATH: broken, f"{PATH}.md5": md5_file(broken)}
    tries.fails(InstallerFailed, tries.spec(url))
    answers |= {PATH: CONTENT, f"{PATH}.md5": md5_file(CONTENT)}
    tries.go(tries.spec(url), Step.IMAGE)
    as_nobody_interrupted(tries, tries.spec(url))
