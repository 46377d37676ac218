"""The boot order, from what efibootmgr prints."""

from pathlib import Path

import pytest

from hammer.errors import ProgramFailed
from hammer.host.firmware import EfiFirmware, Loader, NoFirmware, entry_of, reordered
from hammer.host.programs import AnyProgram

LISTING = """BootCurrent: 0001
Timeout: 3 seconds
BootOrder: 0001,0000,0003
Boot0000* UiApp\tFvVol(7cb8bdc9)/FvFile(462caa21)
Boot0001* UEFI PXEv4 (MAC:525400123456)\tPciRoot(0x0)/Pci(0x3,0x0)
Boot0003* metal-debian\tHD(1,GPT,d1c46896)/File(\\EFI\\metal-debian\\grubx64.efi)
Boot0004  debian\tHD(1,GPT,d1c46896)/File(\\EFI\\Metal-Debian\\shimx64.efi)
"""


@pytest.mark.parametrize(
    ("bootloader_id", "order"),
    [
        ("metal-debian", ["0003", "0004", "0001", "0000"]),
        ("UiApp", ["0000", "0001", "0003"]),
        ("metal", None),
    ],
)
def test_the_boot_loader_comes_first(bootloader_id: str, order: list[str] | None) -> None:
    assert reordered(LISTING, bootloader_id) == order


def test_older_versions_separate_by_blanks() -> None:
    listing = "BootOrder: 0001\nBoot0001* PXE\nBoot0002* metal-debian\n"
    assert reordered(listing, "metal-debian") == ["0002", "0001"]


LOADER = Loader(
    disk="/dev/vda",
    partition=1,
    partition_uuid="d1c46896-0000-4000-8000-000000000001",
    file="\\EFI\\metal-debian\\shimx64.efi",
)
STALE = "HD(1,GPT,aaaaaaaa-0000-4000-8000-000000000009,0x800,0x40000)"
VERBOSE = (
    "BootOrder: 0001,0003\n"
    "Boot0001* UEFI PXEv4 (MAC:525400123456)\tPciRoot(0x0)/Pci(0x3,0x0)\n"
    f"Boot0003* metal-debian\t{STALE}/File(\\EFI\\METAL-DEBIAN\\SHIMX64.EFI)\n"
)
OURS = (
    "Boot0007* metal-debian\tHD(1,GPT,D1C46896-0000-4000-8000-000000000001,0x800,0x40000)"
    "/File(\\EFI\\metal-debian\\shimx64.efi)..BO\n"
)


class Efibootmgr:
    """A firmware with entries; a new one becomes Boot0007 unless it is full."""

    def __init__(self, listing: str, *, full: bool = False) -> None:
        self.listing = listing
        self.full = full
        self.log: list[str] = []

    def run(
        self, program: AnyProgram, *args: str | Path, stdin: str = "", timeout_s: float = 60
    ) -> str:
        self.log.append(" ".join(map(str, args)))
        if "--create" in args:
            if self.full:
                raise ProgramFailed(command="efibootmgr", status=5, stderr="No space left")
            self.listing += OURS
        return self.listing

    def missing(self) -> list[str]:
        return []


def test_only_an_entry_for_this_partition_is_one_of_the_loader() -> None:
    assert entry_of(VERBOSE, LOADER) is None, "one of a disk that is no more"
    assert entry_of(VERBOSE + OURS, LOADER) == "0007"


def test_the_loader_is_booted_next() -> None:
    programs = Efibootmgr(VERBOSE + OURS)
    said = EfiFirmware(programs).boot_next("metal-debian", LOADER)
    assert said == "the firmware boots \\EFI\\metal-debian\\shimx64.efi on /dev/vda next"
    assert programs.log == ["--verbose", "--quiet --bootnext 0007"]


def test_a_loader_without_an_entry_gets_one() -> None:
    programs = Efibootmgr(VERBOSE)
    EfiFirmware(programs).boot_next("metal-debian", LOADER)
    assert programs.log[1:] == [
        "--quiet --create --disk /dev/vda --part 1 --label metal-debian"
        " --loader \\EFI\\metal-debian\\shimx64.efi",
        "--verbose",
        "--quiet --bootnext 0007",
    ]


def test_a_firmware_that_takes_no_entry_is_said_and_no_failure() -> None:
    said = EfiFirmware(Efibootmgr(VERBOSE, full=True)).boot_next("metal-debian", LOADER)
    assert said.startswith("the firmware boots what is first in its order: `efibootmgr`")


def test_without_uefi_nothing_can_be_promised() -> None:
    said = NoFirmware().boot_next("metal-debian", Loader(disk="/dev/sda"))
    assert said == "no UEFI: that the boot code of /dev/sda is booted next is up to the firmware"
