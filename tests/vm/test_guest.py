"""The harness loses no guest quietly, and leaves none behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.vm.disks import empty_disk, partitions
from tests.vm.guest import Guest
from tests.vm.processes import pids_with, wait_for
from tests.vm.ramdisk import Ramdisk
from tests.vm.verdict import VmLost


def test_a_panic_is_a_lost_guest_at_once(work: Path, ramdisk: Ramdisk) -> None:
    began = time.monotonic()
    with pytest.raises(VmLost, match="panicked") as caught:
        # A kernel without a root filesystem.
        Guest(work=work, kernel=ramdisk.kernel, memory_mib=256).run(timeout_s=120)
    assert "VFS: Unable to mount root fs" in str(caught.value), "the end of the console is told"
    assert time.monotonic() - began < 60


def test_a_silent_guest_is_lost_after_its_time(work: Path) -> None:
    # A firmware that finds nothing to boot waits for ever.
    with pytest.raises(VmLost, match="no verdict after 2 s"):
        Guest(work=work, memory_mib=64).run(timeout_s=2)
    assert pids_with(work) == []


def test_a_qemu_that_does_not_start_says_why(work: Path) -> None:
    guest = Guest(work=work, more=("-device", "flux-capacitor"))
    with pytest.raises(VmLost, match=r"QEMU left with status 1: .*flux-capacitor"):
        guest.run(timeout_s=60)


def test_a_guest_does_not_outlive_a_test_that_is_killed(work: Path) -> None:
    code = (
        "from pathlib import Path; from tests.vm.guest import Guest; "
        f"Guest(work=Path({str(work)!r}), memory_mib=64).run(timeout_s=60)"
    )
    test = subprocess.Popen([sys.executable, "-c", code])
    wait_for(lambda: len(pids_with(work, name="qemu-system")) == 1)
    os.kill(test.pid, signal.SIGKILL)
    test.wait()
    wait_for(lambda: pids_with(work) == [])


def test_an_empty_disk_has_no_partitions(work: Path) -> None:
    assert partitions(empty_disk(work / "disk.raw", size_mib=8)) == []
