"""An image larger than the machine's memory is installed, and the agent stays small."""

from pathlib import Path

from tests.demo_image.build_image import DemoImage
from tests.servers import serve
from tests.vm.disks import empty_disk
from tests.vm.documents import machine_document
from tests.vm.guest import Disk, Guest, seen_by_guest
from tests.vm.ramdisk import Ramdisk

MEMORY_MIB = 640
AGENT_LIMIT_MIB = 160


def test_the_agent_needs_little_memory_for_a_big_image(
    work: Path, ramdisk: Ramdisk, big: DemoImage
) -> None:
    assert big.path.stat().st_size > MEMORY_MIB * 2**20, "an image that would fit proves nothing"
    with serve(big.folder) as server:
        url = seen_by_guest(server.url(f"/{big.path.name}"))
        document = machine_document("/dev/vda", url, uefi=False)
        guest = Guest(
            work=work,
            kernel=ramdisk.kernel,
            initrd=ramdisk.with_document(document, work=work),
            disks=(Disk(path=empty_disk(work / "disk.raw", size_mib=3072)),),
            memory_mib=MEMORY_MIB,
        )
        verdict = guest.run("hammer.pause_s=0", timeout_s=900)
    assert verdict.failed is None
    assert verdict.proof is not None
    assert verdict.proof.match == "yes"
    assert verdict.proof.image_md5 == big.md5
    (used,) = verdict.named("memory")
    assert used["agent_mib"] + used["child_mib"] < AGENT_LIMIT_MIB, used
