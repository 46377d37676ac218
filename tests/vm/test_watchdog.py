"""A watchdog of 20 s: what hangs is reset, and a person at the shell has all the time.

Time in these guests is counted in instructions and leaps while nothing is to be done
(-icount of QEMU), so that an hour at a shell takes seconds, and the load of the host
changes nothing. They have no network: that is outside of their time.
"""

import re
import time
from pathlib import Path

from initramfs.overlay import overlay
from tests.native.machine import base_image
from tests.vm.guest import Guest
from tests.vm.ramdisk import Ramdisk
from tests.vm.tiny_system import CMDLINE, tiny_initrd
from tests.vm.verdict import plain, tail

LIMIT_S = 600
WATCHDOG = ("-device", "i6300esb", "-action", "watchdog=reset")
LEAPING_TIME = ("-icount", "shift=1,sleep=off")
ARMED = "watchdog: i6300ESB timer, 20 s"
RESTARTED_BY_INIT = "reboot: Restarting system"
RESTARTED_BY_GUARD = "sysrq: Resetting"


def guest(work: Path, ramdisk: Ramdisk, *more: str, agent: str = "", **files: bytes) -> Guest:
    """A machine with a watchdog; `agent` (shell) is run in place of `hammer`."""
    added = {path: (content, 0o644) for path, content in files.items()}
    if agent:
        added["usr/local/sbin/hammer"] = (f"#!/bin/sh\n{agent}".encode(), 0o755)
    work.mkdir(parents=True, exist_ok=True)
    overlay(ramdisk.initrd, work / "initrd", added)
    return Guest(
        work=work,
        kernel=ramdisk.kernel,
        initrd=work / "initrd",
        accel="tcg",
        cpus=1,
        macs=(),
        more=(*WATCHDOG, *LEAPING_TIME, *more),
    )


def console_until_reset(guest: Guest, cmdline: str) -> str:
    """What it said until it was reset, by whomever; that ends QEMU."""
    ends_s = time.monotonic() + LIMIT_S
    with guest.started(f"hammer.watchdog_s=20 {cmdline}") as running:
        while running.status() is None and time.monotonic() < ends_s:
            time.sleep(0.1)
        assert running.status() == 0, f"{running.complaint()}\n{tail(guest.console)}"
    return plain(guest.console.read_text(errors="replace")).replace("\r", "")


def test_a_shell_is_fed_for_until_its_time_is_over(work: Path, ramdisk: Ramdisk) -> None:
    """Nobody types. The agent fails at once: there is no network."""
    words = "hammer.on_failure=shell hammer.shell_max_h=1"
    console = console_until_reset(guest(work, ramdisk), words)
    assert ARMED in console
    minutes = [int(found) for found in re.findall(r"this shell is open for (\d+) min", console)]
    assert minutes == [10, 20, 30, 40, 50]
    assert "hammer.shell_max_h=1 is over: the shell is ended" in console
    # It went on in order, and was fed for meanwhile.
    assert RESTARTED_BY_INIT in console
    assert "no sign of life" not in console


# The network has no end at the other side: the agent asks for an address for a minute and a half.
UNANSWERED = ("-netdev", "hubport,id=n,hubid=0", "-device", "virtio-net-pci,netdev=n")

STOPPED_AGENT = """
(until [ -s /run/hammer/alive ]; do sleep 1; done; sleep 10; kill -STOP $$; echo STOPPED) &
exec /usr/bin/hammer "$@"
"""


def test_an_agent_that_is_stopped_is_reset(work: Path, ramdisk: Ramdisk) -> None:
    console = console_until_reset(guest(work, ramdisk, *UNANSWERED, agent=STOPPED_AGENT), "")
    assert ARMED in console
    assert "STOPPED" in console
    assert "no sign of life from the agent" in console.partition("STOPPED")[2]
    # By the watchdog, and by nobody else.
    assert RESTARTED_BY_GUARD not in console
    assert RESTARTED_BY_INIT not in console


KEXEC = f"""
until [ -s /run/hammer/guard ]; do sleep 1; done
sleep 10
python3 -I -c '
from pathlib import Path
from hammer.host.power import HostPower
power = HostPower()
power.load_kernel(Path("/next/kernel"), Path("/next/initrd"), "{CMDLINE} panic=-1 quiet")
power.kexec()
'
"""


def test_a_system_that_hangs_after_kexec_is_reset_if_that_was_asked_for(
    work: Path, ramdisk: Ramdisk
) -> None:
    """Its kernel has no driver for the watchdog, and its first program does nothing."""
    files = {
        "next/kernel": ramdisk.kernel.read_bytes(),
        "next/initrd": tiny_initrd(base_image(), "echo I HANG"),
    }
    words = "watchdog.stop_on_reboot=0 hammer.watchdog_s=90"
    console = console_until_reset(guest(work, ramdisk, agent=KEXEC, **files), words)
    assert "watchdog: i6300ESB timer, 90 s" in console
    assert console.count("I HANG") == 1
    assert RESTARTED_BY_GUARD not in console.partition("I HANG")[2]
