"""An image without an installer, and one in the ramdisk that reads version 2 of the contract."""

import json
from pathlib import Path

from hammer.host.carried import CARRIED_INSTALLER
from hammer.step import Step
from tests.demo_image.build_image import DemoImage
from tests.servers import Status, serve
from tests.vm.disks import empty_disk
from tests.vm.documents import HOSTNAME, MACHINE_UUID, machine_document
from tests.vm.guest import Disk, Guest, seen_by_guest
from tests.vm.ramdisk import Ramdisk

INSTALLER = Path(__file__).with_name("installer-v2.sh")


def test_an_image_without_an_installer_is_installed_and_boots(
    work: Path, ramdisk: Ramdisk, bare: DemoImage
) -> None:
    with serve(bare.folder) as server, serve({"/report": Status(204)}) as reports:
        url = seen_by_guest(server.url(f"/{bare.path.name}"))
        document = machine_document("/dev/vda", url, uefi=False)
        initrd = ramdisk.with_document(document, work=work, installer=INSTALLER.read_bytes())
        guest = Guest(
            work=work,
            kernel=ramdisk.kernel,
            initrd=initrd,
            disks=(Disk(path=empty_disk(work / "disk.raw", size_mib=1536)),),
            uuid=MACHINE_UUID,
        )
        report = seen_by_guest(reports.url("/report"))
        verdict = guest.run(f"hammer.pause_s=0 hammer.report={report}", timeout_s=420)
    assert verdict.failed is None
    said = [event["text"] for event in verdict.named("say")]
    assert f"the image has no installer, taking {CARRIED_INSTALLER}" in said
    assert f"installed {MACHINE_UUID} by /.hammer-installer" in said
    # The second kernel found its root by machine-details.yaml, and its name is made of
    # what machine-allocation.yaml alone tells.
    assert verdict.proof is not None
    assert verdict.proof.match == "yes", verdict.proof
    assert verdict.proof.hostname == f"{HOSTNAME}-network-type-child-1"
    assert verdict.proof.image_md5 == bare.md5
    assert verdict.proof.kernel in bare.kernels
    # Acknowledged before the jump, or there would be a warning.
    story = [json.loads(request.body)["event"] for request in reports.requests]
    assert story == ["start", *["step"] * 2 * len(Step), "installed", "kexec"]
    assert [event["text"] for event in verdict.named("warning") if "report" in event["text"]] == []
