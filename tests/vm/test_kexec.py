"""One machine over five boots: what never comes up, what is refused, and what it makes of that."""

import tarfile
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from hammer import errors
from hammer.cmdline import EMBEDDED_SPEC
from hammer.host.power import KEXEC_FILE_LOAD
from initramfs.overlay import overlay
from tests.demo_image.build_image import DemoImage
from tests.images import PATH, published
from tests.servers import Answer, Then, serve
from tests.vm.disks import empty_disk
from tests.vm.documents import MACHINE_UUID, machine_document
from tests.vm.firmware_memory import record_in
from tests.vm.guest import Disk, Guest, seen_by_guest
from tests.vm.ramdisk import Ramdisk
from tests.vm.terminal import Terminal, at_terminal
from tests.vm.tiny_system import CMDLINE, tiny_image

DISK_MIB = 384

# The system that was started says how it was, and never that it is up.
INIT = """busybox mkdir -p /proc
busybox mount -t devtmpfs dev /dev; busybox mount -t proc proc /proc
read -r words </proc/cmdline; echo "STARTED $words" >/dev/console"""

LOADER = "systemd-bootx64.efi"
BOOT_LOADER = f"""busybox mkdir -p /boot/efi/EFI/tiny /boot/efi/loader/entries
busybox cp /boot/{LOADER} /boot/vmlinuz /boot/initrd.img /boot/efi/EFI/tiny/
echo 'default tiny.conf' >/boot/efi/loader/loader.conf
echo 'linux /EFI/tiny/vmlinuz
initrd /EFI/tiny/initrd.img
options {CMDLINE} by=firmware' >/boot/efi/loader/entries/tiny.conf"""

# In the place of `hammer`: the same, but kexec_file_load(2) is not permitted (seccomp(2)).
NO_KEXEC = f"""#!/usr/bin/python3 -I
import ctypes, os, struct, sys
def code(what, true, false, k):
    return struct.pack("<HBBI", what, true, false, k)
code = b"".join([
    code(0x20, 0, 0, 0),  # load the number of the system call
    code(0x15, 0, 1, {KEXEC_FILE_LOAD["x86_64"]}),  # if it is this one
    code(0x06, 0, 0, 0x00050001),  # SECCOMP_RET_ERRNO, EPERM
    code(0x06, 0, 0, 0x7FFF0000),  # SECCOMP_RET_ALLOW
])
kept = ctypes.create_string_buffer(code, len(code))
program = struct.pack("<HxxxxxxQ", len(code) // 8, ctypes.addressof(kept))
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
assert ctypes.CDLL(None).prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0) == 0
os.execv("/usr/bin/hammer", sys.argv)
"""


def test_a_machine_that_fails_three_times_and_a_fourth_time_does_not(
    work: Path, ramdisk: Ramdisk, image: DemoImage
) -> None:
    answers: dict[str, Answer | Then] = {}
    with serve(answers) as server:
        document = machine_document("/dev/vda", seen_by_guest(server.url(PATH)), uefi=True)
        guest = Guest(
            work=work,
            kernel=ramdisk.kernel,
            initrd=ramdisk.with_document(document, work=work),
            disks=(Disk(path=empty_disk(work / "disk.raw", size_mib=DISK_MIB)),),
            firmware="uefi",
            uuid=MACHINE_UUID,
        )

        answers.update(published(tiny_image(init=INIT, cmdline=f"{CMDLINE} by=kexec")))
        with boot(guest, "hammer.pause_s=0") as terminal:
            starts_and_hangs(terminal, work)

        refusing = work / "refusing"
        added = {
            EMBEDDED_SPEC: (document.encode(), 0o600),
            "/usr/local/sbin/hammer": (NO_KEXEC.encode(), 0o755),
        }
        overlay(ramdisk.initrd, refusing, added)
        with boot(replace(guest, initrd=refusing)) as terminal:
            knows_that_it_never_was_up_and_is_refused_kexec(terminal, work)

        answers.clear()  # all is 404
        with boot(guest) as terminal:
            fails_a_third_time_and_stops(terminal, work)

        answers.update(published(with_boot_loader(ramdisk, image)))
        with boot(guest, "hammer.pause_s=0 lockdown=integrity") as terminal:
            goes_through_the_firmware(terminal, work)
    with at_terminal(replace(guest, kernel=None, initrd=None)) as terminal:
        terminal.expect("STARTED .* by=firmware")


def boot(guest: Guest, words: str = "") -> AbstractContextManager[Terminal]:
    return at_terminal(guest, f"hammer.backoff_s=1 {words}")


def starts_and_hangs(terminal: Terminal, work: Path) -> None:
    terminal.expect("STARTED .* by=kexec")
    assert warnings(terminal) == []
    record = record_in(work)
    assert record is not None
    assert (record.failures, record.last) == (0, None)
    assert record.started is not None
    assert (record.started.how, record.started.image) == ("kexec", "demo-12.0")


def knows_that_it_never_was_up_and_is_refused_kexec(terminal: Terminal, work: Path) -> None:
    failed = terminal.expect_event("failed")
    (told,) = warnings(terminal)
    assert told.startswith("demo-12.0 was started by kexec (")
    assert told.endswith(" min ago) and has not said that it is up; the next attempt begins in 1 s")
    assert failed["code"] == errors.KexecRefused.code
    assert str(failed["message"]).endswith("Operation not permitted")
    terminal.expect("The machine restarts in 4 s;")
    terminal.wait_for_end()
    record = record_in(work)
    assert record is not None
    assert (record.failures, record.started) == (2, None)
    assert record.last is not None
    assert (record.last.code, record.last.step) == (errors.KexecRefused.code, "kernel")


def fails_a_third_time_and_stops(terminal: Terminal, work: Path) -> None:
    failed = terminal.expect_event("failed")
    assert failed["code"] == errors.DigestMissing.code
    (told,) = warnings(terminal)
    assert ", 2 in a row) FAILED [kexec-refused] in step kernel: " in told
    terminal.expect("this machine has stopped, and does not restart")
    record = record_in(work)
    assert record is not None
    assert record.failures == 3
    terminal.line("")
    terminal.expect(r"^hammer \(given up\) .*# $")


def goes_through_the_firmware(terminal: Terminal, work: Path) -> None:
    event = terminal.expect_event("firmware-boot")
    assert event["reason"] == "Operation not permitted (kernel lockdown: integrity)"
    last, lockdown, refused = warnings(terminal)
    assert ", 3 in a row) FAILED [digest-missing] in step check: " in last
    assert lockdown.startswith("kernel lockdown: integrity; if kexec is refused, the machine")
    assert refused == f"kexec is refused: {event['reason']}"
    terminal.wait_for_end()
    record = record_in(work)
    assert record is not None
    # Two of the three are over; whether there is a system that comes up is still not known.
    assert (record.failures, record.unconfirmed, record.last) == (1, 1, None)
    assert record.started is not None
    assert record.started.how == "firmware"


def with_boot_loader(ramdisk: Ramdisk, demo: DemoImage) -> bytes:
    """A tiny image whose kernel nobody has signed, and that firmware can boot from its ESP.

    Its boot loader is where only a boot entry leads to, and none is made by its installer.
    """
    with tarfile.open(demo.folder / "root.tar") as root:
        found = root.extractfile(f"./usr/lib/systemd/boot/efi/{LOADER}")
        assert found is not None
        loader = found.read()
    # Where DOS would look, and nobody else does: only its signature minds.
    kernel = ramdisk.kernel.read_bytes()
    assert kernel.startswith(b"MZ\0\0")
    unsigned = b"MZ\1\0" + kernel[4:]
    return tiny_image(
        init=INIT,
        before=BOOT_LOADER,
        bootloader_id="tiny",
        more={"boot/vmlinuz": unsigned, f"boot/{LOADER}": loader},
    )


def warnings(terminal: Terminal) -> list[str]:
    return [str(event["text"]) for event in terminal.events() if event["event"] == "warning"]
