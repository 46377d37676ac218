"""Handing the machine over: a new kernel is loaded, and then started."""

import ctypes
import errno
import os
import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn, Protocol

from hammer.errors import KernelInvalid, KexecRefused, RestartRefused
from hammer.host import guard

# asm/unistd_64.h and asm-generic/unistd.h of Linux
KEXEC_FILE_LOAD = {"x86_64": 320, "aarch64": 294}
KEXEC_FILE_UNLOAD = 1  # linux/kexec.h
KEXEC_FILE_NO_INITRAMFS = 4
LINUX_REBOOT_CMD_KEXEC = 0x45584543  # linux/reboot.h
LINUX_REBOOT_CMD_RESTART = 0x01234567

MIB = 1024 * 1024


class Power(Protocol):
    def obstacle(self) -> str | None:
        """What on this machine may keep a kernel from being loaded, in words."""

    def load_kernel(self, kernel: Path, initrd: Path | None, cmdline: str) -> None:
        """Load a kernel into memory, to be started by `kexec`.

        Raises KernelInvalid for a file that is none, KexecRefused when this machine refuses.
        """

    def unload_kernel(self) -> None:
        """Forget a loaded kernel."""

    def loaded(self) -> bool:
        """Whether a kernel is in memory, ready to be started."""

    def kexec(self) -> NoReturn:
        """Start the loaded kernel now. Everything must be unmounted."""

    def restart(self) -> NoReturn:
        """Start the machine anew, by its firmware. Everything must be unmounted."""


class HostPower:
    """Power over this machine, for real, by system calls."""

    def __init__(self, *, sys: Path = Path("/sys"), proc: Path = Path("/proc")) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._loaded = sys / "kernel/kexec_loaded"
        self._lockdown = sys / "kernel/security/lockdown"
        self._disabled = proc / "sys/kernel/kexec_load_disabled"
        self._memory = proc / "meminfo"

    def obstacle(self) -> str | None:
        return self._no_kexec() or self._locked_down()

    def load_kernel(self, kernel: Path, initrd: Path | None, cmdline: str) -> None:
        """By kexec_file_load(2): the kernel checks signature and format itself."""
        if reason := self._no_kexec() or self._no_room(kernel, initrd):
            raise KexecRefused(kernel=str(kernel), reason=reason)
        text = cmdline.encode() + b"\0"
        with _opened(kernel) as kernel_handle, _opened(initrd) as initrd_handle:
            flags = 0 if initrd else KEXEC_FILE_NO_INITRAMFS
            self._kexec_file_load(kernel_handle, initrd_handle, text, flags, kernel)

    def unload_kernel(self) -> None:
        self._kexec_file_load(-1, -1, b"\0", KEXEC_FILE_UNLOAD, Path("/"))

    def loaded(self) -> bool:
        try:
            return self._loaded.read_text().strip() == "1"
        except OSError:
            return False  # a kernel without kexec

    def kexec(self) -> NoReturn:
        if not self.loaded():  # known before the guard is gone, which a person then needs
            raise KexecRefused(kernel="(loaded)", reason="no kernel is loaded")
        guard.let_go()
        os.sync()
        self._libc.reboot(LINUX_REBOOT_CMD_KEXEC)
        raise KexecRefused(kernel="(loaded)", reason=os.strerror(ctypes.get_errno()))

    def restart(self) -> NoReturn:
        os.sync()
        self._libc.reboot(LINUX_REBOOT_CMD_RESTART)
        raise RestartRefused(reason=os.strerror(ctypes.get_errno()))

    def _kexec_file_load(
        self, kernel: int, initrd: int, cmdline: bytes, flags: int, path: Path
    ) -> None:
        number = KEXEC_FILE_LOAD.get(platform.machine())
        if number is None:
            reason = f"no system call kexec_file_load known for {platform.machine()}"
            raise KexecRefused(kernel=str(path), reason=reason)
        length = ctypes.c_ulong(len(cmdline))  # the NUL at the end counts (kexec_file_load(2))
        result = self._libc.syscall(
            number, kernel, initrd, length, ctypes.c_char_p(cmdline), ctypes.c_ulong(flags)
        )
        if result == 0:
            return
        number = ctypes.get_errno()
        if number == errno.ENOEXEC:
            raise KernelInvalid(path=str(path), reason="is no kernel, says kexec_file_load(2)")
        lockdown = self._locked_down()
        also = f" ({lockdown})" if lockdown else ""
        raise KexecRefused(kernel=str(path), reason=f"{os.strerror(number)}{also}")

    def _no_kexec(self) -> str | None:
        if not self._loaded.exists():
            return "the running kernel has no kexec"
        with suppress(OSError):
            # Once set, it stays until the next boot (admin-guide/sysctl/kernel.rst of Linux).
            if self._disabled.read_text().strip() != "0":
                return "kernel.kexec_load_disabled is set"
        return None

    def _locked_down(self) -> str | None:
        with suppress(OSError):
            # All states, with brackets around the one that holds (kernel_lockdown(7)).
            _, _, rest = self._lockdown.read_text().partition("[")
            state = rest.partition("]")[0]
            if state not in ("", "none"):
                return f"kernel lockdown: {state}"
        return None

    def _no_room(self, kernel: Path, initrd: Path | None) -> str | None:
        """Both are copied into memory; there they stay until the jump."""
        needed = sum(path.stat().st_size for path in (kernel, initrd) if path is not None)
        with suppress(OSError):
            found = re.search(r"^MemAvailable: +(\d+) kB$", self._memory.read_text(), re.MULTILINE)
            if found and needed > int(found[1]) * 1024:
                return (
                    f"kernel and initrd take {needed // MIB} MiB of memory, "
                    f"{int(found[1]) // 1024} MiB are available"
                )
        return None


@contextmanager
def _opened(path: Path | None) -> Iterator[int]:
    if path is None:
        yield -1
        return
    with path.open("rb") as stream:
        yield stream.fileno()
