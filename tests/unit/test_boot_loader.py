"""Kexec is refused: a boot loader of the image does it, and without one it is a failure."""

from dataclasses import replace

import pytest

from hammer.errors import BootFileMissing, KernelInvalid, KexecRefused
from hammer.host.firmware import Loader
from hammer.host.identity import Identity
from hammer.journal import Journal
from hammer.steps.kernel import Kernel
from tests.unit.documents import spec_of
from tests.unit.fakes import Bench

REFUSAL = "Operation not permitted (kernel lockdown: integrity)"
UEFI = Identity(uid=0, machine_uuid=None, efi=True)


@pytest.fixture
def refusing(bench: Bench) -> Bench:
    bench.power.refusal = REFUSAL
    return bench


def uefi(bench: Bench, *files: str) -> Bench:
    """A machine with UEFI, and an installer that puts `files` on its ESP."""
    bench.machine = replace(bench.machine, identity=UEFI)
    # The mounts of the bench are none: what is below is as the installer has left it.
    bench.images.files |= {f"boot/efi/{name}": b"MZ" for name in files}
    return bench


def installed(bench: Bench) -> Kernel:
    kernel = bench.provision(spec_of())
    assert (kernel.loaded, kernel.refused) == (False, REFUSAL)
    assert "load vmlinuz" not in bench.log
    warnings = [event["text"] for event in bench.events if event["event"] == "warning"]
    assert warnings == [f"kexec is refused: {REFUSAL}"]
    assert bench.log[-2:] == ["flush /dev/vda", "udevadm settle --timeout=30"], "to its end"
    return kernel


@pytest.mark.parametrize(
    ("files", "taken"),
    [
        (["shimx64.efi", "grubx64.efi", "systemd-bootx64.efi"], "shimx64.efi"),
        (["grubx64.efi"], "grubx64.efi"),
        (["systemd-bootx64.efi"], "systemd-bootx64.efi"),
    ],
)
def test_the_firmware_is_to_boot_the_loader_that_the_image_names(
    refusing: Bench, files: list[str], taken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    names = [f"EFI/metal-debian/{name}" for name in files]
    kernel = installed(uefi(refusing, *names, "EFI/BOOT/BOOTX64.EFI"))
    assert kernel.loader == Loader(
        disk="/dev/vda",
        partition=1,
        partition_uuid="uuid-of-vda1",
        file=f"\\EFI\\metal-debian\\{taken}",
    )
    kept = Journal.model_validate_json(refusing.journal.model_dump_json())
    assert kept.the_kernel == kernel, "for who starts it after a look around"
    first, following = "boot first metal-debian", f"boot next {kernel.loader}"
    assert [each for each in refusing.log if each.startswith("boot ")] == [first, following]


def test_the_removable_path_will_do(refusing: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    kernel = installed(uefi(refusing, "EFI/BOOT/BOOTAA64.EFI"))
    assert kernel.loader is not None
    assert kernel.loader.file == "\\EFI\\BOOT\\BOOTAA64.EFI"


def test_a_loader_that_is_only_named_is_none(refusing: Bench) -> None:
    with pytest.raises(KexecRefused, match="lockdown"):
        uefi(refusing).provision(spec_of())
    assert "boot next" not in " ".join(refusing.log)
    assert refusing.log[-1] == "clear /dev/vda"


def test_a_loader_that_nobody_names_is_not_looked_for(refusing: Bench) -> None:
    refusing.chroot.boot_info = "cmdline: quiet\nkernel: /boot/vmlinuz\n"
    with pytest.raises(KexecRefused):
        uefi(refusing, "EFI/BOOT/BOOTX64.EFI").provision(spec_of())


def test_boot_code_of_a_bios_machine(refusing: Bench) -> None:
    refusing.disks.with_boot_code = ["/dev/vda"]
    assert installed(refusing).loader == Loader(disk="/dev/vda")


def test_a_bios_machine_without_boot_code(refusing: Bench) -> None:
    with pytest.raises(KexecRefused):
        refusing.provision(spec_of())


def test_what_is_no_kernel_is_the_fault_of_the_image(refusing: Bench) -> None:
    refusing.disks.with_boot_code = ["/dev/vda"]
    refusing.images.files["boot/vmlinuz"] = b"ELF"
    with pytest.raises(KernelInvalid):
        refusing.provision(spec_of())


def test_an_empty_initrd(bench: Bench) -> None:
    bench.images.files["boot/initrd.img"] = b""
    with pytest.raises(BootFileMissing, match="is empty"):
        bench.provision(spec_of())
    assert "load vmlinuz" not in bench.log


def test_an_obstacle_is_told_before_the_first_write(bench: Bench) -> None:
    bench.power.warning = "kernel lockdown: integrity"
    bench.provision(spec_of())
    told = next(n for n, event in enumerate(bench.events) if event["event"] == "warning")
    wipe = next(n for n, event in enumerate(bench.events) if event.get("step") == "wipe")
    assert told < wipe
    assert str(bench.events[told]["text"]).startswith(
        "kernel lockdown: integrity; if kexec is refused, the machine boots through its firmware"
    )


def test_without_kexec_nothing_is_warned_of(bench: Bench) -> None:
    bench.power.warning = "kernel lockdown: integrity"
    bench.machine = replace(bench.machine, power=None)
    bench.provision(spec_of())
    assert all(event["event"] != "warning" for event in bench.events)
