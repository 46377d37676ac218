"""A person mends at the console what made an installation fail, and has it completed."""

import re
from pathlib import Path

from hammer.errors import AgentKilled
from initramfs.overlay import overlay
from tests.images import PATH, published
from tests.servers import Answer, Cut, Then, serve
from tests.vm.disks import empty_disk
from tests.vm.documents import MACHINE_UUID, machine_document
from tests.vm.guest import Disk, Guest, seen_by_guest
from tests.vm.ramdisk import Ramdisk
from tests.vm.terminal import PROMPT, at_terminal
from tests.vm.test_failure_path import ends, used_disk
from tests.vm.tiny_system import UP, UP_INIT, tiny_image

LIMIT_S = 180
REPOSITORY = Path(__file__).parents[2]


def test_three_failures_mended_in_one_shell(work: Path, ramdisk: Ramdisk) -> None:
    content = tiny_image(init=UP_INIT, before="[ -e /mended ] || exit 7")
    answers: dict[str, Answer | Then] = {**published(content)}
    disk = Disk(path=empty_disk(work / "disk.raw", size_mib=256))
    guest = Guest(
        work=work, kernel=ramdisk.kernel, initrd=ramdisk.initrd, disks=(disk,), uuid=MACHINE_UUID
    )
    with serve(answers) as server:
        address = seen_by_guest(server.url(""))
        document = machine_document("/dev/vda", f"{address}{PATH}", uefi=False)
        assert "size: 0" in document
        answers["/m.yaml"] = document.replace("size: 0", "size: 8").encode()
        words = f"hammer.spec={address}/m.yaml hammer.on_failure=shell hammer.pause_s=0"
        words += " hammer.retry_s=1"
        with at_terminal(guest, words) as terminal:
            terminal.expect(r"FAILED \[target-full\]")
            assert terminal.expect(PROMPT)[1] == "failed in 6/10 image"
            terminal.line("hammer status")
            terminal.expect(r"^ 6/10 image     failed$")
            terminal.expect(r"FAILED \[target-full\]")
            terminal.expect(r"/dev/vda1 on /rootfs \(ext4\)")
            terminal.expect(r"/dev/vda, 256 MiB, written to by this installation")
            terminal.expect(PROMPT)

            answers["/m.yaml"] = document.encode()
            answers[PATH] = Then(content, Cut(content, len(content) // 2))
            terminal.line("hammer retry check")
            terminal.expect(r"FAILED \[image-interrupted\]")
            terminal.expect(PROMPT)

            answers[PATH] = content
            terminal.line("hammer retry")
            terminal.expect(r"FAILED \[installer-failed\]")
            assert terminal.expect(PROMPT)[1] == "failed in 8/10 install"
            terminal.line("hammer retry kernel")
            terminal.expect(r"FAILED \[retry-unsafe\]")
            terminal.expect(PROMPT)
            terminal.line("hammer chroot busybox touch /mended")
            terminal.expect(PROMPT)
            terminal.line("hammer retry")
            terminal.expect(UP)
            assert_as_printed(terminal.said())


def assert_as_printed(said: str) -> None:
    """The console has shown what docs/console.md shows, line by line; numbers may be others."""
    page = (REPOSITORY / "docs/console.md").read_text()
    (printed,) = re.findall(r"```console\n(.*?)```", page, re.DOTALL)
    shown = iter(map(like, said.splitlines()))
    for line in printed.splitlines():
        if line != "...":
            assert like(line) in shown, line


def like(line: str) -> str:
    """A line without what is of the moment: numbers, and bars that are made of them."""
    return re.sub(r" +", " ", re.sub(r"#+$", "#", re.sub(r"\d+(\.\d+)?", "N", line)))


def test_an_agent_that_is_killed_is_given_up(work: Path, ramdisk: Ramdisk) -> None:
    """By SIGKILL, in the middle of a step; init has the rest done by somebody else."""
    disk = used_disk(work / "disk.raw")
    content = tiny_image(init=UP_INIT)
    killer = b"#!/bin/sh\nkill -KILL $PPID\n"
    with serve(published(content)) as server:
        document = machine_document("/dev/vda", seen_by_guest(server.url(PATH)), uefi=False)
        plain, initrd = ramdisk.with_document(document, work=work), work / "killing"
        overlay(plain, initrd, {"usr/local/sbin/mkfs.ext4": (killer, 0o755)})
        guest = Guest(
            work=work, kernel=ramdisk.kernel, initrd=initrd, disks=(disk,), uuid=MACHINE_UUID
        )
        verdict = guest.run("hammer.on_failure=halt", timeout_s=LIMIT_S)
    assert verdict.failed is not None
    assert verdict.code == AgentKilled.code
    assert verdict.failed["message"] == "the agent was killed by signal 9 without telling why"
    assert not any(ends(disk))
