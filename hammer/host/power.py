"""Handing the machine over: a new kernel is loaded, and then started."""

import ctypes
import errno
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, Protocol

from hammer.errors import KernelInvalid, KexecRefused

# asm/unistd_64.h and asm-generic/unistd.h of Linux
KEXEC_FILE_LOAD = {"x86_64": 320, "aarch64": 294}
KEXEC_FILE_UNLOAD = 1  # linux/kexec.h
KEXEC_FILE_NO_INITRAMFS = 4
LINUX_REBOOT_CMD_KEXEC = 0x45584543  # linux/reboot.h

KEXEC_LOADED = Path("/sys/kernel/kexec_loaded")
LOCKDOWN = Path("/sys/kernel/security/lockdown")


class Power(Protocol):
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


class HostPower:
    """Power over this machine, for real, by system calls."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)

    def load_kernel(self, kernel: Path, initrd: Path | None, cmdline: str) -> None:
        """By kexec_file_load(2): the kernel checks signature and format itself."""
        text = cmdline.encode() + b"\0"
        with _opened(kernel) as kernel_handle, _opened(initrd) as initrd_handle:
            flags = 0 if initrd else KEXEC_FILE_NO_INITRAMFS
            self._kexec_file_load(kernel_handle, initrd_handle, text, flags, kernel)

    def unload_kernel(self) -> None:
        self._kexec_file_load(-1, -1, b"\0", KEXEC_FILE_UNLOAD, Path("/"))

    def loaded(self) -> bool:
        try:
            return KEXEC_LOADED.read_text().strip() == "1"
        except OSError:
            return False  # a kernel without kexec

    def kexec(self) -> NoReturn:
        os.sync()
        self._libc.reboot(LINUX_REBOOT_CMD_KEXEC)
        raise KexecRefused(kernel="(loaded)", reason=os.strerror(ctypes.get_errno()))

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
        raise KexecRefused(kernel=str(path), reason=_reason(number))


def _reason(number: int) -> str:
    text = os.strerror(number)
    try:
        lockdown = LOCKDOWN.read_text().strip()
    except OSError:
        return text
    return f"{text} (kernel lockdown: {lockdown})"


@contextmanager
def _opened(path: Path | None) -> Iterator[int]:
    if path is None:
        yield -1
        return
    with path.open("rb") as stream:
        yield stream.fileno()
