"""Disks in, machine document, disks out: the installed system says by itself that it is up."""

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from hammer.step import Step
from tests.demo_image.build_image import ON_ESP, ON_ESP_TEXT, DemoImage
from tests.vm.disks import empty_disk, filesystem, partitions, vfat_file
from tests.vm.documents import ESP_MIB, HOSTNAME, MACHINE_UUID, machine_document
from tests.vm.firmware_memory import had_record, record_in
from tests.vm.guest import Disk, Guest
from tests.vm.ramdisk import Ramdisk
from tests.vm.terminal import at_terminal
from tests.vm.verdict import Verdict

Bus = Literal["virtio", "nvme"]
Firmware = Literal["bios", "uefi"]

DEVICE: dict[Bus, str] = {"virtio": "/dev/vda", "nvme": "/dev/nvme0n1"}
DISK_MIB = 1536
INSTALL_LIMIT_S = 420

ONLY_IN_SOAK = [
    pytest.mark.soak,
    pytest.mark.skipif(not os.environ.get("HAMMER_SOAK"), reason="HAMMER_SOAK=1 runs it"),
]


@pytest.mark.parametrize(
    ("bus", "firmware"),
    [
        ("virtio", "bios"),
        ("nvme", "uefi"),
        # Each kind of disk and of firmware is above; in `make soak` they meet.
        pytest.param("virtio", "uefi", marks=ONLY_IN_SOAK),
        pytest.param("nvme", "bios", marks=ONLY_IN_SOAK),
    ],
)
def test_the_image_is_installed_and_boots(
    bus: Bus, firmware: Firmware, *, work: Path, ramdisk: Ramdisk, image: DemoImage, server: str
) -> None:
    uefi = firmware == "uefi"
    document = machine_document(DEVICE[bus], f"{server}/{image.path.name}", uefi=uefi)
    disk = Disk(path=empty_disk(work / "disk.raw", size_mib=DISK_MIB), bus=bus)
    guest = Guest(
        work=work,
        kernel=ramdisk.kernel,
        initrd=ramdisk.with_document(document, work=work),
        disks=(disk,),
        firmware=firmware,
        uuid=MACHINE_UUID,
    )
    verdict = guest.run("hammer.pause_s=0", timeout_s=INSTALL_LIMIT_S)

    assert_proven(verdict, image)
    assert list(verdict.seconds()) == list(Step)
    assert_as_specified(disk.path, uefi=uefi, verdict=verdict)
    if uefi:
        # It was started, has said that it is up, and nothing is left to be said.
        assert had_record(work)
        assert record_in(work) is None
    plain = replace(guest, initrd=ramdisk.initrd, work=work / "later")
    assert_chroot_finds_it(plain, uefi=uefi)
    if uefi:
        assert_boots_by_firmware(disk, work=work / "again", image=image)


def assert_proven(verdict: Verdict, image: DemoImage) -> None:
    assert verdict.failed is None
    assert verdict.proof is not None
    assert verdict.proof.match == "yes", verdict.proof
    assert verdict.proof.hostname == HOSTNAME
    assert verdict.proof.image_md5 == image.md5
    assert verdict.proof.kernel in image.kernels


def assert_as_specified(disk: Path, *, uefi: bool, verdict: Verdict) -> None:
    table = partitions(disk)
    codes = [(each.number, each.type_code, each.name) for each in table]
    assert codes == ([(1, "EF00", "efi"), (2, "8300", "root")] if uefi else [(1, "8300", "root")])
    root = filesystem(disk, table[-1])
    assert (root["TYPE"], root["LABEL"]) == ("ext4", "root")
    assert verdict.proof is not None
    assert root["UUID"] == verdict.proof.root
    # The rest of the disk, but for alignment and the second table at its end.
    assert DISK_MIB - 4 <= table[-1].size_mib + (ESP_MIB if uefi else 0) <= DISK_MIB
    if uefi:
        assert table[0].size_mib == ESP_MIB
        esp = filesystem(disk, table[0])
        assert (esp["TYPE"], esp["LABEL"].lower()) == ("vfat", "efi")
        about = vfat_file(disk, table[0], "/" + ON_ESP.removeprefix("boot/efi/"))
        assert about.splitlines() == ON_ESP_TEXT.splitlines()


def assert_chroot_finds_it(guest: Guest, *, uefi: bool) -> None:
    """In a ramdisk that knows nothing of the machine: the system, and all of its fstab."""
    with at_terminal(guest, "hammer.on_failure=shell") as terminal:
        terminal.expect(r"^FAILED \[document-missing\]")
        terminal.expect("# $")
        terminal.line("hammer chroot cat /etc/metal/install.yaml | grep ^hostname:")
        terminal.expect(r"^ +/dev/\S+: Debian .*, installed by metal-hammer$")
        terminal.expect(f"^hostname: {HOSTNAME}$")
        terminal.expect("# $")
        if uefi:
            terminal.line(f"hammer chroot cat /{ON_ESP}")
            terminal.expect(f"^{re.escape(ON_ESP_TEXT.splitlines()[0])}$")
            terminal.expect("# $")
        terminal.line("grep -c /rootfs /proc/mounts; poweroff -f")
        terminal.expect("^0$")
        terminal.wait_for_end()


def assert_boots_by_firmware(disk: Disk, *, work: Path, image: DemoImage) -> None:
    """Without ramdisk and kexec: on a machine whose firmware has never seen the disk."""
    verdict = Guest(work=work, disks=(disk,), firmware="uefi").run(timeout_s=180)
    assert_proven(verdict, image)
    assert verdict.events == ()
