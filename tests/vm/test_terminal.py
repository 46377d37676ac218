"""The person at the terminal of the tests can type, read, and be slow."""

from pathlib import Path

import pytest

from tests.vm.guest import Guest
from tests.vm.ramdisk import Ramdisk
from tests.vm.terminal import BAUD_9600, at_terminal
from tests.vm.test_stop import SOAK

# What the guest keeps for a line that takes no more: the buffer of the kernel's
# driver (UART_XMIT_SIZE), of its UART, and of the socket.
KEPT_BYTES = 4096 + 16 + 512


@pytest.mark.soak
@pytest.mark.skipif(not SOAK, reason="the terminal of the tests itself: HAMMER_SOAK=1")
def test_a_person_types_and_is_answered(work: Path, ramdisk: Ramdisk) -> None:
    guest = Guest(work=work, kernel=ramdisk.kernel, initrd=ramdisk.initrd)
    with at_terminal(guest, "hammer.on_failure=shell") as terminal:
        terminal.expect(r"FAILED \[document-missing\]")
        terminal.expect(r"[#$>] $")
        terminal.line("echo $((6*7))")
        terminal.expect(r"^42$")
        terminal.line("echo now; sleep 9999")
        terminal.expect("^now$")
        terminal.ctrl_c()
        terminal.expect(r"[#$>] $")

        # Nothing in the guest is as slow as this line: what it cannot keep, it waits for.
        terminal.bytes_per_s = BAUD_9600
        written = "cut -d' ' -f1 /proc/uptime"
        terminal.line(f"a=$({written}); yes wwwwwww | head -c 9600; b=$({written})")
        terminal.line('echo "{\\"event\\": \\"wrote\\", \\"a\\": $a, \\"b\\": $b}" >/dev/ttyS1')
        event = terminal.expect_event("wrote")
        assert event["b"] - event["a"] > 0.9 * (9600 - KEPT_BYTES) / BAUD_9600
