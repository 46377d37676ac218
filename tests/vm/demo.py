"""Install the demo image in a guest, and watch it: what `make demo` runs.

python -m tests.vm.demo [--firmware bios|uefi] [--disk virtio|nvme]
"""

import argparse
import shutil
import sys

from tests.demo_image.build_image import demo_image
from tests.servers import serve
from tests.vm.disks import empty_disk
from tests.vm.documents import MACHINE_UUID, machine_document
from tests.vm.guest import Disk, Guest, seen_by_guest
from tests.vm.ramdisk import BUILD, Ramdisk
from tests.vm.verdict import Verdict, VmLost

DEVICE = {"virtio": "/dev/vda", "nvme": "/dev/nvme0n1"}
DISK_MIB = 4096
LIMIT_S = 600


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.vm.demo", description=__doc__)
    parser.add_argument("--firmware", choices=["bios", "uefi"], default="uefi")
    parser.add_argument("--disk", choices=sorted(DEVICE), default="nvme")
    wanted = parser.parse_args(argv)
    ramdisk = Ramdisk()
    if not ramdisk.exists:
        print(f"no {ramdisk.initrd}: run initramfs/build")
        return 1
    work = BUILD / "demo"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    image = demo_image()
    with serve(image.folder) as server:
        url = seen_by_guest(server.url(f"/{image.path.name}"))
        uefi = wanted.firmware == "uefi"
        document = machine_document(DEVICE[wanted.disk], url, uefi=uefi)
        (work / "machine.yaml").write_text(document)
        disk = empty_disk(work / "disk.raw", size_mib=DISK_MIB)
        guest = Guest(
            work=work,
            kernel=ramdisk.kernel,
            initrd=ramdisk.with_document(document, work=work),
            disks=(Disk(path=disk, bus=wanted.disk),),
            firmware=wanted.firmware,
            uuid=MACHINE_UUID,
        )
        print(f"demo: {url} goes to {DEVICE[wanted.disk]} of a machine with {wanted.firmware}")
        print("demo: its serial console follows\n", flush=True)
        try:
            verdict = guest.run(timeout_s=LIMIT_S, console_to=sys.stdout)
        except VmLost as lost:
            print(f"\ndemo: the guest is lost: {lost}")
            return 1
    return told(verdict)


def told(verdict: Verdict) -> int:
    """Print what came out of it; the exit status."""
    print(f"\ndemo: console in {verdict.console}")
    if verdict.failed:
        print(f"demo: FAILED [{verdict.code}] {verdict.failed['message']}")
        return 1
    print(f"demo: {verdict.proof}")
    return 0 if verdict.proof and verdict.proof.match == "yes" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
