"""How long an installation takes whose installer prints much, before consoles of three speeds.

    python -m tests.bench.bench_console --rounds 3

Each round is one guest with a fast console, one with a line of 9600 baud, and one that nobody
reads; in turns. What is compared is what the guest itself has measured: from the begin of the
first step to the end of the last one.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from tests.images import PATH, published
from tests.servers import serve
from tests.vm.disks import empty_disk
from tests.vm.documents import MACHINE_UUID, machine_document
from tests.vm.guest import Disk, Guest, seen_by_guest
from tests.vm.ramdisk import built_ramdisk
from tests.vm.terminal import BAUD_9600, at_terminal
from tests.vm.tiny_system import tiny_image

AIM_PERCENT = 5
CONSOLES = {"fast": None, "9600 baud": BAUD_9600, "never read": 0.0}
# 30 kB: half a minute at 9600 baud, which the installation must not take longer.
CHATTY = (
    "i=0; while [ $i -lt 400 ]; do i=$((i+1)); "
    "echo line $i of the installer, with seventy characters as a compiler prints; done"
)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    if not built_ramdisk().exists:
        sys.exit("no ramdisk: `make ramdisk`")
    image = tiny_image(init="busybox poweroff -f", before=CHATTY)
    seconds: dict[str, list[float]] = {name: [] for name in CONSOLES}
    with tempfile.TemporaryDirectory() as folder, serve(published(image)) as server:
        url = seen_by_guest(server.url(PATH))
        for number in range(1, chosen.rounds + 1):
            for name, bytes_per_s in CONSOLES.items():
                work = Path(folder) / f"{number}-{name.replace(' ', '-')}"
                work.mkdir()
                seconds[name].append(installation_s(work, url, bytes_per_s=bytes_per_s))
            print(f"round {number}: " + ", ".join(f"{n} {s[-1]:.2f} s" for n, s in seconds.items()))
    fast = statistics.median(seconds["fast"])
    for name, taken in seconds.items():
        median = statistics.median(taken)
        print(f"median {name:<10} {median:6.2f} s, {100 * (median / fast - 1):+.1f} %")
    print(f"aim: at most {AIM_PERCENT} % longer than with a fast one")


def installation_s(work: Path, image_url: str, *, bytes_per_s: float | None) -> float:
    """Seconds of the installation's steps, as the guest's clock has them."""
    ramdisk = built_ramdisk()
    guest = Guest(
        work=work,
        kernel=ramdisk.kernel,
        initrd=ramdisk.with_document(
            machine_document("/dev/vda", image_url, uefi=False), work=work
        ),
        disks=(Disk(path=empty_disk(work / "disk.raw", size_mib=256)),),
        uuid=MACHINE_UUID,
    )
    with at_terminal(guest) as terminal:
        # The kernel of the guest prints while it waits; that is not ours to measure.
        terminal.expect_event("start")
        terminal.bytes_per_s = bytes_per_s
        begin = terminal.expect_event("step", step="check", state="begin")
        end = terminal.expect_event("step", step="unmount", state="end")
    return float(end["time_s"]) - float(begin["time_s"])


if __name__ == "__main__":
    main()
