"""What the harness makes of the lines on the second serial port."""

import json
from pathlib import Path

from tests.vm.verdict import Verdict, events_in, proof_in, tail

PROOF = "METAL-PROOF kernel=6.1.0 root=a-1 expected=a-1 match=yes hostname=vm-1 image_md5=00ff"
CONSOLE = Path("console.log")


def test_events_are_found_between_what_firmware_writes() -> None:
    begin = {"event": "step", "step": "check", "number": 1, "state": "begin"}
    end = {**begin, "state": "end", "seconds": 0.25}
    text = (
        "\x1b[2J\x1b[01;01HBdsDxe: starting Boot0001\r\n"
        f"\x1b[0m{json.dumps(begin)}\r\n"
        f"EFI stub: done{json.dumps(end)}\r\n"
        'cut: {"event": "st'
    )
    verdict = Verdict(events=tuple(events_in(text)), proof=proof_in(text), console=CONSOLE)
    assert verdict.events == (begin, end)
    assert verdict.seconds() == {"check": 0.25}
    assert verdict.failed is None
    assert verdict.proof is None


def test_a_proof_is_taken_apart() -> None:
    proof = proof_in(f"noise {PROOF}\r\n")
    assert proof is not None
    assert (proof.match, proof.hostname, proof.image_md5) == ("yes", "vm-1", "00ff")
    assert str(proof) == PROOF


def test_the_tail_of_a_console_is_readable(tmp_path: Path) -> None:
    console = tmp_path / "console.log"
    assert tail(console) == "(the console is empty)"
    console.write_bytes(b"one\r\n\x1b[0;32m  OK  \x1b[0m two\r\n\r\n\xff three\r\n")
    assert tail(console, lines=2) == "  OK   two\n\ufffd three"
