"""Recorded seams: they obey the protocols, keep what they were asked, and touch nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn, Self

import contract
from contract.examples import OS_IMAGE
from hammer.abandon import abandoned_on_failure
from hammer.algorithm import Algorithm
from hammer.console import Console, Event, text_of
from hammer.errors import KexecRefused, MountFailed, ProgramFailed, UnmountBusy
from hammer.host.chroot import Ended
from hammer.host.disks import MIB, Disk
from hammer.host.firmware import Loader
from hammer.host.identity import Identity
from hammer.host.memory import NoMemory
from hammer.host.programs import AnyProgram, Program
from hammer.journal import Journal
from hammer.machine import Machine
from hammer.sequence import provision
from hammer.spec import InstallSpec
from hammer.steps.kernel import Kernel
from hammer.stream.digest import Digest
from hammer.stream.image import Offer, Unpacked
from hammer.stream.published import Wanted
from hammer.stream.store import Choice

BZIMAGE = bytes(0x1FE) + b"\x55\xaa" + b"\x00\x00" + b"HdrS" + bytes(64)
DIGEST = Digest(
    algorithm=Algorithm.MD5, hex="0123456789abcdef0123456789abcdef", source="http://images.test"
)


class RecordedPrograms:
    """Programs that always succeed; blkid answers with a UUID made of the device's name."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.absent: list[str] = []
        self.failing: set[Program] = set()
        self.uuids = True

    def run(
        self, program: AnyProgram, *args: str | Path, stdin: str = "", timeout_s: float = 60
    ) -> str:
        command = " ".join([program.value, *map(str, args)])
        self.log.append(command)
        if program in self.failing:
            raise ProgramFailed(command=command, status=1, stderr="not today")
        if program is Program.BLKID and not self.uuids:
            return "\n"
        return f"uuid-of-{Path(args[-1]).name}\n" if program is Program.BLKID else ""

    def missing(self) -> list[str]:
        return self.absent


class RecordedDisks:
    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.there = {"/dev/vda": Disk(path="/dev/vda", size_bytes=4096 * MIB, read_only=False)}
        self.in_use: list[tuple[str, str]] = []
        self.with_boot_code: list[str] = []

    def names(self) -> list[str]:
        return sorted(self.there)

    def find(self, path: str) -> Disk | str:
        return self.there.get(path, "there is no such block device")

    def size_bytes(self, path: str) -> int | None:
        disk = self.there.get(path)
        return disk.size_bytes if disk else 8 * MIB

    def uses(self, path: str) -> list[tuple[str, str]]:
        return self.in_use

    def partitions(self, path: str) -> list[str]:
        return []

    def clear(self, path: str) -> None:
        self.log.append(f"clear {path}")

    def forget_partitions(self, path: str) -> None:
        self.log.append(f"forget partitions of {path}")

    def wait_for(self, node: str, *, on: str) -> None:
        self.log.append(f"wait {node}")

    def flush(self, path: str) -> None:
        self.log.append(f"flush {path}")

    def boot_code(self, path: str) -> bool:
        return path in self.with_boot_code


class RecordedMounts:
    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.refused: set[Path] = set()
        self.busy: set[Path] = set()
        self.there: list[Path] = []

    def mount(self, source: str, where: Path, *, fstype: str, options: Sequence[str]) -> None:
        if where in self.refused:
            raise MountFailed(source=source, where=where, reason="wrong fs type")
        self.log.append(f"mount {source}")
        self.there.append(where)

    def is_mounted(self, where: Path) -> bool:
        return where in self.there

    def unmount(self, where: Path) -> None:
        self.log.append(f"umount {where.name}")
        if where in self.busy:
            raise UnmountBusy(where=str(where), culprits=("process 7 (sleep)",))
        self.there.remove(where)


class RecordedImages:
    """Images that unpack into the few files that the later steps look at."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.wanted: Wanted | None = None
        self.manifest = OS_IMAGE
        self.files: dict[str, bytes] = {
            "install.sh": b"#!/bin/sh\n",
            "boot/vmlinuz": BZIMAGE,
            "boot/initrd.img": b"initrd",
        }

    def choose(self, image_id: str, store: str) -> Choice:
        self.log.append(f"choose {image_id} in {store}")
        return Choice(image_id=f"{image_id}.20261101", url=f"{store}/found/img.tar.lz4")

    def os_image(self, url: str) -> contract.OsImage:
        self.log.append(f"os-image {url}")
        return self.manifest

    def ask(
        self,
        url: str,
        *,
        image_id: str = "",
        wanted: Wanted | None = None,
        mirrors: Sequence[str] = (),
    ) -> Offer:
        self.log.append(" or ".join([f"ask {url}", *mirrors]))
        self.wanted = wanted
        return Offer(
            image_id=image_id, url=url, digest=DIGEST, size_bytes=12, mirrors=tuple(mirrors)
        )

    def unpack(self, offer: Offer, root: Path, *, progress: Callable[[int], None]) -> Unpacked:
        self.log.append("unpack")
        for name, data in self.files.items():
            where = root / name
            where.parent.mkdir(parents=True, exist_ok=True)
            where.write_bytes(data)
            where.chmod(0o755)
        progress(12)
        return Unpacked(url=offer.url, members=len(self.files), packed_bytes=12, unpacked_bytes=34)


class RecordedChroot:
    """An installer that writes boot-info.yaml and leaves with `ended`."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.ended = Ended(status=0, left_behind=())
        self.boot_info: str | None = (
            "initrd: /boot/initrd.img\ncmdline: root=UUID=x\nkernel: /boot/vmlinuz\n"
            "bootloader_id: metal-debian\n"
        )

    def run(
        self, root: Path, program: PurePosixPath, *, limit_s: float, say: Callable[[str], None]
    ) -> Ended:
        self.log.append(f"chroot {program}")
        say("hello from the installer")
        if self.boot_info is not None:
            (root / "etc/metal/boot-info.yaml").write_text(self.boot_info)
        return self.ended

    def enter(self, root: Path, argv: Sequence[str], *, environment: Mapping[str, str]) -> Ended:
        self.log.append(f"enter {' '.join(argv)}")
        return self.ended


class RecordedFirmware:
    def __init__(self, log: list[str]) -> None:
        self.log = log

    def boot_first(self, bootloader_id: str) -> str:
        self.log.append(f"boot first {bootloader_id}")
        return f"the firmware boots {bootloader_id} first"

    def boot_next(self, bootloader_id: str, loader: Loader) -> str:
        self.log.append(f"boot next {loader}")
        return f"the firmware boots {loader} next"


class RecordedPower:
    def __init__(self, log: list[str]) -> None:
        self.log = log

        self._loaded = False
        self.warning: str | None = None
        self.refusal: str | None = None

    def obstacle(self) -> str | None:
        return self.warning

    def load_kernel(self, kernel: Path, initrd: Path | None, cmdline: str) -> None:
        if self.refusal:
            raise KexecRefused(kernel=str(kernel), reason=self.refusal)
        self.log.append(f"load {kernel.name}")
        self._loaded = True

    def unload_kernel(self) -> None:
        self.log.append("unload")
        self._loaded = False

    def loaded(self) -> bool:
        return self._loaded

    def kexec(self) -> NoReturn:
        raise AssertionError("no test starts another kernel")

    def restart(self) -> NoReturn:
        raise AssertionError("no test restarts the machine")


@dataclass
class Bench:
    """A whole fake machine. `log` holds every side effect in order."""

    target: Path
    log: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    journal: Journal = field(default_factory=Journal)

    def __post_init__(self) -> None:
        self.programs = RecordedPrograms(self.log)
        self.disks = RecordedDisks(self.log)
        self.mounts = RecordedMounts(self.log)
        self.images = RecordedImages(self.log)
        self.chroot = RecordedChroot(self.log)
        self.power = RecordedPower(self.log)
        self.machine = Machine(
            identity=Identity(uid=0, machine_uuid=None, efi=False),
            console=Console([self.events.append]),
            programs=self.programs,
            disks=self.disks,
            mounts=self.mounts,
            images=self.images,
            chroot=self.chroot,
            firmware=RecordedFirmware(self.log),
            memory=NoMemory(),
            power=self.power,
            target=self.target,
            serial_console="ttyS1,115200n8",
            installer=None,
            install_limit_s=60,
            preserve=False,
        )

    def preserving(self) -> Self:
        self.machine = replace(self.machine, preserve=True)
        return self

    def provision(self, spec: InstallSpec, **how: Any) -> Kernel:
        """As `hammer install` does it: what fails is given up."""
        with abandoned_on_failure(self.machine, self.journal):
            return provision(self.machine, spec, self.journal, **how)

    def steps(self, state: str) -> list[object]:
        return [e["step"] for e in self.events if e["event"] == "step" and e["state"] == state]

    def lines(self) -> list[str]:
        return [line for event in self.events for line in text_of(event)]
