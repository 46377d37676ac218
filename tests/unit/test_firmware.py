"""The boot order, from what efibootmgr prints."""

import pytest

from hammer.host.firmware import reordered

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
