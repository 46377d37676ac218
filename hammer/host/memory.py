"""What a machine keeps in mind over a restart: one small record in a variable of its firmware."""

import contextlib
import fcntl
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

EFIVARS = Path("/sys/firmware/efi/efivars")
# A vendor GUID of our own (UEFI specification, GetVariable): made once, never changed.
VARIABLE = "HammerState-4c7d65d9-65f7-47b4-ad31-adbac4787dc2"
# EFI_VARIABLE_NON_VOLATILE, _BOOTSERVICE_ACCESS, _RUNTIME_ACCESS; efivarfs has them
# before the content, in four bytes (Documentation/filesystems/efivarfs.rst of Linux).
ATTRIBUTES = struct.pack("<I", 0x1 | 0x2 | 0x4)

# linux/fs.h, on 64 bits. Linux makes variables it does not know immutable.
FS_IOC_GETFLAGS, FS_IOC_SETFLAGS = 0x80086601, 0x40086602
FS_IMMUTABLE_FL = 0x10

RECORD_BYTES_MAX = 1024
"""Firmware has some tens of KiB for all variables, and machines that are full do not boot."""
MESSAGE_CHARS_MAX = 400
COUNT_MAX = 999


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class LastFailure(_Part):
    """How an installation of this machine failed. Without secrets: anyone may read it."""

    code: str
    message: str
    step: str | None = None
    """None: before the first step, or after the last one."""
    time_s: int
    """Seconds since the epoch, by the machine's own clock."""


class Started(_Part):
    """An installed system that was started and has not said that it is up."""

    how: Literal["kexec", "firmware"]
    image: str
    kernel: str
    time_s: int
    """Seconds since the epoch, by the machine's own clock."""


class Remembered(_Part):
    """The record. An installed system that is up removes it, and with that all is well."""

    version: Literal[1] = 1
    failures: int = Field(default=0, ge=0, le=COUNT_MAX)
    """Attempts in a row that came to nothing."""
    unconfirmed: int = Field(default=0, ge=0, le=COUNT_MAX)
    """Of them, at their end, started systems in a row that never said they are up."""
    last: LastFailure | None = None
    started: Started | None = None

    def packed(self) -> bytes:
        """The record as JSON of at most RECORD_BYTES_MAX bytes, a message cut to fit."""
        data = self.model_dump_json(exclude_none=True).encode()
        if len(data) <= RECORD_BYTES_MAX:
            return data
        return self._shortened().model_dump_json(exclude_none=True).encode()

    def _shortened(self) -> "Remembered":
        """Without whatever a document or an image may have made long."""
        last = self.last and self.last.model_copy(update={"message": self.last.message[:100]})
        started = self.started and self.started.model_copy(
            update={"image": self.started.image[:100], "kernel": self.started.kernel[:100]}
        )
        return self.model_copy(update={"last": last, "started": started})


class Memory(Protocol):
    """Keeps one record. What it cannot keep or read it tells once, and that is no failure."""

    lasts: bool
    """Whether a record is there after a restart; else every boot is a first one."""

    def recall(self) -> Remembered:
        """The record; an empty one when there is none, or none that we understand."""

    def remember(self, record: Remembered) -> None:
        """Replace the record."""


class NoMemory:
    """A machine without UEFI: nothing of ours outlives a restart. Keeps it until then."""

    lasts = False

    def __init__(self) -> None:
        self._record = Remembered()

    def recall(self) -> Remembered:
        return self._record

    def remember(self, record: Remembered) -> None:
        self._record = record


class EfiMemory:
    """A variable of UEFI firmware, by efivarfs. `tell` gets what went wrong, in words."""

    lasts = True

    def __init__(self, *, tell: Callable[[str], None], folder: Path = EFIVARS) -> None:
        self._file = folder / VARIABLE
        self._tell = tell
        self._told: set[str] = set()

    def recall(self) -> Remembered:
        data = self._read()
        if data is None:
            return Remembered()
        if len(data) > len(ATTRIBUTES) + RECORD_BYTES_MAX:
            self._tell_once("the record of earlier boots is longer than any of ours, ignoring")
            return Remembered()
        try:
            return Remembered.model_validate_json(data[len(ATTRIBUTES) :])
        except ValidationError:  # whose text would quote what somebody else wrote
            self._tell_once(
                "the record of earlier boots is damaged or of another version, ignoring"
            )
            return Remembered()

    def remember(self, record: Remembered) -> None:
        data = ATTRIBUTES + record.packed()
        # Flash wears out, and some firmware collects its garbage only while booting.
        if data == self._read():
            return
        is_new = not self._file.exists()
        try:
            _set_mutable(self._file)
            # All in one write(2): the kernel gives each to the firmware as a whole variable.
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
            handle = os.open(self._file, flags, 0o600)
            try:
                os.write(handle, data)
            finally:
                os.close(handle)
        except OSError as failure:
            if is_new:
                with contextlib.suppress(OSError):
                    self._file.unlink()
            why = failure.strerror or str(failure)
            self._tell_once(f"the firmware does not keep the record of this boot: {why}")

    def _read(self) -> bytes | None:
        try:
            with self._file.open("rb") as stream:
                return stream.read(len(ATTRIBUTES) + RECORD_BYTES_MAX + 1)
        except FileNotFoundError:
            return None
        except OSError as failure:
            why = failure.strerror or str(failure)
            self._tell_once(f"the record of earlier boots cannot be read: {why}")
            return None

    def _tell_once(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._tell(text)


def _set_mutable(file: Path) -> None:
    """Let a variable be written. One that is not there, or elsewhere, needs nothing."""
    # A filesystem without such flags has none to take away; the write tells what else is wrong.
    with contextlib.suppress(OSError):
        handle = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        try:
            flags = bytearray(struct.pack("@l", 0))
            fcntl.ioctl(handle, FS_IOC_GETFLAGS, flags)
            before = struct.unpack_from("@i", flags)[0]
            if before & FS_IMMUTABLE_FL:
                after = struct.pack("@l", before & ~FS_IMMUTABLE_FL)
                fcntl.ioctl(handle, FS_IOC_SETFLAGS, after)
        finally:
            os.close(handle)
