"""The boot order that UEFI firmware keeps in its variables, by efibootmgr(8)."""

import re
from typing import Protocol

from hammer.errors import HostError
from hammer.host.programs import Program, Programs

ORDER = re.compile(r"^BootOrder: (?P<numbers>[0-9A-F,]+)$", re.MULTILINE)
ENTRY = re.compile(r"^Boot(?P<number>[0-9A-F]{4})\*? (?P<label>.*)$", re.MULTILINE)


class Firmware(Protocol):
    def boot_first(self, bootloader_id: str) -> str:
        """Put the entries of a boot loader before all others; what was done, in words.

        A refused variable is no failed installation: the words say so.
        """


class EfiFirmware:
    """UEFI, for real."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs

    def boot_first(self, bootloader_id: str) -> str:
        try:
            listed = self._programs.run(Program.EFIBOOTMGR)
            order = reordered(listed, bootloader_id)
            if order is None:
                return f"the firmware has no boot entry for {bootloader_id}, its order stays"
            self._programs.run(Program.EFIBOOTMGR, "--quiet", "--bootorder", ",".join(order))
        except HostError as failure:
            return f"the firmware keeps its boot order: {failure}"
        return f"the firmware boots {bootloader_id} first"


class NoFirmware:
    """A machine without UEFI: what it boots first is in no variable."""

    def boot_first(self, bootloader_id: str) -> str:
        return "no UEFI, the boot order is the firmware's own"


def reordered(listed: str, bootloader_id: str) -> list[str] | None:
    r"""The numbers of efibootmgr's listing, those of the boot loader first; None without one.

    An entry belongs to it when its label is the id or its file lies in
    \EFI\<id>\, which is where installers of UEFI boot loaders put it.
    """
    found = ORDER.search(listed)
    order = found["numbers"].split(",") if found else []
    folder = f"\\efi\\{bootloader_id}\\".lower()
    ours = [
        entry["number"]
        for entry in ENTRY.finditer(listed)
        if entry["label"].split("\t")[0].strip() == bootloader_id
        or folder in entry["label"].lower()
    ]
    if not ours:
        return None
    return ours + [number for number in order if number not in ours]
