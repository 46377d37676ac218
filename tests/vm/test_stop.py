"""A person stops an installation at the console, looks, and has it go on to its proven end."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hammer.step import Step
from tests.images import PATH, published
from tests.servers import Answer, Drip, Then, serve
from tests.vm.disks import empty_disk
from tests.vm.documents import MACHINE_UUID, machine_document
from tests.vm.guest import Disk, Guest, seen_by_guest
from tests.vm.ramdisk import Ramdisk
from tests.vm.terminal import PROMPT, Terminal, at_terminal
from tests.vm.tiny_system import UP, UP_INIT, tiny_image

DISK_MIB = 256

SOAK = bool(os.environ.get("HAMMER_SOAK"))
# Of each kind one, in `make test`: nothing written, a program running, the stream, the chroot.
STEPS = list(Step) if SOAK else [Step.CHECK, Step.PARTITION, Step.IMAGE, Step.INSTALL]


@pytest.fixture(scope="module")
def image() -> bytes:
    return tiny_image(init=UP_INIT, before="echo installing; busybox sleep 2")


@pytest.fixture
def guest(work: Path, ramdisk: Ramdisk, image: bytes) -> Iterator[Guest]:
    """A machine with an empty disk, and a server whose image takes some seconds to come."""
    slowly: dict[str, Answer | Then] = {
        **published(image),
        PATH: Drip(image, piece=len(image) // 8, pause_s=0.4),
    }
    with serve(slowly) as server:
        document = machine_document("/dev/vda", seen_by_guest(server.url(PATH)), uefi=False)
        yield Guest(
            work=work,
            kernel=ramdisk.kernel,
            initrd=ramdisk.with_document(document, work=work),
            disks=(Disk(path=empty_disk(work / "disk.raw", size_mib=DISK_MIB)),),
            uuid=MACHINE_UUID,
        )


def stopped(terminal: Terminal) -> str:
    """Where the installation is held, with a shell open."""
    told = terminal.expect(r"^STOPPED(, | )(.*) \(Ctrl-C\)$")[2]
    where = terminal.expect(PROMPT)[1]
    assert where.endswith(told)
    return where


def mounted(terminal: Terminal) -> int:
    """How many filesystems are mounted below the target."""
    terminal.line("echo $(grep -c ' /rootfs' /proc/mounts) mounted")
    found = int(terminal.expect(r"^(\d+) mounted$")[1])
    terminal.expect(PROMPT)
    return found


def begun(terminal: Terminal, step: Step) -> int:
    """How often a step has begun in this boot."""
    return sum(
        event["event"] == "step" and event["step"] == step and event["state"] == "begin"
        for event in terminal.events()
    )


def step_of(where: str) -> Step:
    found = re.search(r"\d+/\d+ (\w+)", where)
    assert found, where
    return Step(found[1])


def test_stopped_in_steps_and_completed(guest: Guest) -> None:
    with at_terminal(guest, "hammer.pause_s=20") as terminal:
        seen = dict.fromkeys(Step, 0)
        for step in STEPS:
            terminal.expect_nth("step", seen[step] + 1, step=step, state="begin")
            terminal.ctrl_c()
            terminal.ctrl_c()  # nobody types it just once
            at = step_of(stopped(terminal))
            # A step may have ended while the key was on its way.
            assert step.number <= at.number <= step.number + 1
            assert mounted(terminal) == (1 if Step.MOUNT.number < at.number else 0)
            seen = {each: begun(terminal, each) for each in Step}
            terminal.line("hammer retry check")
        terminal.expect("kexec in 20 s, Ctrl-C stops it")
        terminal.ctrl_c()
        assert stopped(terminal) == "installed"
        assert mounted(terminal) == 0
        terminal.line("hammer boot")
        terminal.expect("kexec in 20 s")
        terminal.expect(UP)
        assert not [event for event in terminal.events() if event["event"] == "failed"]
