"""What a machine does when its installation fails: the cause, the disks, and then what was asked.

No case here may start another kernel; `assert_failed` holds for all of them.
"""

import hashlib
import io
import json
import tarfile
from pathlib import Path

from hammer import errors
from hammer.errors import HammerError
from hammer.host.disks import MIB
from hammer.step import Step
from tests.images import PATH, image, published
from tests.native.machine import SECRET, base_image, installer
from tests.servers import Answer, Server, Status, Then, serve
from tests.vm.disks import empty_disk
from tests.vm.documents import MACHINE_UUID, machine_document
from tests.vm.guest import Disk, Guest, seen_by_guest
from tests.vm.ramdisk import Ramdisk
from tests.vm.verdict import Verdict, plain

LIMIT_S = 180
DISK_MIB = 128
SOMEBODY_ELSE = "00000000-0000-4000-8000-00000000beef"


def used_disk(path: Path) -> Disk:
    """A disk with something on it, so that an unchanged disk is not just zeros."""
    empty_disk(path, size_mib=DISK_MIB)
    with path.open("r+b") as stream:
        stream.write(b"what was here before" * 4096)
    return Disk(path=path)


def sha256(disk: Disk) -> str:
    with disk.path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def ends(disk: Disk) -> bytes:
    with disk.path.open("rb") as stream:
        first = stream.read(MIB)
        stream.seek(-MIB, 2)
        return first + stream.read(MIB)


def assert_failed(
    verdict: Verdict, error: type[HammerError], *, but_the_command_line: bool = False
) -> str:
    """The failure is the right one and told once; returns what the console showed."""
    assert verdict.code == error.code, verdict.failed
    assert verdict.failed is not None
    assert verdict.failed["exit_status"] == error.exit_status
    assert verdict.failed["hint"] == error.hint
    assert len(verdict.named("failed")) == 1
    assert verdict.named("kexec") == []
    assert verdict.proof is None
    console = plain(verdict.console.read_text(errors="replace"))
    assert "Starting new kernel" not in console
    assert "Traceback" not in console
    assert f"FAILED [{error.code}]" in console
    ours = [line for line in console.splitlines() if "ommand line: " not in line]
    shown = "\n".join(ours) if but_the_command_line else console
    assert SECRET not in shown + str(verdict.events)
    return console


def guest_with(document: str | None, disk: Disk, *, work: Path, ramdisk: Ramdisk) -> Guest:
    initrd = ramdisk.with_document(document, work=work) if document else ramdisk.initrd
    return Guest(work=work, kernel=ramdisk.kernel, initrd=initrd, disks=(disk,), uuid=MACHINE_UUID)


def document(image_url: str, machine_uuid: str = MACHINE_UUID) -> str:
    return machine_document(
        "/dev/vda", image_url, uefi=False, machine_uuid=machine_uuid, user_data=SECRET
    )


def test_a_word_that_nobody_knows(work: Path, ramdisk: Ramdisk) -> None:
    disk = used_disk(work / "disk.raw")
    before = sha256(disk)
    guest = guest_with(document("http://10.0.2.2:1/x"), disk, work=work, ramdisk=ramdisk)
    verdict = guest.run("hammer.spek=/x hammer.on_failure=halt", timeout_s=LIMIT_S)
    console = assert_failed(verdict, errors.CmdlineInvalid)
    assert "reboot: Power down" in console
    assert "did you mean hammer.spec?" in " ".join(console.split())
    assert sha256(disk) == before


def test_an_installer_that_fails_with_an_address_from_the_command_line(
    work: Path, ramdisk: Ramdisk
) -> None:
    disk = used_disk(work / "disk.raw")
    failing = installer("#!/bin/sh\necho I am the installer\nexit 7\n")
    answers: dict[str, Answer | Then] = {"/report": Status(204)}
    answers |= published(image({**base_image(), "install.sh": failing}))
    with serve(answers) as server:
        text = document(seen_by_guest(server.url(PATH)))
        guest = guest_with(text, disk, work=work, ramdisk=ramdisk)
        address = "ip=10.0.2.77::10.0.2.2:255.255.255.0::eth0:off:10.0.2.3"
        told = seen_by_guest(server.url("/report")).replace("//", f"//me:{SECRET}@")
        words = f"{address} hammer.on_failure=halt hammer.report={told}?key={SECRET}"
        verdict = guest.run(words, timeout_s=LIMIT_S)
    # The kernel itself shows its command line, before the agent is there to hide anything.
    console = assert_failed(verdict, errors.InstallerFailed, but_the_command_line=True)
    assert_told(server, errors.InstallerFailed)
    assert "eth0 has 10.0.2.77/24" in console
    assert "I am the installer" in console
    assert last_step(verdict) == Step.INSTALL
    assert not any(ends(disk))


def assert_told(server: Server, error: type[HammerError]) -> None:
    """The server of hammer.report= knows how it went, and has the failure bundle."""
    posts = [request for request in server.requests if request.method == "POST"]
    *story, bundle = posts
    events = [json.loads(request.body) for request in story]
    last = Step.INSTALL.number
    assert [event["event"] for event in events] == ["start", *["step"] * (2 * last - 1), "failed"]
    assert {event["machine"] for event in events} == {MACHINE_UUID}
    assert events[-1]["code"] == error.code
    assert bundle.headers["hammer-machine"] == MACHINE_UUID
    assert events[-1]["bundle"] in bundle.headers["content-disposition"]
    with tarfile.open(fileobj=io.BytesIO(bundle.body), mode="r:gz") as tar:
        opened = {member.name: tar.extractfile(member) for member in tar}
        files = {name: file.read().decode() for name, file in opened.items() if file}
    # Nothing had to be left out: all that is needed is in the ramdisk.
    assert "left out" not in files["collected.txt"]
    assert json.loads(files["failure.json"])["code"] == error.code
    assert json.loads(files["failure.json"])["step"] == Step.INSTALL
    assert [step["step"] for step in json.loads(files["steps.json"])] == list(Step)[:last]
    assert "I am the installer" in files["events.jsonl"]
    assert "Linux version" in files["dmesg.txt"]
    assert "vda1" in files["lsblk.txt"]
    assert 'TYPE="ext4"' in files["blkid.txt"]
    assert "/rootfs" in files["mounts.txt"], "made before anything was unmounted"
    assert "10.0.2.77" in files["network.txt"]
    assert "hostname:" in files["machine.yaml"]
    assert [name for name, text in files.items() if SECRET in text] == []


def test_a_kernel_that_kexec_refuses_with_a_document_from_a_server(
    work: Path, ramdisk: Ramdisk
) -> None:
    """The image's kernel has a header like one, and nothing behind it: only kexec can tell."""
    disk = used_disk(work / "disk.raw")
    answers: dict[str, Answer | Then] = {**published(image(base_image()))}
    with serve(answers) as server:
        address = seen_by_guest(server.url(""))
        answers["/m.yaml"] = document(f"{address}{PATH}").encode()
        guest = guest_with(None, disk, work=work, ramdisk=ramdisk)
        words = f"hammer.spec={address}/m.yaml?key={SECRET} hammer.on_failure=halt"
        verdict = guest.run(words, timeout_s=LIMIT_S)
    # The kernel itself shows its command line, before the agent is there to hide anything.
    assert_failed(verdict, errors.KernelInvalid, but_the_command_line=True)
    assert last_step(verdict) == Step.KERNEL
    assert not any(ends(disk))


def last_step(verdict: Verdict) -> object:
    return [event["step"] for event in verdict.named("step") if event["state"] == "begin"][-1]


def test_the_document_of_another_machine_and_the_restart_that_is_the_default(
    work: Path, ramdisk: Ramdisk
) -> None:
    disk = used_disk(work / "disk.raw")
    before = sha256(disk)
    text = document("http://10.0.2.2:1/img.tar.lz4", machine_uuid=SOMEBODY_ELSE)
    guest = guest_with(text, disk, work=work, ramdisk=ramdisk)
    verdict = guest.run("hammer.backoff_s=1", timeout_s=LIMIT_S, linger_s=120)
    console = assert_failed(verdict, errors.WrongMachine)
    assert "The machine restarts in 1 s;" in console
    assert "reboot: Restarting system" in console
    assert sha256(disk) == before
