"""The machine that a trial makes: what installers demand of it, and what the guest gets of it."""

import re
from base64 import b64decode
from pathlib import Path

import pytest

import contract
from hammer import errors, spec
from hammer.image.trial import machine
from hammer.image.trial.disks import LEAST_GIB, UNKNOWN_GIB, default_gib, disks
from hammer.image.trial.machine import Role, Wanted
from tests.unit.documents import DOCUMENT

URL = "http://10.0.2.2:8000/img.tar.lz4"
SECRET = "hunter2-is-the-secret"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEzZfNfEAtkZWHow+msynHzFk1N1Fb1VLMPuuaVrD3mx me@home"
MIB = 1024 * 1024


def own(**wanted: object) -> contract.MachineDocument:
    return machine.own(Wanted(**wanted), image_url=URL)  # type: ignore[arg-type]


# --- a document of our own ----------------------------------------------------------------


@pytest.mark.parametrize("uefi", [False, True])
@pytest.mark.parametrize("role", ["machine", "firewall"])
def test_the_agent_reads_what_is_made(role: Role, uefi: bool) -> None:
    document = own(role=role, uefi=uefi)
    read = spec.read(contract.dump(document).encode(), where="machine.yaml")
    assert read.machine_uuid == document.id
    assert read.allocation == document.allocation
    assert read.nics == document.hardware.nics


@pytest.mark.parametrize("role", ["machine", "firewall"])
def test_installers_that_configure_networks_accept_it(role: Role) -> None:
    """The demands of metal-networker on install.yaml."""
    document = own(role=role)
    networks = document.allocation.networks
    kinds = [network.networktype for network in networks]
    assert [kind for kind in kinds if kind.startswith("privateprimary")] == [
        "privateprimaryunshared"
    ]
    assert kinds.count("underlay") == (1 if role == "firewall" else 0)
    assert all(network.ips and network.prefixes and network.asn > 0 for network in networks)
    assert all((network.vrf > 0) != network.underlay for network in networks)
    (external,) = [network for network in networks if network.networktype == "external"]
    assert "0.0.0.0/0" in external.destinationprefixes
    assert (document.allocation.firewall_rules is not None) == (role == "firewall")
    for nic in document.hardware.nics:
        assert nic.neighbors
        assert nic.neighbors[0].mac
    assert len(machine.macs(document)) == len(document.hardware.nics) == 2


def test_no_two_trials_have_the_same_name_and_machine() -> None:
    documents = [own() for _ in range(20)]
    assert len({document.allocation.hostname for document in documents}) == 20
    assert len({document.id for document in documents}) == 20


def test_uefi_gets_an_esp() -> None:
    (disk,) = own(uefi=True).allocation.filesystemlayout.disks
    assert [part.gpttype for part in disk.partitions] == ["ef00", "8300"]


def test_key_and_user_data_come_from_files(tmp_path: Path) -> None:
    key, data = tmp_path / "id.pub", tmp_path / "user-data"
    key.write_text(f"# mine\n{KEY}\n\n")
    data.write_bytes(b"test\xff")
    allocation = own(ssh_key=key, user_data=data).allocation
    assert allocation.ssh_pub_keys == (KEY,)
    assert allocation.user_data is not None
    assert b64decode(allocation.user_data.get_secret_value()) == b"test\xff"


def test_a_private_key_is_refused_and_not_shown(tmp_path: Path) -> None:
    key = tmp_path / "id"
    key.write_text(f"-----BEGIN OPENSSH PRIVATE KEY-----\n{SECRET}\n")
    with pytest.raises(errors.ArgumentInvalid, match="is a private key") as caught:
        own(ssh_key=key)
    assert SECRET not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(errors.ArgumentInvalid, match=r"--userdata: .*/none: No such file"):
        own(user_data=tmp_path / "none")


def test_a_file_without_end() -> None:
    with pytest.raises(errors.ArgumentInvalid, match="--userdata: /dev/zero is larger than 1024"):
        own(user_data=Path("/dev/zero"))


@pytest.mark.parametrize("text", ["", "# none\n", f"{KEY}\nhello\n", "ssh-rsa\n"])
def test_what_is_no_public_key(text: str, tmp_path: Path) -> None:
    key = tmp_path / "id.pub"
    key.write_text(text)
    with pytest.raises(errors.ArgumentInvalid, match="something else than public keys"):
        own(ssh_key=key)


def test_a_public_key_may_have_options(tmp_path: Path) -> None:
    key = tmp_path / "id.pub"
    line = f'from="10.0.0.0/8",command="echo hi" {KEY}'
    key.write_text(line)
    assert own(ssh_key=key).allocation.ssh_pub_keys == (line,)


# --- the author's document ----------------------------------------------------------------


def test_a_document_of_the_authors_keeps_all_but_the_image(tmp_path: Path) -> None:
    path = tmp_path / "machine.yaml"
    path.write_text(DOCUMENT)
    document = machine.given(path, image_url=URL)
    before = contract.load(contract.MachineDocument, DOCUMENT.encode(), name="x")
    assert document.allocation.image.url == URL
    assert document.allocation.image.id == before.allocation.image.id
    assert document.id == before.id
    assert document.allocation.filesystemlayout == before.allocation.filesystemlayout


def test_a_document_without_a_machine_gets_one(tmp_path: Path) -> None:
    path = tmp_path / "machine.yaml"
    path.write_text(re.sub(r"^id:.*$", "", DOCUMENT, flags=re.MULTILINE))
    assert machine.given(path, image_url=URL).id


def test_a_document_that_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(errors.DocumentMissing):
        machine.given(tmp_path / "none", image_url=URL)
    path = tmp_path / "machine.yaml"
    path.write_text(f"allocation: {{hostname: '{SECRET}_'}}")
    with pytest.raises(errors.DocumentInvalid) as caught:
        machine.given(path, image_url=URL)
    assert SECRET not in str(caught.value)


def test_only_addresses_that_an_interface_can_have_are_given_to_the_guest() -> None:
    nics = [
        contract.machine_document.Nic(mac=mac)
        for mac in ("AA:00:00:00:00:01", "ff:ff:ff:ff:ff:ff", "Eth1/4(Port1)", "", None)
    ]
    document = own().model_copy(update={"hardware": contract.Hardware(nics=tuple(nics))})
    assert machine.macs(document) == ("aa:00:00:00:00:01",)


@pytest.mark.parametrize(
    "text", [f"#cloud-config\n  key: {SECRET}\n", SECRET, f"{SECRET[:10]}\n{SECRET}\n"]
)
def test_what_must_not_be_shown(text: str, tmp_path: Path) -> None:
    data = tmp_path / "user-data"
    data.write_text(text)
    document = own(user_data=data)
    shown = f"| {text} | {contract.dump(document)}"
    for secret in machine.secrets(document):
        shown = shown.replace(secret, "***")
    assert SECRET not in shown
    assert SECRET[10:] not in shown
    assert document.allocation.user_data is not None
    assert document.allocation.user_data.get_secret_value() not in shown


# --- its disks ----------------------------------------------------------------------------


def layout(*names: str, size: int = 0) -> contract.FilesystemLayout:
    partitions = (contract.Partition(number=1, size=size, label="root"),)
    return contract.FilesystemLayout(
        disks=tuple(contract.Disk(device=name, partitions=partitions) for name in names),
        filesystems=(
            contract.Filesystem(
                path="/", device=contract.partition_device(names[0], 1), format="ext4"
            ),
        ),
    )


def test_disks_come_under_the_names_of_the_layout(tmp_path: Path) -> None:
    made = disks(layout("/dev/vdb", "/dev/sda", "/dev/nvme1n1"), work=tmp_path, rest_gib=5)
    names = [(disk.bus, disk.serial) for disk in made]
    assert names == [
        ("virtio", "vda"),
        ("virtio", "vdb"),
        ("scsi", "sda"),
        ("nvme", "nvme0n1"),
        ("nvme", "nvme1n1"),
    ]
    sizes = {disk.path.stat().st_size // MIB for disk in made}
    assert len(sizes) == 1, "Linux may find them in another order"
    assert 5 * 1024 < sizes.pop() < 5 * 1024 + 8
    assert sum(disk.path.stat().st_blocks for disk in made) == 0, "they are sparse"


def test_a_disk_holds_what_the_layout_names(tmp_path: Path) -> None:
    (disk,) = disks(layout("/dev/sda", size=7000), work=tmp_path, rest_gib=100)
    assert 7000 <= disk.path.stat().st_size // MIB < 7010


def test_disks_that_a_guest_cannot_have(tmp_path: Path) -> None:
    with pytest.raises(errors.TrialDiskUnknown, match="no disk /dev/mmcblk0, /dev/nvme0n2:"):
        disks(layout("/dev/mmcblk0", "/dev/vda", "/dev/nvme0n2"), work=tmp_path, rest_gib=4)


def test_a_disk_that_no_file_can_be(tmp_path: Path) -> None:
    with pytest.raises(errors.FileFailed, match=r"cannot be \d+ MiB large"):
        disks(layout("/dev/vda", size=2**42), work=tmp_path, rest_gib=4)


@pytest.mark.parametrize(
    ("packed_bytes", "gib"),
    [(None, UNKNOWN_GIB), (0, LEAST_GIB), (86 * MIB, LEAST_GIB), (2048 * MIB, 12)],
)
def test_the_disk_is_as_large_as_the_image_demands(packed_bytes: int | None, gib: int) -> None:
    assert default_gib(packed_bytes) == gib
