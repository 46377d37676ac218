"""An image larger than the machine's memory, from servers that break: the agent goes on, small."""

from pathlib import Path

from tests.demo_image.build_image import DemoImage
from tests.servers import Drip, Parts, Then, serve
from tests.vm.disks import empty_disk
from tests.vm.documents import machine_document
from tests.vm.guest import Disk, Guest, seen_by_guest
from tests.vm.ramdisk import Ramdisk
from tests.vm.verdict import plain

MEMORY_MIB = 640
# With what it shares with those who write; what these have besides is seen by
# tests/native/stream/test_memory.py. The kernel knows no less of a child than of who started it
# (getrusage(2), ru_maxrss), so that the largest one's peak is the agent's own.
AGENT_LIMIT_MIB = 116
STALL_S = 20.0


def test_the_agent_goes_on_and_needs_little_memory(
    work: Path, ramdisk: Ramdisk, big: DemoImage
) -> None:
    assert big.path.stat().st_size > MEMORY_MIB * 2**20, "an image that would fit proves nothing"
    content, path = big.path.read_bytes(), f"/{big.path.name}"
    part = len(content) // 5
    digest = {f"{path}.md5": Path(f"{big.path}.md5").read_bytes()}
    broken = Parts(content, after=part, end="reset")
    # It is asked for; then one server resets twice, and the other one once. When it comes to that
    # again it sends all of it, with a stall in the middle.
    first = Then(content, broken, broken)
    second = Then(broken, Drip(content, piece=4 * part, pause_s=STALL_S))
    with serve({path: first, **digest}) as server, serve({path: second, **digest}) as mirror:
        document = machine_document("/dev/vda", seen_by_guest(server.url(path)), uefi=False)
        guest = Guest(
            work=work,
            kernel=ramdisk.kernel,
            initrd=ramdisk.with_document(document, work=work),
            disks=(Disk(path=empty_disk(work / "disk.raw", size_mib=3072)),),
            memory_mib=MEMORY_MIB,
        )
        words = f"hammer.pause_s=0 hammer.mirror={seen_by_guest(mirror.url(path))}"
        verdict = guest.run(words, timeout_s=900)
        asked = [each.asked(path) for each in (server, mirror)]
    assert verdict.failed is None
    assert verdict.proof is not None
    assert verdict.proof.match == "yes"
    assert verdict.proof.image_md5 == big.md5
    (used,) = verdict.named("memory")
    assert max(used["agent_mib"], used["child_mib"]) < AGENT_LIMIT_MIB, used
    assert_told(plain(verdict.console.read_text(errors="replace")))
    assert asked == [3, 2]


def assert_told(console: str) -> None:
    """Each attempt on a line, and how far it is; no line is wider than the terminal."""
    lines = [line.rstrip() for line in console.splitlines() if " 6/10 image" in line]
    assert max(map(len, lines)) <= 80
    assert any("%" in line and line.endswith(" left") for line in lines), lines
