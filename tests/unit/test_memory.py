"""The record that outlives a restart, with a directory in place of efivarfs."""

import fcntl
import os
import struct
from pathlib import Path

import pytest

from hammer.host import memory
from hammer.host.memory import (
    ATTRIBUTES,
    RECORD_BYTES_MAX,
    VARIABLE,
    EfiMemory,
    LastFailure,
    NoMemory,
    Remembered,
    Started,
)

LAST = LastFailure(code="image-404", message="http://images.test: 404", step="check", time_s=17)
STARTED = Started(how="kexec", image="debian-12.0", kernel="/boot/vmlinuz", time_s=1_800_000_000)
RECORD = Remembered(failures=2, unconfirmed=1, last=LAST, started=STARTED)


def efi(folder: Path) -> tuple[EfiMemory, list[str]]:
    told: list[str] = []
    return EfiMemory(tell=told.append, folder=folder), told


def test_what_is_remembered_is_there_after_a_restart(tmp_path: Path) -> None:
    before, told = efi(tmp_path)
    assert before.recall() == Remembered()
    before.remember(RECORD)
    before.remember(Remembered(failures=1, last=LAST))  # a shorter one leaves nothing of it
    after, _ = efi(tmp_path)
    assert after.recall() == Remembered(failures=1, last=LAST)
    assert told == []


def test_a_failure_outside_of_a_step_is_remembered(tmp_path: Path) -> None:
    kept, told = efi(tmp_path)
    record = Remembered(failures=1, last=LAST.model_copy(update={"step": None}))
    kept.remember(record)
    assert kept.recall() == record
    assert told == []


def test_a_variable_is_attributes_and_json_in_one_write(tmp_path: Path) -> None:
    efi(tmp_path)[0].remember(Remembered(failures=3))
    data = (tmp_path / VARIABLE).read_bytes()
    assert data == b"\x07\0\0\0" + b'{"version":1,"failures":3,"unconfirmed":0}'


def test_the_same_record_is_not_written_again(tmp_path: Path) -> None:
    kept, _ = efi(tmp_path)
    kept.remember(RECORD)
    os.utime(tmp_path / VARIABLE, (1, 1))
    kept.remember(RECORD)
    assert (tmp_path / VARIABLE).stat().st_mtime == 1


def test_a_long_record_is_cut_to_what_firmware_is_asked_for(tmp_path: Path) -> None:
    kept, told = efi(tmp_path)
    long = Remembered(
        failures=memory.COUNT_MAX,
        unconfirmed=memory.COUNT_MAX,
        last=LAST.model_copy(update={"message": "\\" * memory.MESSAGE_CHARS_MAX}),
        started=STARTED.model_copy(update={"image": "i" * 400, "kernel": "k" * 400}),
    )
    kept.remember(long)
    size = (tmp_path / VARIABLE).stat().st_size
    assert size <= len(ATTRIBUTES) + RECORD_BYTES_MAX
    found = kept.recall()
    assert (found.failures, found.last and found.last.code) == (memory.COUNT_MAX, LAST.code)
    assert told == []


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\x07\0",
        b"\x07\0\0\0",
        b"\x07\0\0\0{",
        b"\x07\0\0\0\xff\xfe",
        b"\x07\0\0\0[]",
        b'\x07\0\0\0{"version":2}',
        b'\x07\0\0\0{"version":1,"failures":"hunter2"}',
        b'\x07\0\0\0{"version":1,"failures":-1}',
        b'\x07\0\0\0{"version":1,"failures":1,"more":"hunter2"}',
    ],
)
def test_garbage_is_no_record_and_told_once(tmp_path: Path, garbage: bytes) -> None:
    (tmp_path / VARIABLE).write_bytes(garbage)
    kept, told = efi(tmp_path)
    assert kept.recall() == kept.recall() == Remembered()
    assert told == ["the record of earlier boots is damaged or of another version, ignoring"]
    kept.remember(RECORD)
    assert kept.recall() == RECORD


def test_a_variable_that_is_too_long_is_no_record(tmp_path: Path) -> None:
    data = ATTRIBUTES + Remembered(failures=2).packed()
    (tmp_path / VARIABLE).write_bytes(data + b" " * RECORD_BYTES_MAX)  # JSON all the same
    kept, told = efi(tmp_path)
    assert kept.recall() == Remembered()
    assert told == ["the record of earlier boots is longer than any of ours, ignoring"]


def test_firmware_that_is_full_is_told_once(tmp_path: Path) -> None:
    (tmp_path / VARIABLE).symlink_to("/dev/full")
    kept, told = efi(tmp_path)
    kept.remember(RECORD)
    kept.remember(Remembered(failures=3))
    assert told == ["the firmware does not keep the record of this boot: No space left on device"]


def test_a_refused_variable_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(handle: int, data: bytes) -> int:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "write", refuse)
    kept, told = efi(tmp_path)
    kept.remember(RECORD)
    assert told == ["the firmware does not keep the record of this boot: Invalid argument"]
    assert list(tmp_path.iterdir()) == []


def test_no_efivarfs_is_told_and_no_failure(tmp_path: Path) -> None:
    kept, told = efi(tmp_path / "nowhere")
    assert kept.recall() == Remembered()
    kept.remember(RECORD)
    assert told == ["the firmware does not keep the record of this boot: No such file or directory"]


def test_the_kernel_guards_a_variable_and_only_that_guard_is_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other_flag = 0x40
    asked: list[tuple[int, int]] = []

    def ioctl(handle: int, request: int, argument: bytearray) -> int:
        if request == memory.FS_IOC_GETFLAGS:
            struct.pack_into("@i", argument, 0, memory.FS_IMMUTABLE_FL | other_flag)
        asked.append((request, struct.unpack_from("@i", argument)[0]))
        return 0

    kept, _ = efi(tmp_path)
    kept.remember(RECORD)
    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    kept.remember(Remembered(failures=1))
    assert asked[-1] == (memory.FS_IOC_SETFLAGS, other_flag)
    assert kept.recall() == Remembered(failures=1)


def test_without_uefi_a_record_lasts_as_long_as_the_process() -> None:
    kept = NoMemory()
    kept.remember(RECORD)
    assert kept.recall() == RECORD
    assert NoMemory().recall() == Remembered()
