"""A console that nobody reads, while a person is away: nothing waits for it, nothing is lost."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.images import PATH, published
from tests.servers import serve
from tests.vm.disks import empty_disk
from tests.vm.documents import MACHINE_UUID, machine_document
from tests.vm.guest import Disk, Guest, seen_by_guest
from tests.vm.ramdisk import Ramdisk
from tests.vm.terminal import PROMPT, at_terminal
from tests.vm.tiny_system import UP, UP_INIT, tiny_image

DISK_MIB = 256
# Far more than what waits for a line, and what the kernel keeps for it (4096 bytes).
LINES = 600
CHATTY = f"i=0; while [ $i -lt {LINES} ]; do i=$((i+1)); echo line $i of the installer; done"


@pytest.fixture
def guest(work: Path, ramdisk: Ramdisk) -> Iterator[Guest]:
    """A machine whose installer has much to say."""
    with serve(published(tiny_image(init=UP_INIT, before=CHATTY))) as server:
        document = machine_document("/dev/vda", seen_by_guest(server.url(PATH)), uefi=False)
        yield Guest(
            work=work,
            kernel=ramdisk.kernel,
            initrd=ramdisk.with_document(document, work=work),
            disks=(Disk(path=empty_disk(work / "disk.raw", size_mib=DISK_MIB)),),
            uuid=MACHINE_UUID,
        )


def test_an_installation_that_nobody_watches(guest: Guest) -> None:
    with at_terminal(guest, "hammer.break=install:after") as terminal:
        terminal.expect_event("start")
        terminal.bytes_per_s = 0
        terminal.expect_event("stopped")

        # Somebody comes and reads: what is there in order, and what is not.
        terminal.bytes_per_s = None
        seen = terminal.expect(r"\A(?s:.*?)^ 8/10 install   done in ")[0]
        shown = [int(number) for number in re.findall(r"^ +line (\d+) of the inst", seen, re.M)]
        left_out = sum(int(number) for number in re.findall(r"(\d+) lines left out here", seen))
        assert shown == sorted(shown)
        assert shown[-1] == LINES
        assert LINES // 2 < LINES - len(shown) <= left_out
        terminal.expect(r"^STOPPED")
        terminal.expect(PROMPT)

        # The log has all of them, and can be followed until Ctrl-C.
        terminal.line("hammer logs --all -f")
        told = terminal.expect(r"\A(?s:.*?)^\d\d:\d\d:\d\d\.\d{3} STOPPED")[0]
        logged = re.findall(r"^\S{12}       line (\d+) of the installer$", told, re.M)
        assert logged == [str(number) for number in range(1, LINES + 1)]
        terminal.ctrl_c()
        assert "Traceback" not in terminal.expect(rf"\A(?s:.*?){PROMPT}")[0]

        # Neither the rest nor the next kernel waits for somebody to look.
        terminal.line("hammer continue; echo came back")
        terminal.expect(r" 9/10 kernel    begins$")
        terminal.bytes_per_s = 0
        terminal.expect_event("kexec")
        terminal.bytes_per_s = None
        terminal.expect(r"^      total ")
        terminal.expect(UP)
