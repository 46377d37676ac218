"""Watchdogs of this machine: found, armed with a known timeout, fed, stopped.

The calls are those of linux/watchdog.h, Documentation/watchdog/watchdog-api.rst of
Linux. Only the standard library: the guard is a small process of its own.
"""

import contextlib
import fcntl
import os
import struct
from collections.abc import Callable
from pathlib import Path

# linux/watchdog.h; the encoding of x86 and arm64.
WDIOC_GETSUPPORT = 0x80285700
WDIOC_SETTIMEOUT = 0xC0045706
WDIOC_GETTIMEOUT = 0x80045707
WATCHDOG_INFO_BYTES = 40  # struct watchdog_info: options, firmware version, identity[32]
IDENTITY_AT = 8
MAGIC_CLOSE = b"V"

SOFTWARE = "Software Watchdog"
"""Identity of softdog: a timer of the kernel that it watches."""

DEV = Path("/dev")
SYS_WATCHDOGS = Path("/sys/class/watchdog")
# Drivers that nothing loads by itself, in the order they are tried. The one for
# management controllers has no entry in sysfs, and needs no check whether there is one.
MODULES = ("ipmi_watchdog", "softdog")
LEGACY_NODE = "watchdog"

Ioctl = Callable[[int, int, bytearray], object]


class Watchdog:
    """An open watchdog: from here on it must be fed."""

    def __init__(self, path: Path, *, timeout_s: int, ioctl: Ioctl = fcntl.ioctl) -> None:
        """Open and arm. Raises OSError, also when somebody else has it.

        A driver that refuses `timeout_s` keeps its own; `timeout_s` of the result is what holds.
        """
        self._path = path
        self._ioctl = ioctl
        self._handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        self.name = self._identity()
        self.timeout_s = self._armed(timeout_s)

    @property
    def is_software(self) -> bool:
        return self.name == SOFTWARE

    @property
    def stays(self) -> bool:
        """Whether the kernel was told never to stop it (`nowayout`)."""
        places = (
            SYS_WATCHDOGS / self._path.name / "nowayout",
            Path("/sys/module/ipmi_watchdog/parameters/nowayout"),
        )
        return any(_text(place) in ("1", "Y") for place in places)

    def feed(self) -> None:
        # A write that fails must not end the guard: the next one may succeed, and if
        # none does the machine is reset, as it should be.
        with contextlib.suppress(OSError):
            os.write(self._handle, b"\0")

    def stop(self) -> None:
        """Close it so that it does not bite, unless it `stays`.

        Drivers without magic close stop at any close, and take the letter for food.
        """
        with contextlib.suppress(OSError):
            os.write(self._handle, MAGIC_CLOSE)
        os.close(self._handle)

    def _identity(self) -> str:
        info = bytearray(WATCHDOG_INFO_BYTES)
        try:
            self._ioctl(self._handle, WDIOC_GETSUPPORT, info)
        except OSError:
            return self._path.name
        return info[IDENTITY_AT:].split(b"\0")[0].decode(errors="replace")

    def _armed(self, timeout_s: int) -> int:
        wanted = bytearray(struct.pack("i", timeout_s))
        with contextlib.suppress(OSError):
            self._ioctl(self._handle, WDIOC_SETTIMEOUT, wanted)
        holds = bytearray(wanted)
        with contextlib.suppress(OSError):
            self._ioctl(self._handle, WDIOC_GETTIMEOUT, holds)
        seconds: int = struct.unpack("i", holds)[0]
        return seconds


def armed(
    timeout_s: int,
    *,
    dev: Path = DEV,
    sys_watchdogs: Path = SYS_WATCHDOGS,
    load: Callable[[str], None] | None = None,
    ioctl: Ioctl = fcntl.ioctl,
) -> Watchdog | None:
    """Arm the best watchdog of this machine; None when there is none, or none that opens.

    Hardware comes first, the one of the management controller next, softdog last.
    `load` loads a kernel module by name, if it can.
    """
    for module in ("", *MODULES):
        if module:
            (load or _modprobe)(module)
        for path in nodes(dev=dev, sys_watchdogs=sys_watchdogs):
            with contextlib.suppress(OSError):
                return Watchdog(path, timeout_s=timeout_s, ioctl=ioctl)
    return None


def nodes(*, dev: Path, sys_watchdogs: Path) -> list[Path]:
    """Device nodes of the watchdogs that are there now, the best one first."""
    found = []
    for entry in sys_watchdogs.glob("watchdog*"):
        software = _text(entry / "identity") == SOFTWARE
        found.append((software, len(entry.name), entry.name))
    names = [name for _, _, name in sorted(found)]
    if not names and (dev / LEGACY_NODE).exists():
        names = [LEGACY_NODE]
    return [dev / name for name in names]


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _modprobe(module: str) -> None:
    os.spawnvp(os.P_WAIT, "modprobe", ["modprobe", "-q", module])
