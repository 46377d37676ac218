"""The order of the sequence, and what it leaves behind when a step fails."""

import json
import re
from dataclasses import replace

import pytest

import contract
from hammer import VERSION
from hammer.algorithm import Algorithm
from hammer.errors import (
    BootFileMissing,
    BootInfoInvalid,
    BootInfoMissing,
    FileFailed,
    HammerError,
    ImageAddressInvalid,
    InstallerFailed,
    InstallerKilled,
    InstallerMissing,
    InstallerTimeout,
    KernelInvalid,
    MountFailed,
    UnmountBusy,
)
from hammer.host.chroot import Ended
from hammer.host.programs import Program
from hammer.step import Step
from hammer.stream.published import Wanted
from hammer.stream.store import Choice
from tests.unit.documents import spec_of
from tests.unit.fakes import DIGEST, Bench


def test_every_step_runs_once_in_the_order_of_the_enum(bench: Bench) -> None:
    bench.provision(spec_of())
    assert bench.steps("begin") == list(Step)
    assert bench.steps("end") == list(Step)


def test_the_journal_knows_the_console_password(bench: Bench) -> None:
    bench.provision(spec_of())
    written = contract.load_file(
        contract.InstallConfig, bench.machine.target / "etc/metal/install.yaml"
    )
    assert bench.journal.passwords == (written.password.get_secret_value(),)


def test_what_happens_in_which_order(bench: Bench) -> None:
    kernel = bench.provision(spec_of())
    assert bench.log == [
        "ask http://images.test/img.tar.lz4",
        "wipefs --all --quiet /dev/vda",
        "clear /dev/vda",
        "forget partitions of /dev/vda",
        "sgdisk --new=1:0:+500M --change-name=1:efi --typecode=1:8300"
        " --new=2:0:0 --change-name=2:root --typecode=2:8300 /dev/vda",
        "partx --update --nr 1:128 /dev/vda",
        "wait /dev/vda1",
        "wait /dev/vda2",
        "udevadm settle --timeout=30",
        "wipefs --all --quiet /dev/vda1",
        "mkfs.vfat -F 32 -n efi /dev/vda1",
        "blkid -p -s UUID -o value /dev/vda1",
        "wipefs --all --quiet /dev/vda2",
        "mkfs.ext4 -F -L root /dev/vda2",
        "blkid -p -s UUID -o value /dev/vda2",
        "mount /dev/vda2",
        "mount /dev/vda1",
        "unpack",
        "chroot /install.sh",
        "load vmlinuz",
        "boot first metal-debian",
        "umount efi",
        "umount rootfs",
        "sgdisk --typecode=1:ef00 /dev/vda",
        "flush /dev/vda",
        "udevadm settle --timeout=30",
    ]
    assert kernel.cmdline == "root=UUID=x"
    assert kernel.loaded


def test_an_image_by_its_id_is_looked_up_before_the_first_write(bench: Bench) -> None:
    named = ('url: "http://images.test/img.tar.lz4"', "store: 'http://me:hunter2@images.test/os'")
    bench.provision(spec_of(named, ("debian-12.0.20261101", "debian-12.0")))
    asked = "ask http://me:hunter2@images.test/os/found/img.tar.lz4"
    assert bench.log[:2] == ["choose debian-12.0 in http://me:hunter2@images.test/os", asked]
    said = [event["text"] for event in bench.events if event["event"] == "say"]
    assert said[0] == (
        "debian-12.0 is debian-12.0.20261101, http://images.test/os/found/img.tar.lz4"
    )
    provenance = (bench.target / "etc/metal/hammer-provenance.json").read_text()
    assert json.loads(provenance)["image"]["id"] == "debian-12.0.20261101"
    assert json.loads(provenance)["image"]["url"] == "http://images.test/os/found/img.tar.lz4"


def test_an_image_that_its_index_has_at_an_odd_place_is_refused(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = contract.IndexedImage(id="debian-12.0.1", url="oci://images.test/debian:12")
    choice = Choice(image_id=listed.id, url=listed.url, listed=listed)
    monkeypatch.setattr(bench.images, "choose", lambda *_: choice)
    named = ('url: "http://images.test/img.tar.lz4"', "store: 'http://images.test/i.yaml'")
    with pytest.raises(ImageAddressInvalid, match=r"debian-12\.0\.1 of http://images\.test/i"):
        bench.provision(spec_of(named, ("debian-12.0.20261101", "debian-12.0")))
    assert bench.log == []


SHA256 = "0123456789abcdef" * 4


def test_the_digest_of_the_document_goes_along(bench: Bench) -> None:
    bench.provision(spec_of(("image: {", f"image: {{digest: '{SHA256}', ")))
    assert bench.images.wanted == Wanted(text=SHA256, where="the machine document")


def test_a_digest_with_its_type_and_an_image_of_a_store(bench: Bench) -> None:
    typed = "image: {digest: http://h/SUMS, digest_type: sha256, store: http://h, url: '', "
    bench.provision(spec_of(("image: {", typed), ('url: "http', 'name: "http')))
    assert bench.images.wanted == Wanted(
        text="http://h/SUMS", algorithm=Algorithm.SHA256, where="the machine document"
    )


def os_image(name: str, url: str) -> str:
    return (
        f"{{apiVersion: management.loft.sh/v1, kind: OSImage, metadata: {{name: {name}}}, "
        f"spec: {{properties: {{metal3.vcluster.com/image-url: '{url}', "
        f"metal3.vcluster.com/image-checksum: {SHA256}}}}}}}"
    )


def test_an_os_image_in_the_document(bench: Bench) -> None:
    manifest = os_image("noble", "http://me:hunter2@images.test/noble.tar.lz4")
    bench.provision(spec_of(("image: {", f"image: {{os_image: {manifest}, ")))
    assert bench.log[0] == "ask http://me:hunter2@images.test/noble.tar.lz4"
    assert bench.images.wanted == Wanted(text=SHA256, where="OSImage noble")
    assert "OSImage noble is http://images.test/noble.tar.lz4" in told(bench)
    image = provenance(bench).image
    assert (image.id, image.url) == ("debian-12.0.20261101", "http://images.test/noble.tar.lz4")


@pytest.mark.parametrize("named", ["", "store: http://h, ", "os_image: MANIFEST, "])
def test_the_mirrors_of_the_document_go_along_however_it_names_the_image(
    named: str, bench: Bench
) -> None:
    named = named.replace("MANIFEST", os_image("noble", "http://images.test/noble.tar.lz4"))
    changes = [("image: {", f"image: {{mirrors: ['http://cache/'], {named}")]
    if "store" in named:
        changes.append(('url: "http', 'name: "http'))
    bench.provision(spec_of(*changes))
    (asked,) = (line for line in bench.log if line.startswith("ask "))
    assert asked.endswith(" or http://cache/")


def test_an_os_image_of_the_command_line_wins(bench: Bench) -> None:
    bench.machine = replace(bench.machine, os_image="http://h/os-image.yaml")
    own = os_image("noble", "http://images.test/noble.tar.lz4")
    described = f"image: {{os_image: {own}, description: of another image, "
    bench.provision(spec_of(("image: {", described)))
    expected = bench.images.manifest.spec.properties
    assert bench.log[:2] == ["os-image http://h/os-image.yaml", f"ask {expected.image_url}"]
    assert bench.images.wanted == Wanted(
        text=str(expected.image_checksum),
        algorithm=Algorithm.SHA256,
        where="OSImage debian-12.0.20241118",
    )
    assert provenance(bench).image.id == "debian-12.0.20241118"
    path = bench.target / "etc/metal/machine-allocation.yaml"
    allocation = contract.load_file(contract.MachineAllocation, path)
    assert allocation.image is not None
    assert (allocation.image.id, allocation.image.url, allocation.image.description) == (
        "debian-12.0.20241118",
        expected.image_url,
        None,
    )


def test_where_the_system_came_from(bench: Bench) -> None:
    bench.images.files["etc/metal/hammer-provenance.json"] = b"of another system"
    bench.provision(spec_of(("http://images.test", "http://me:hunter2@images.test")))
    path = bench.target / "etc/metal/hammer-provenance.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert "hunter2" not in path.read_text()
    found = provenance(bench)
    assert found.agent == VERSION
    assert found.image.url == "http://images.test/img.tar.lz4"
    assert found.image.digest.value == DIGEST.hex
    assert (found.image.packed_bytes, found.image.unpacked_bytes) == (12, 34)
    (disk,) = found.layout.disks
    assert [(each.device, each.label, each.gpttype) for each in disk.partitions] == [
        ("/dev/vda1", "efi", "ef00"),
        ("/dev/vda2", "root", "8300"),
    ]
    assert [(each.path, each.uuid) for each in found.layout.filesystems] == [
        ("/boot/efi", "uuid-of-vda1"),
        ("/", "uuid-of-vda2"),
    ]
    assert list(found.seconds) == [step.value for step in Step][:-1]


def test_an_installer_finds_no_provenance_of_another_system(bench: Bench) -> None:
    bench.images.files["etc/metal/hammer-provenance.json"] = b"of another system"
    bench.chroot.ended = Ended(status=1, left_behind=())
    with pytest.raises(InstallerFailed):
        bench.provision(spec_of())
    assert not (bench.target / "etc/metal/hammer-provenance.json").exists()


def test_what_was_compared_is_told(bench: Bench) -> None:
    bench.provision(spec_of())
    assert f"received was md5 {DIGEST.hex}, as {DIGEST.source} says" in told(bench)


def told(bench: Bench) -> list[object]:
    return [event["text"] for event in bench.events if event["event"] == "say"]


def provenance(bench: Bench) -> contract.Provenance:
    return contract.load_file(
        contract.Provenance, bench.target / "etc/metal/hammer-provenance.json"
    )


def test_a_url_wins_over_a_store(bench: Bench) -> None:
    both = ("image: {", "image: {store: 'http://images.test/os', ")
    bench.provision(spec_of(both))
    assert bench.log[0] == "ask http://images.test/img.tar.lz4"


def test_a_partition_without_a_type_is_one_of_linux(bench: Bench) -> None:
    bench.provision(spec_of((', gpttype: "8300"}', "}")))
    (command,) = [entry for entry in bench.log if "--new=2" in entry]
    assert "--typecode=2:8300 " in command


def test_the_installed_tree(bench: Bench) -> None:
    bench.provision(spec_of())
    etc = bench.target / "etc"
    assert (etc / "fstab").read_text().splitlines()[1:] == [
        "UUID=uuid-of-vda2 / ext4 defaults,noatime 0 1",
        "tmpfs /tmp tmpfs defaults,size=512M 0 0",
        "UUID=uuid-of-vda1 /boot/efi vfat defaults 0 2",
    ]
    assert (etc / "fstab").stat().st_mode & 0o777 == 0o644
    assert not (etc / "lvm").exists()
    assert (etc / "metal/install.yaml").stat().st_mode & 0o777 == 0o600
    assert (etc / "metal/userdata").read_bytes() == b"#cloud-config"
    assert not (bench.target / "install.sh").exists()


def test_an_image_with_lvm_is_told_not_to_wait_for_udev(bench: Bench) -> None:
    """In the words of metal-hammer's ramdisk, which installed systems have had for years."""
    bench.images.files["etc/lvm/lvm.conf"] = b""
    bench.provision(spec_of())
    written = bench.target / "etc/lvm/lvmlocal.conf"
    assert written.stat().st_mode & 0o777 == 0o600
    sections = re.findall(r"(\w+)\s*\{(.*?)\}", written.read_text(), re.DOTALL)
    found = {name: dict(re.findall(r"(\w+)\s*=\s*(\S+)", body)) for name, body in sections}
    assert found == {
        "activation": {"udev_sync": "0", "udev_rules": "0"},
        "devices": {
            "multipath_component_detection": "0",
            "md_component_detection": "0",
            "obtain_device_list_from_udev": "0",
        },
    }


def left_unbootable(bench: Bench, kind: type[HammerError]) -> HammerError:
    with pytest.raises(kind) as caught:
        bench.provision(spec_of())
    assert bench.log[-1] == "clear /dev/vda"
    assert bench.log.count("clear /dev/vda") == 2
    assert bench.log.count("mount /dev/vda2") == bench.log.count("umount rootfs")
    assert not any("ef00" in entry for entry in bench.log)
    return caught.value


def test_a_mount_that_fails_leaves_nothing_mounted(bench: Bench) -> None:
    bench.mounts.refused = {bench.target / "boot/efi"}
    left_unbootable(bench, MountFailed)


def test_no_installer(bench: Bench) -> None:
    del bench.images.files["install.sh"]
    left_unbootable(bench, InstallerMissing)


@pytest.mark.parametrize(
    ("status", "kind"), [(7, InstallerFailed), (-9, InstallerKilled), (None, InstallerTimeout)]
)
def test_an_installer_that_fails(bench: Bench, status: int | None, kind: type[HammerError]) -> None:
    bench.chroot.ended = Ended(status=status, left_behind=())
    left_unbootable(bench, kind)


def test_no_boot_info(bench: Bench) -> None:
    bench.chroot.boot_info = None
    left_unbootable(bench, BootInfoMissing)


@pytest.mark.parametrize("text", ["{", "kernel: 7\n", "[]", "cmdline: x\nkernel: boot/vmlinuz\n"])
def test_a_broken_boot_info(bench: Bench, text: str) -> None:
    bench.chroot.boot_info = text
    left_unbootable(bench, BootInfoInvalid)


def test_a_kernel_that_is_not_there(bench: Bench) -> None:
    bench.chroot.boot_info = "cmdline: x\nkernel: /boot/other\n"
    error = left_unbootable(bench, BootFileMissing)
    assert str(error) == "boot-info.yaml: kernel: /boot/other is not in the image"


def test_a_kernel_that_is_none(bench: Bench) -> None:
    bench.images.files["boot/vmlinuz"] = b"\x7fELF" + bytes(2048)
    error = left_unbootable(bench, KernelInvalid)
    assert "begins with 7f454c46" in str(error)


def test_a_kernel_behind_an_absolute_link(bench: Bench) -> None:
    real = bench.images.unpack

    def with_link(*args: object, **named: object) -> object:
        done = real(*args, **named)  # type: ignore[arg-type]
        (bench.target / "boot/vmlinuz").rename(bench.target / "vmlinuz-6.1")
        (bench.target / "boot/vmlinuz").symlink_to("/vmlinuz-6.1")
        return done

    bench.images.unpack = with_link  # type: ignore[assignment,method-assign]
    assert bench.provision(spec_of()).kernel == "/boot/vmlinuz"


def test_a_busy_mount_does_not_hide_why_we_left(bench: Bench) -> None:
    bench.chroot.ended = Ended(status=7, left_behind=())
    bench.mounts.busy = {bench.target / "boot/efi"}
    error = left_unbootable(bench, InstallerFailed)
    assert "in use by process 7 (sleep)" in error.__notes__[0]


def test_an_unmount_that_fails_is_a_failed_installation(bench: Bench) -> None:
    bench.mounts.busy = {bench.target / "boot/efi"}
    left_unbootable(bench, UnmountBusy)
    assert "umount rootfs" in bench.log  # the others were tried all the same
    assert "unload" in bench.log


def test_preserve_keeps_the_disks(bench: Bench) -> None:
    bench.chroot.ended = Ended(status=7, left_behind=())
    with pytest.raises(InstallerFailed) as caught:
        bench.preserving().provision(spec_of())
    assert bench.log.count("clear /dev/vda") == 1
    assert "hammer.preserve=1" in caught.value.__notes__[0]


def test_what_the_installer_left_running_is_told(bench: Bench) -> None:
    bench.chroot.ended = Ended(status=0, left_behind=("sleep",))
    bench.provision(spec_of())
    assert "      WARNING /install.sh left behind, killed: sleep" in bench.lines()


def test_a_busy_udev_does_not_fail_a_complete_installation(bench: Bench) -> None:
    bench.programs.failing = {Program.UDEVADM}
    bench.provision(spec_of())
    assert bench.log.count("clear /dev/vda") == 1
    warnings = [line for line in bench.lines() if "WARNING `udevadm settle" in line]
    assert len(warnings) == 2


def test_a_filesystem_without_a_uuid(bench: Bench) -> None:
    """mkfs takes an option that gives none, and the kernel's root=UUID= would find nothing."""
    bench.programs.uuids = False
    left_unbootable(bench, FileFailed)


def test_what_the_image_brings_as_boot_info_is_not_its_installers(bench: Bench) -> None:
    bench.images.files["etc/metal/boot-info.yaml"] = b"cmdline: old\nkernel: /boot/vmlinuz\n"
    bench.images.files["etc/metal/userdata"] = b"of another machine"
    bench.chroot.boot_info = None
    with pytest.raises(BootInfoMissing):
        bench.provision(spec_of(('  user_data: "#cloud-config"\n', "")))
    assert not (bench.target / "etc/metal/userdata").exists()


def test_install_go_comes_before_install_sh(bench: Bench) -> None:
    bench.images.files["install-go"] = b"\x7fELF"
    bench.provision(spec_of())
    assert "chroot /install-go" in bench.log


def test_the_console_fits_a_serial_line(bench: Bench) -> None:
    bench.provision(spec_of())
    assert max(map(len, bench.lines())) <= 80
    assert all(line.isascii() for line in bench.lines())
