"""The agent's record in the memory of a guest's firmware, read without the guest."""

import struct
from pathlib import Path

from hammer.host.memory import ATTRIBUTES, VARIABLE, Remembered

# AUTHENTICATED_VARIABLE_HEADER of EDK II (MdeModulePkg, VariableFormat.h): start, state, -,
# attributes, count, time, index of the key, sizes of name and data, GUID.
HEADER = struct.Struct("<HBxIQ16sIII16s")
START = 0x55AA
ADDED = 0x3F
"""The state of a variable that is there; others were replaced or deleted, and stay in flash."""


NAME = (VARIABLE.partition("-")[0] + "\0").encode("utf-16-le")


def had_record(work: Path) -> bool:
    """Whether there was a record at some time: flash keeps it until it is full."""
    return NAME in _flash(work)


def record_in(work: Path) -> Remembered | None:
    """What the machine remembers whose guest `work` is; None: it has no record."""
    flash = _flash(work)
    at = flash.find(NAME)
    found = None
    while at >= 0:
        start, state, attributes, _, _, _, name_size, size, _ = HEADER.unpack_from(
            flash, at - HEADER.size
        )
        if (start, name_size) == (START, len(NAME)) and state == ADDED:
            assert found is None, "a variable is there once"
            assert struct.pack("<I", attributes) == ATTRIBUTES
            data = flash[at + len(NAME) :][:size]
            found = Remembered.model_validate_json(data)
        at = flash.find(NAME, at + 1)
    return found


def _flash(work: Path) -> bytes:
    return (work / "OVMF_VARS.fd").read_bytes()
