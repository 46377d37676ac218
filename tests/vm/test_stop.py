"""A person stops an installation at the console, looks, and has it go on to its proven end.

Time in these guests is counted in instructions (-icount of QEMU), a nanosecond each, so that
"within 3 s" is a number of instructions, whatever else the host does.
"""

import os
import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hammer.step import Step
from tests.images import PATH, published
from tests.servers import Answer, Drip, Status, Then, serve
from tests.vm.disks import empty_disk
from tests.vm.documents import MACHINE_UUID, machine_document
from tests.vm.guest import Disk, Guest, seen_by_guest
from tests.vm.ramdisk import Ramdisk
from tests.vm.terminal import PROMPT, Terminal, at_terminal
from tests.vm.tiny_system import UP, UP_INIT, tiny_image

DISK_MIB = 256

SHELL_WITHIN_S = 3.0
COUNTED_TIME = ("-icount", "shift=0")
# bash tells the time before each prompt; of what a kernel is started with, PID 1 gets this.
TELL_TIME = '"PROMPT_COMMAND=echo at $EPOCHREALTIME"'

SOAK = bool(os.environ.get("HAMMER_SOAK"))
# A program and the stream, in `make test`; test_chroot.py stops the installer.
STEPS = list(Step) if SOAK else [Step.PARTITION, Step.IMAGE]


@pytest.fixture(scope="module")
def image() -> bytes:
    return tiny_image(init=UP_INIT, before="echo installing; busybox sleep 2")


@dataclass(frozen=True)
class Site:
    """A machine with an empty disk, and a server whose answers a test may change."""

    guest: Guest
    answers: dict[str, Answer | Then]
    document: bytes
    words: str


@pytest.fixture
def site(work: Path, ramdisk: Ramdisk, image: bytes) -> Iterator[Site]:
    """The image takes some seconds to come."""
    answers: dict[str, Answer | Then] = {
        **published(image),
        PATH: Drip(image, piece=len(image) // 8, pause_s=0.4),
    }
    disk = Disk(path=empty_disk(work / "disk.raw", size_mib=DISK_MIB))
    guest = Guest(
        work=work,
        kernel=ramdisk.kernel,
        initrd=ramdisk.initrd,
        disks=(disk,),
        uuid=MACHINE_UUID,
        more=COUNTED_TIME,
    )
    with serve(answers) as server:
        address = seen_by_guest(server.url(""))
        document = machine_document("/dev/vda", f"{address}{PATH}", uefi=False).encode()
        answers["/m.yaml"] = document
        words = f"hammer.spec={address}/m.yaml hammer.pause_s=20 {TELL_TIME}"
        yield Site(guest, answers, document, words)


def stopped(terminal: Terminal) -> str:
    """Where the installation is held, with a shell open: within 3 s after the key was heard."""
    told = terminal.expect(r"^STOPPED(, | )(.*) \(Ctrl-C\)$")[2]
    shell_at_s = float(terminal.expect(r"^at (\d+\.\d{6})$")[1])
    where = terminal.expect(PROMPT)[1]
    assert where.endswith(told)
    so_far = len(re.findall(r"^STOPPED", terminal.said(), re.MULTILINE))
    event = terminal.expect_nth("stopped", so_far)
    shell_after_s = shell_at_s - event["time_s"] + event["after_s"]
    assert 0 < shell_after_s <= SHELL_WITHIN_S
    print(f"{where}: a shell after {shell_after_s:.2f} s", flush=True)
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


def assert_mounted_as_promised(terminal: Terminal, where: str) -> None:
    """The target stays mounted in and after the step that mounts it, until the one that does not.

    What is stopped on its way in or out may have mounted it or not.
    """
    if where == "installed":
        assert mounted(terminal) == 0
    elif (at := step_of(where)) not in (Step.MOUNT, Step.UNMOUNT):
        assert mounted(terminal) == (1 if at.number > Step.MOUNT.number else 0)


@pytest.mark.soak
def test_stopped_in_the_wait_in_steps_and_in_the_pause(site: Site) -> None:
    site.answers["/m.yaml"] = Status(503)
    with at_terminal(site.guest, site.words) as terminal:
        terminal.expect("HTTP status 503, again in")
        terminal.ctrl_c()
        assert stopped(terminal) == "stopped before 1/10 check"
        site.answers["/m.yaml"] = site.document
        terminal.line("hammer continue")

        seen = dict.fromkeys(Step, 0)
        for step in STEPS:
            terminal.expect_nth("step", seen[step] + 1, step=step, state="begin")
            # Twice, as people do.
            terminal.ctrl_c()
            terminal.ctrl_c()
            where = stopped(terminal)
            # A step may have ended while the key was on its way.
            assert step.number <= step_of(where).number <= step.number + 1
            assert_mounted_as_promised(terminal, where)
            seen = {each: begun(terminal, each) for each in Step}
            terminal.line("hammer retry check")

        terminal.expect("kexec in 20 s, Ctrl-C stops it")
        terminal.ctrl_c()
        assert stopped(terminal) == "installed"
        assert_mounted_as_promised(terminal, "installed")
        terminal.line("hammer boot")
        terminal.expect("kexec in 20 s")
        terminal.expect(UP)
        assert not [event for event in terminal.events() if event["event"] == "failed"]


@pytest.mark.soak
@pytest.mark.skipif(not SOAK, reason="a boot for ten moments: HAMMER_SOAK=1")
@pytest.mark.parametrize("seed", range(3))
def test_stopped_at_random_moments(seed: int, site: Site) -> None:
    chance = random.Random(seed)
    # Of a repeated word the last counts. An installation takes about 15 s, so that some of the
    # moments are in the pause, and none is after it. How far a guest gets depends on the host;
    # where it was stopped is told.
    with at_terminal(site.guest, f"{site.words} hammer.pause_s=60") as terminal:
        terminal.expect("eth0 has")
        for _ in range(10):
            time.sleep(chance.uniform(0, 12))
            terminal.ctrl_c()
            if chance.random() < 0.5:
                terminal.ctrl_c()
            where = stopped(terminal)
            assert_mounted_as_promised(terminal, where)
            again = where == "installed" or chance.random() < 0.3
            terminal.line("hammer retry check" if again else "hammer continue")
            terminal.expect("begins|kexec in 60 s")
        terminal.expect(UP)
        assert not [event for event in terminal.events() if event["event"] == "failed"]
