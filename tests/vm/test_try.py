"""`hammer image try`, as an author of images runs it: what passes, and who is at fault."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.demo_image.build_image import DemoImage
from tests.images import NAME, md5_file
from tests.vm.processes import pids_with, wait_for
from tests.vm.tiny_system import CMDLINE, NO_ROOT, tiny_image

SECRET = "hunter2-must-never-be-seen"
LIMIT_S = 400

# Two disks under two kinds of names, of which the second is there and not used.
MACHINE = f"""
id: 4dca1f5a-41b6-4b6c-a2cd-7a1d15ae9c8c
allocation:
  hostname: tiny-1
  image: {{url: "http://images.test/is/replaced"}}
  user_data: "{SECRET}"
  filesystemlayout:
    disks:
      - device: /dev/sda
        partitions: [{{number: 1, label: root, size: 0, gpttype: "8300"}}]
      - {{device: /dev/nvme0n1}}
    filesystems:
      - {{path: /, device: /dev/sda1, format: ext4, label: root}}
"""


@dataclass(frozen=True, kw_only=True)
class Tried:
    status: int
    verdict: dict[str, Any]
    progress: str

    @property
    def console(self) -> str:
        return Path(self.verdict["console"]).read_text(errors="replace")


def command(image: Path | str, *options: str | Path) -> list[str]:
    words = [sys.executable, "-m", "hammer", "image", "try", image, "--format", "json", *options]
    return [str(word) for word in words]


def environment(work: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(work)}


def tried(image: Path | str, *options: str | Path, work: Path) -> Tried:
    """Run the command to its end; it leaves nothing but logs in `work`."""
    logs = work / "logs"
    done = subprocess.run(
        command(image, "--keep", logs, *options),
        env=environment(work),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    print(done.stderr)
    assert not list(work.glob("hammer-try-*"))
    assert pids_with(work) == []
    assert "Traceback" not in done.stderr
    verdict = json.loads(done.stdout)
    assert verdict["exit_status"] == done.returncode
    return Tried(status=done.returncode, verdict=verdict, progress=done.stderr)


def publish(content: bytes, work: Path, *, digest: bytes | None = None) -> Path:
    path = work / NAME
    path.write_bytes(content)
    path.with_name(f"{NAME}.md5").write_bytes(digest or md5_file(content))
    return path


def test_the_demo_image_comes_up(work: Path, image: DemoImage, ramdisk: object) -> None:
    result = tried(image.path, "--uefi", "--role", "firewall", work=work)
    assert result.status == 0, result.verdict
    assert result.verdict["verdict"] == "up"
    assert "try-" in result.verdict["marker"], "a prompt or a proof with the name of this run"
    assert result.verdict["remarks"] == []
    assert {"boot", "image", "install", "up"} <= set(result.verdict["seconds"])


def test_an_installer_that_fails_is_told_without_secrets(work: Path, ramdisk: object) -> None:
    user_data = work / "user-data"
    user_data.write_text(f"#cloud-config\npassword: {SECRET}\n")
    content = tiny_image(init="", before="/bin/busybox cat /etc/metal/userdata; exit 3")
    result = tried(publish(content, work), "--userdata", user_data, work=work)
    assert (result.status, result.verdict["code"]) == (20, "installer-failed")
    assert "left with status 3" in result.verdict["message"]
    assert "      ***\n" in result.progress, "it was printed, and hidden"
    assert SECRET not in str(result)
    assert SECRET not in result.console


def test_boot_info_that_names_a_missing_kernel(work: Path, ramdisk: object) -> None:
    content = tiny_image(init="", kernel="/boot/vmlinuz-9.9")
    result = tried(publish(content, work), work=work)
    assert (result.status, result.verdict["code"]) == (20, "boot-file-missing")
    assert "/boot/vmlinuz-9.9" in result.verdict["message"]


def test_a_digest_of_something_else(work: Path, ramdisk: object) -> None:
    path = publish(tiny_image(init=""), work, digest=md5_file(b"another image"))
    result = tried(path, work=work)
    assert (result.status, result.verdict["code"]) == (20, "digest-mismatch")
    assert str(path) in result.verdict["message"], "the file that the author knows, no URL"


def test_a_kernel_that_panics_after_kexec(work: Path, ramdisk: object) -> None:
    content = tiny_image(init=None, cmdline=f"{CMDLINE} {NO_ROOT}")
    result = tried(publish(content, work), work=work)
    assert (result.status, result.verdict["code"]) == (20, "image-kernel-panicked")
    assert "Unable to mount root fs" in result.verdict["message"]
    assert any("end Kernel panic" in line for line in result.verdict["tail"])
    assert NO_ROOT in result.console


def test_a_system_that_never_says_that_it_is_up_on_a_machine_of_the_authors_own(
    work: Path, ramdisk: object
) -> None:
    document = work / "machine.yaml"
    document.write_text(MACHINE)
    path = publish(tiny_image(init="echo waiting for a key"), work)
    result = tried(path, "--machine", document, "--boot-limit-s", "60", work=work)
    assert (result.status, result.verdict["code"]) == (20, "image-never-up")
    assert "no `tiny-1 login:` on the console within 60 s" in result.verdict["message"]
    # The kernel may say something after it.
    assert "waiting for a key" in result.verdict["tail"]


def test_a_system_that_powers_off_before_it_is_up(work: Path, ramdisk: object) -> None:
    path = publish(tiny_image(init="busybox poweroff -f"), work)
    result = tried(path, work=work)
    assert (result.status, result.verdict["code"]) == (20, "image-went-off")


def test_a_marker_of_the_authors_own(work: Path, ramdisk: object) -> None:
    path = publish(tiny_image(init="echo I am READY"), work)
    result = tried(path, "--marker", "^I am READY$", work=work)
    assert (result.status, result.verdict["marker"]) == (0, "I am READY")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_behind_by_ctrl_c(number: int, work: Path, ramdisk: object) -> None:
    path = publish(b"never fetched", work)
    trial = subprocess.Popen(
        command(path), env=environment(work), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    wait_for(lambda: len(pids_with(work, name="qemu-system")) > 0)
    time.sleep(0.5)
    trial.send_signal(number)
    told, _ = trial.communicate(timeout=30)
    assert (trial.returncode, json.loads(told)["code"]) == (75, "interrupted")
    assert pids_with(work) == []
    assert not list(work.glob("hammer-try-*"))
