"""The boot order that UEFI firmware keeps in its variables, by efibootmgr(8)."""

import re
from dataclasses import dataclass
from typing import Protocol

from hammer.errors import HostError
from hammer.host.programs import Program, Programs

ORDER = re.compile(r"^BootOrder: (?P<numbers>[0-9A-F,]+)$", re.MULTILINE)
ENTRY = re.compile(r"^Boot(?P<number>[0-9A-F]{4})\*? (?P<label>.*)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Loader:
    """A boot loader of the installed system that firmware can start."""

    disk: str
    partition: int | None = None
    """Number of its EFI system partition; None: code at the begin of the disk, for a BIOS."""
    partition_uuid: str = ""
    """As in the partition table, which is what boot entries name; empty: not known."""
    file: str = ""
    r"""On the EFI system partition, as firmware writes it: \EFI\debian\shimx64.efi."""

    def __str__(self) -> str:
        return f"{self.file} on {self.disk}" if self.file else f"the boot code of {self.disk}"


class Firmware(Protocol):
    def boot_first(self, bootloader_id: str) -> str:
        """Put the entries of a boot loader before all others; what was done, in words.

        A refused variable is no failed installation: the words say so.
        """

    def boot_next(self, bootloader_id: str, loader: Loader) -> str:
        """Have the next start of this machine boot `loader`; what was done, in words.

        An entry that is not there is made. A refused variable is no failed
        installation: the words say so.
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

    def boot_next(self, bootloader_id: str, loader: Loader) -> str:
        try:
            entry = self._entry_of(loader)
            if entry is None:
                # That also puts it before all others.
                self._programs.run(
                    *(Program.EFIBOOTMGR, "--quiet", "--create", "--disk", loader.disk),
                    *("--part", str(loader.partition), "--label", bootloader_id),
                    *("--loader", loader.file),
                )
                entry = self._entry_of(loader)
            if entry is None:
                return f"the firmware takes no boot entry for {loader}, and boots what is first"
            self._programs.run(Program.EFIBOOTMGR, "--quiet", "--bootnext", entry)
        except HostError as failure:
            return f"the firmware boots what is first in its order: {failure}"
        return f"the firmware boots {loader} next"

    def _entry_of(self, loader: Loader) -> str | None:
        # The paths of the entries are shown by all versions when asked so.
        return entry_of(self._programs.run(Program.EFIBOOTMGR, "--verbose"), loader)


class NoFirmware:
    """A machine without UEFI: what it boots first is in no variable."""

    def boot_first(self, bootloader_id: str) -> str:
        return "no UEFI, the boot order is the firmware's own"

    def boot_next(self, bootloader_id: str, loader: Loader) -> str:
        return f"no UEFI: that {loader} is booted next is up to the firmware"


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


def entry_of(listed: str, loader: Loader) -> str | None:
    """The number of the entry that starts just this file of just this partition; None without.

    A disk that was installed before has left entries behind, for the same label and
    file, and a partition that is no more.
    """
    for entry in ENTRY.finditer(listed):
        path = entry["label"].lower().replace("/", "\\")
        if loader.partition_uuid.lower() in path and loader.file.lower() in path:
            return entry["number"]
    return None
