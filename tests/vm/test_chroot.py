"""A person enters the installed system: where it was stopped, at a breakpoint, after a failure.

That it is found on a machine that was installed before is in test_install.py.
"""

from pathlib import Path

from tests.images import PATH, published
from tests.servers import serve
from tests.vm.disks import empty_disk
from tests.vm.documents import HOSTNAME, MACHINE_UUID, machine_document
from tests.vm.guest import Disk, Guest, seen_by_guest
from tests.vm.ramdisk import Ramdisk
from tests.vm.terminal import Terminal, at_terminal
from tests.vm.tiny_system import tiny_image

UP = "TINY-SYSTEM-IS-UP"
INIT = f"busybox mount -t devtmpfs dev /dev; echo {UP} >/dev/console"
# Fails until somebody mends it, and takes its time to be stopped in.
INSTALLER = "echo installing; busybox sleep 3; busybox test -e /etc/mended || exit 7"
OUTSIDE, INSIDE = r"^hammer \((.*)\) .*# $", r"^\(rootfs\) # "
DISK_MIB = 256


def test_stopped_at_a_breakpoint_and_failed_then_mended(work: Path, ramdisk: Ramdisk) -> None:
    with serve(published(tiny_image(init=INIT, before=INSTALLER))) as server:
        document = machine_document("/dev/vda", seen_by_guest(server.url(PATH)), uefi=False)
        guest = Guest(
            work=work,
            kernel=ramdisk.kernel,
            initrd=ramdisk.with_document(document, work=work),
            disks=(Disk(path=empty_disk(work / "disk.raw", size_mib=DISK_MIB)),),
            uuid=MACHINE_UUID,
        )
        words = "hammer.on_failure=shell hammer.break=contract:after hammer.pause_s=0"
        with at_terminal(guest, words) as terminal:
            at_the_breakpoint(terminal)
            terminal.line("hammer continue")
            terminal.expect(r"installing$")
            terminal.ctrl_c()
            where_it_was_stopped(terminal)
            terminal.line("hammer continue")
            terminal.expect(r"^FAILED \[installer-failed\]")
            after_the_failure(terminal)
            terminal.line("hammer retry")
            terminal.expect(UP)


def at_the_breakpoint(terminal: Terminal) -> None:
    terminal.expect(r"^STOPPED .*hammer\.break=contract:after")
    terminal.expect(OUTSIDE)
    terminal.line("hammer chroot busybox grep ^hostname /etc/metal/install.yaml; echo left $?")
    terminal.expect(f"^hostname: {HOSTNAME}$")
    terminal.expect(r"^left 0$")
    terminal.expect(OUTSIDE)


def where_it_was_stopped(terminal: Terminal) -> None:
    terminal.expect(r"^STOPPED .* \(Ctrl-C\)$")
    terminal.expect(OUTSIDE)
    terminal.line("hammer chroot sh -c 'echo inside; busybox sleep 600'; echo left $?")
    terminal.expect(r"^inside$")
    terminal.ctrl_c()
    terminal.expect(r"left 130$")
    terminal.expect(OUTSIDE)


def after_the_failure(terminal: Terminal) -> None:
    terminal.expect(OUTSIDE)
    terminal.line("hammer chroot")
    terminal.expect(INSIDE)
    terminal.line("busybox cat /etc/resolv.conf && busybox touch /etc/mended")
    terminal.expect(r"^nameserver 10\.0\.2\.3$")
    terminal.expect(INSIDE)
    # Ctrl-C ends what runs in there, and nothing else.
    # Of one program: a key between two commands of a shell would be for neither.
    terminal.line("busybox sh -c 'echo -n going; exec busybox sleep 600'")
    terminal.expect(r"^going")
    terminal.ctrl_c()
    terminal.expect(INSIDE)
    terminal.line("exit")
    terminal.expect(OUTSIDE)
    terminal.line("echo left: $(ls -A /rootfs/etc | grep resolv); grep -c /rootfs /proc/mounts")
    terminal.expect(r"^left:\n1$")
    terminal.expect(OUTSIDE)
