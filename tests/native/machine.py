"""A machine for the native tests: a loop device as disk, a tiny image, the command itself."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hammer.host.disks import MIB
from hammer.host.identity import identity
from tests.images import Directory, Entry, File

REPOSITORY = Path(__file__).parents[2]
SECRET = "hunter2-must-never-be-seen"
SOME_MACHINE = "4dca1f5a-41b6-4b6c-a2cd-7a1d15ae9c8c"
BZIMAGE = bytes(0x1FE) + b"\x55\xaa\x00\x00HdrS" + bytes(1024)

BOOT_INFO = "cmdline: root=UUID=x\\nkernel: /boot/vmlinuz\\ninitrd: /boot/initrd.img\\n"
INSTALLER = f"""#!/bin/sh
printf '{BOOT_INFO}' > /etc/metal/boot-info.yaml
"""


@dataclass(frozen=True)
class LoopDisk:
    """A disk of the test's own: a sparse file behind a loop device."""

    device: str
    file: Path

    def sha256(self, *, skip_bytes: int = 0) -> str:
        """Of all but so much at the beginning."""
        with self.file.open("rb") as stream:
            stream.seek(skip_bytes)
            return hashlib.file_digest(stream, "sha256").hexdigest()

    def ends(self) -> bytes:
        """The first and the last MiB, where partition tables are."""
        with self.file.open("rb") as stream:
            first = stream.read(MIB)
            stream.seek(-MIB, os.SEEK_END)
            return first + stream.read(MIB)


def output(*argv: str | Path) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


@contextmanager
def loop_disk(file: Path, *, size_mib: int) -> Iterator[LoopDisk]:
    """Hold a disk with something on it, so that an unchanged disk is not just zeros."""
    with file.open("wb") as stream:
        stream.write(b"what was here before" * 4096)
        stream.truncate(size_mib * MIB)
    device = output("losetup", "--find", "--show", file).strip()
    try:
        yield LoopDisk(device, file)
    finally:
        # The host's kernel keeps partitions of a loop device that partx has made.
        subprocess.run(["partx", "--delete", device], capture_output=True, check=False)
        output("losetup", "--detach", device)


def base_image() -> dict[str, Entry]:
    """A system that can run a shell script: busybox with its libraries, a kernel of sorts."""
    busybox = Path(output("which", "busybox").strip())
    entries: dict[str, Entry] = {
        name: Directory() for name in ("etc", "dev", "proc", "sys", "tmp", "run", "root")
    }
    for library in output("ldd", busybox).split():
        if library.startswith("/"):
            entries[library.lstrip("/")] = File(Path(library).read_bytes(), mode=0o755)
    entries["bin/sh"] = File(busybox.read_bytes(), mode=0o755)
    entries["bin/busybox"] = File(busybox.read_bytes(), mode=0o755)
    entries["boot/vmlinuz"] = BZIMAGE
    entries["boot/initrd.img"] = b"an initrd"
    entries["install.sh"] = installer(INSTALLER)
    return entries


def installer(text: str) -> File:
    return File(text.encode(), mode=0o755)


def document(disk: str, image_url: str) -> str:
    """A machine document for one disk with one filesystem, with secrets in it."""
    # Only where firmware names the machine may a document leave that out.
    machine = "" if identity().machine_uuid else f"id: {SOME_MACHINE}\n"
    return f"""{machine}allocation:
  hostname: node1
  image: {{id: tiny-1.0, url: "{image_url}"}}
  user_data: "{SECRET}"
  vpn: {{address: "https://vpn.test", auth_key: "{SECRET}", connected: false}}
  filesystemlayout:
    disks:
      - device: {disk}
        partitions:
          - {{number: 1, label: spare, size: 8, gpttype: "8300"}}
          - {{number: 2, label: root, size: 0, gpttype: "8300"}}
    filesystems:
      - {{path: /, device: {disk}p2, format: ext4, label: root}}
"""


@dataclass(frozen=True)
class Result:
    """How an installation ended, as a program and as a person see it."""

    status: int
    events: list[dict[str, object]]
    output: str

    @property
    def failure(self) -> dict[str, object] | None:
        failures = [event for event in self.events if event["event"] == "failed"]
        assert len(failures) <= 1, "a cause is told once"
        return failures[0] if failures else None


@dataclass(frozen=True, kw_only=True)
class Installation:
    """`hammer install`, run as a command on this machine."""

    document: Path | str
    """A path or a URL."""
    target: Path
    environment: Mapping[str, str] | None = None
    limit_s: float = 120

    def argv(self, *more: str) -> list[str | Path]:
        return [
            *(sys.executable, "-m", "hammer", "install", self.document, "--target", self.target),
            *("--no-kexec", "--yes", "--format", "json", "--retry-s", "1", *more),
        ]

    @contextmanager
    def started(self, *more: str) -> Iterator["subprocess.Popen[str]"]:
        """Hold the running command; whatever a test does, it is not left behind."""
        child = subprocess.Popen(
            self.argv(*more),
            cwd=REPOSITORY,
            env={**os.environ, **(self.environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        with child:
            try:
                yield child
            finally:
                if child.poll() is None:
                    child.send_signal(signal.SIGKILL)

    def finish(self, child: "subprocess.Popen[str]") -> Result:
        text, _ = child.communicate(timeout=self.limit_s)
        events = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        return Result(status=child.returncode, events=events, output=text)

    def run(self, *more: str) -> Result:
        with self.started(*more) as child:
            return self.finish(child)


def mounted_below(target: Path) -> list[str]:
    """Mount points at or below a directory."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return [point for point in points if point == str(target) or point.startswith(f"{target}/")]


def wait_until(path: Path, *, limit_s: float = 60) -> None:
    deadline = time.monotonic() + limit_s
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.01)
