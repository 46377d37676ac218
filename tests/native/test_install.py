"""An installation that succeeds: what is on the disk afterwards, and what is not."""

import hashlib
import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import yaml

import contract
from hammer import VERSION
from hammer.errors import AgentRunning
from hammer.host.lvm import LVMLOCAL_CONF
from hammer.step import Step
from tests.images import PATH, Entry, Link, checksum_file, image, md5_file, published
from tests.native.machine import (
    INSTALLER,
    SECRET,
    Installation,
    LoopDisk,
    Result,
    base_image,
    document,
    installer,
    loop_disk,
    mounted_below,
    output,
    wait_until,
)
from tests.servers import Answer, Drip, Then, serve

# Everything that this version can make, and the two formats that make nothing.
LAYOUT = """  filesystemlayout:
    disks:
      - device: {disk}
        partitions:
          - {{number: 1, label: efi, size: 40, gpttype: ef00}}
          - {{number: 2, label: swap, size: 16, gpttype: "8300"}}
          - {{number: 3, label: var, size: 32, gpttype: "8300"}}
          - {{number: 4, label: raw, size: 8, gpttype: "8300"}}
          - {{number: 5, label: root, size: 0, gpttype: "8300"}}
    filesystems:
      - {{path: /var/lib, device: {disk}p3, format: ext3, label: varlib, mountoptions: [noatime]}}
      - {{path: /, device: {disk}p5, format: ext4, label: system, mountoptions: [defaults, ro=x]}}
      - {{device: {disk}p1, format: vfat, label: EFI, createoptions: ["-F 32"]}}
      - {{device: {disk}p2, format: swap, label: swap}}
      - {{device: {disk}p4, format: none}}
      - {{path: /tmp, device: tmpfs, format: tmpfs, mountoptions: [defaults, noexec]}}
"""


def with_layout(text: str, disk: str) -> str:
    layout = LAYOUT.format(disk=disk).replace("[defaults, ro=x]", "[defaults, discard]")
    return text[: text.index("  filesystemlayout:")] + layout


@contextmanager
def installed(
    tmp_path: Path,
    members: dict[str, Entry],
    *more: str,
    without: tuple[str, ...] = (),
    size_mib: int = 192,
) -> Iterator[tuple[Result, LoopDisk]]:
    """Hold the disk of an installation with the layout above, and how it went."""
    with ExitStack() as held:
        disk = held.enter_context(loop_disk(tmp_path / "disk", size_mib=size_mib))
        entries = {**base_image(), **members}
        for name in without:
            del entries[name]
        server = held.enter_context(serve(published(image(entries))))
        path, target = tmp_path / "machine.yaml", tmp_path / "target"
        path.write_text(with_layout(document(disk.device, server.url(PATH)), disk.device))
        yield Installation(document=path, target=target).run(*more), disk


@contextmanager
def looked_into(disk: LoopDisk, tmp_path: Path) -> Iterator[Path]:
    """Hold the installed tree, mounted read-only."""
    # The host's kernel knows no GPT; partx tells it what is in the table.
    subprocess.run(["partx", "--update", disk.device], check=True)
    root = tmp_path / "look"
    root.mkdir()
    with ExitStack() as held:
        output("mount", "-o", "ro", f"{disk.device}p5", root)
        held.callback(output, "umount", root)
        output("mount", "-o", "ro", f"{disk.device}p3", root / "var/lib")
        held.callback(output, "umount", root / "var/lib")
        yield root


def blkid(device: str, tag: str) -> str:
    return output("blkid", "-p", "-s", tag, "-o", "value", device).strip()


def test_the_installed_disk(tmp_path: Path) -> None:
    members: dict[str, Entry] = {
        "etc/resolv.conf": Link("../run/systemd/resolve/stub-resolv.conf"),
        "etc/lvm/keep": b"",
        "var/lib/data": b"of the image",
        "boot/vmlinuz-6.1": base_image()["boot/vmlinuz"],
        "boot/vmlinuz": Link("/boot/vmlinuz-6.1"),
    }
    with installed(tmp_path, members) as (result, disk):
        assert result.status == 0, result.output
        assert SECRET not in result.output
        with looked_into(disk, tmp_path) as root:
            judge_documents(root, disk, result)
            assert (root / "var/lib/data").read_bytes() == b"of the image"
            assert not (root / "install.sh").exists()
            link = (root / "etc/resolv.conf").readlink()
            assert str(link) == "../run/systemd/resolve/stub-resolv.conf"
            assert list((root / "tmp").iterdir()) == []
            assert list((root / "proc").iterdir()) == []
        judge_partitions(disk)
        assert mounted_below(tmp_path / "target") == []


@pytest.mark.parametrize(
    ("image_id", "channel", "found"),
    [
        ("tiny-1", "stable", "tiny-1.0"),
        ("tiny-1.0.20261101", "20261101", "tiny-1.0.20261101"),
    ],
)
@pytest.mark.parametrize("store", ["os", "index.json"])
def test_an_image_by_its_id(
    store: str, image_id: str, channel: str, found: str, tmp_path: Path
) -> None:
    content = image(base_image())
    stored = tmp_path / f"os/{channel}/tiny/1{PATH}"
    stored.parent.mkdir(parents=True)
    stored.write_bytes(content)
    stored.with_name(f"{stored.name}.md5").write_bytes(md5_file(content))
    with ExitStack() as held:
        disk = held.enter_context(loop_disk(tmp_path / "disk", size_mib=64))
        server = held.enter_context(serve(tmp_path))
        url = server.url(f"/{stored.relative_to(tmp_path)}")
        others = [{"id": "tiny-1.1", "url": server.url("/none")}]
        (tmp_path / "index.json").write_text(json.dumps([*others, {"id": found, "url": url}]))
        text = document(disk.device, server.url(f"/{store}")).replace("url: ", "store: ", 1)
        (tmp_path / "machine.yaml").write_text(text.replace("tiny-1.0", image_id))
        result = Installation(document=tmp_path / "machine.yaml", target=tmp_path / "target").run()
        assert result.status == 0, result.output
        said = [event["text"] for event in result.events if event["event"] == "say"]
        assert f"{image_id} is {found}, {url}" in said
        subprocess.run(["partx", "--update", disk.device], check=True)
        (tmp_path / "look").mkdir()
        output("mount", "-o", "ro", f"{disk.device}p2", tmp_path / "look")
        held.callback(output, "umount", tmp_path / "look")
        provenance = json.loads((tmp_path / "look/etc/metal/hammer-provenance.json").read_text())[
            "image"
        ]
    assert (provenance["id"], provenance["url"]) == (found, url)


OS_IMAGE = """apiVersion: management.loft.sh/v1
kind: OSImage
metadata: {{name: noble, managedFields: []}}
spec:
  properties:
    metal3.vcluster.com/image-url: {url}
    metal3.vcluster.com/image-checksum: {sums}
"""


@pytest.mark.parametrize("in_document", [True, False], ids=["in the document", "by the command"])
def test_an_image_by_an_os_image(in_document: bool, tmp_path: Path) -> None:
    content = image(base_image())
    sums = checksum_file(b"another", "sha256", "b.tar.lz4") + checksum_file(content, "sha256")
    answers = {PATH: content, "/SHA256SUMS": sums, f"{PATH}.md5": md5_file(b"not asked for")}
    with ExitStack() as held:
        disk = held.enter_context(loop_disk(tmp_path / "disk", size_mib=64))
        server = held.enter_context(serve(answers))
        manifest = OS_IMAGE.format(url=server.url(PATH), sums=server.url("/SHA256SUMS"))
        text, more = document(disk.device, server.url("/none")), ["--min-digest", "sha256"]
        if in_document:
            values = yaml.safe_load(text)
            values["allocation"]["image"] = {"os_image": yaml.safe_load(manifest)}
            text = yaml.safe_dump(values)
        else:
            (tmp_path / "os-image.yaml").write_text(manifest)
            more += ["--os-image", f"file://{tmp_path}/os-image.yaml"]
        (tmp_path / "machine.yaml").write_text(text)
        installation = Installation(document=tmp_path / "machine.yaml", target=tmp_path / "target")
        result = installation.run(*more)
        assert result.status == 0, result.output
        assert [request.path for request in server.requests] == ["/SHA256SUMS", PATH, PATH]
    digest = hashlib.sha256(content).hexdigest()
    said = [event["text"] for event in result.events if event["event"] == "say"]
    assert f"OSImage noble is {server.url(PATH)}" in said
    assert f"received was sha256 {digest}, as {server.url('/SHA256SUMS')} says" in said


def judge_documents(root: Path, disk: LoopDisk, result: Result) -> None:
    metal = root / "etc/metal"
    modes = {path.name: path.stat().st_mode & 0o777 for path in metal.iterdir()}
    assert modes == {
        "install.yaml": 0o600,
        "machine-details.yaml": 0o600,
        "machine-allocation.yaml": 0o600,
        "disk.json": 0o600,
        "userdata": 0o600,
        "hammer-provenance.json": 0o600,
        "boot-info.yaml": 0o644,
    }
    config = contract.load_file(contract.InstallConfig, metal / "install.yaml")
    assert config.hostname == "node1"
    assert config.root_uuid == blkid(f"{disk.device}p5", "UUID")
    assert config.vpn is not None
    assert config.vpn.auth_key.get_secret_value() == SECRET
    assert re.fullmatch(r"[A-Za-z0-9+/]{16}", config.password.get_secret_value())
    assert config.password.get_secret_value() not in result.output
    judge_version_2(metal, config)
    assert (root / "etc/lvm/lvmlocal.conf").read_text() == LVMLOCAL_CONF
    assert (metal / "userdata").read_text() == SECRET
    labels = [each["Label"] for each in json.loads((metal / "disk.json").read_text())["Partitions"]]
    assert labels == ["varlib"]
    judge_provenance(metal, disk, result)
    assert (root / "etc/fstab").read_text().splitlines() == [
        f'# created by metal-hammer: "{VERSION}"',
        f"UUID={config.root_uuid} / ext4 defaults,discard 0 1",
        "tmpfs /tmp tmpfs defaults,noexec 0 0",
        f"UUID={blkid(f'{disk.device}p3', 'UUID')} /var/lib ext3 noatime 0 2",
    ]


def judge_provenance(metal: Path, disk: LoopDisk, result: Result) -> None:
    text = (metal / "hammer-provenance.json").read_text()
    told = contract.load(contract.Provenance, text.encode(), name="provenance")
    assert told.agent == VERSION
    assert told.image.url.endswith(PATH)
    assert told.image.digest.algorithm == "md5"
    assert told.image.digest.source_ == f"{told.image.url}.md5"
    said = [event["text"] for event in result.events if event["event"] == "say"]
    assert f"received was md5 {told.image.digest.value}, as {told.image.url}.md5 says" in said
    assert told.image.unpacked_bytes > told.image.packed_bytes > 0
    (installed_on,) = told.layout.disks
    assert (installed_on.device, installed_on.size_bytes) == (disk.device, 192 << 20)
    sizes = [partition.size_bytes for partition in installed_on.partitions]
    assert sizes[:4] == [40 << 20, 16 << 20, 32 << 20, 8 << 20]
    assert sizes[4] is not None
    assert 94 << 20 <= sizes[4] < 96 << 20, "it took what was left"
    for filesystem in told.layout.filesystems:
        assert filesystem.uuid == blkid(filesystem.device, "UUID")
    assert list(told.seconds) == [step.value for step in Step if step is not Step.UNMOUNT]


def judge_version_2(metal: Path, config: contract.InstallConfig) -> None:
    details = contract.load_file(contract.MachineDetails, metal / "machine-details.yaml")
    assert (details.id, details.root_uuid) == (config.machineuuid, config.root_uuid)
    assert details.password == config.password
    allocation = contract.load_file(contract.MachineAllocation, metal / "machine-allocation.yaml")
    assert allocation.hostname == "node1"
    assert allocation.userdata.get_secret_value() == SECRET
    assert allocation.vpn is not None
    assert allocation.vpn.auth_key.get_secret_value() == SECRET
    assert allocation.filesystem_layout is not None
    formats = [filesystem.format for filesystem in allocation.filesystem_layout.filesystems]
    assert formats[:2] == ["FORMAT_EXT3", "FORMAT_EXT4"]


def judge_partitions(disk: LoopDisk) -> None:
    table = output("sgdisk", "--print", disk.device).splitlines()
    rows = [line.split() for line in table if re.match(r" +\d", line)]
    assert [(row[0], row[5], row[6]) for row in rows] == [
        ("1", "EF00", "efi"),
        ("2", "8300", "swap"),
        ("3", "8300", "var"),
        ("4", "8300", "raw"),
        ("5", "8300", "root"),
    ]
    assert "No problems found" in output("sgdisk", "--verify", disk.device)
    formats = [(blkid(f"{disk.device}p{n}", "TYPE"), blkid(f"{disk.device}p{n}", "LABEL"))
               for n in (1, 2, 3, 5)]  # fmt: skip
    assert formats == [("vfat", "EFI"), ("swap", "swap"), ("ext3", "varlib"), ("ext4", "system")]


def test_events_tell_the_whole_story(tmp_path: Path) -> None:
    with installed(tmp_path, {}) as (result, _):
        begun = [event["step"] for event in result.events if event.get("state") == "begin"]
        assert begun == list(Step)
        memory = next(event for event in result.events if event["event"] == "memory")
        assert isinstance(memory["agent_mib"], int)
        assert memory["agent_mib"] > 10
        assert result.events[-1]["event"] == "installed"


def test_no_other_disk_is_touched(tmp_path: Path) -> None:
    with loop_disk(tmp_path / "other", size_mib=64) as other:
        before = other.sha256()
        with installed(tmp_path, {}) as (result, _):
            assert result.status == 0, result.output
        assert other.sha256() == before


def test_what_the_installer_prints_is_told(tmp_path: Path) -> None:
    script = INSTALLER + "echo one; printf 'two\\033[31m'; echo err >&2; printf 'no line end'\n"
    with installed(tmp_path, {"install.sh": installer(script)}) as (result, _):
        said = [event["text"] for event in result.events if event["event"] == "say"]
        assert "one" in said
        assert "two\x1b[31merr" in said
        assert "no line end" in said


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("true", None),  # there was none, so there is none
        ("echo 'nameserver 192.0.2.1' > /etc/resolv.conf", "nameserver 192.0.2.1\n"),
        ("busybox rm /etc/resolv.conf", None),
    ],
)
def test_resolv_conf_is_the_images_own(line: str, found: str | None, tmp_path: Path) -> None:
    with installed(tmp_path, {"install.sh": installer(f"{INSTALLER}{line}\n")}) as (result, disk):
        assert result.status == 0, result.output
        with looked_into(disk, tmp_path) as root:
            assert [path.name for path in (root / "etc").glob(".resolv.conf*")] == []
            place = root / "etc/resolv.conf"
            assert (place.read_text() if place.exists() else None) == found


READS_VERSION_2 = """
host=$(busybox sed -n 's/^hostname: //p' /etc/metal/machine-allocation.yaml)
root=$(busybox sed -n 's/^root_uuid: //p' /etc/metal/machine-details.yaml)
echo "$host $root" > /etc/told
echo "I am $0"
"""


def test_an_image_without_an_installer(tmp_path: Path) -> None:
    program = tmp_path / "my installer"
    program.write_text(INSTALLER + READS_VERSION_2)
    words = ("--installer", str(program))
    with installed(tmp_path, {}, *words, without=("install.sh",)) as (result, disk):
        assert result.status == 0, result.output
        said = [event["text"] for event in result.events if event["event"] == "say"]
        assert f"the image has no installer, taking {program}" in said
        assert "I am /.hammer-installer" in said
        with looked_into(disk, tmp_path) as root:
            uuid = blkid(f"{disk.device}p5", "UUID")
            assert (root / "etc/told").read_text() == f"node1 {uuid}\n"
            assert not [path for path in root.iterdir() if path.is_file()]
    assert program.exists()


def test_what_the_installer_sees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD_OF_THE_CALLER", SECRET)
    looks = """
cd /
test -d /proc/1 && test -d /sys/class && test -c /dev/null && test -z "$(busybox ls /tmp)"
echo "pid 1 is $(busybox cat /proc/1/comm)"
echo "processes: $(busybox ls /proc | busybox grep -c '^[0-9]')"
echo "stdin: $(busybox wc -c)"
echo "secret in environment: $(busybox env | busybox grep -c PASSWORD_OF_THE_CALLER)"
busybox mount -t tmpfs mine /root && busybox touch /root/hidden
"""
    script = INSTALLER.replace("#!/bin/sh\n", "#!/bin/sh\nset -e\n") + looks
    with installed(tmp_path, {"install.sh": installer(script)}) as (result, disk):
        assert result.status == 0, result.output
        said = [str(event["text"]) for event in result.events if event["event"] == "say"]
        assert any(text.startswith("pid 1 is python") for text in said)
        assert "stdin: 0" in said
        assert "secret in environment: 0" in said
        count = next(text for text in said if text.startswith("processes: "))
        assert int(count.split()[1]) < 10
        with looked_into(disk, tmp_path) as root:
            assert list((root / "root").iterdir()) == []


def test_a_second_installation_is_refused(tmp_path: Path) -> None:
    packed = image(base_image())
    slow: dict[str, Answer | Then] = {**published(packed)}
    slow[PATH] = Drip(packed, piece=len(packed) // 20, pause_s=0.1)
    with ExitStack() as held:
        disk = held.enter_context(loop_disk(tmp_path / "disk", size_mib=64))
        server = held.enter_context(serve(slow))
        path = tmp_path / "machine.yaml"
        path.write_text(document(disk.device, server.url(PATH)))
        first = Installation(document=path, target=tmp_path / "target")
        with first.started() as child:
            wait_until(tmp_path / "target/lost+found")
            second = Installation(document=path, target=tmp_path / "other").run()
            assert second.failure is not None
            assert second.failure["code"] == AgentRunning.code
            assert str(child.pid) in str(second.failure["message"])
            assert first.finish(child).status == 0


TWO_DISKS = """  filesystemlayout:
    disks:
      - {{device: {one}, partitions: [{{number: 2, size: 20}}, {{number: 1, size: 0}}]}}
      - {{device: {two}, partitions: [{{number: 1, label: "{label}", size: 0}}]}}
    filesystems:
      - {{path: /srv/data, device: {two}p1, format: ext4}}
      - {{path: /, device: {one}p1, format: ext4}}
      - {{path: /srv, device: {one}p2, format: ext4}}
"""


def test_two_disks_and_mounts_below_mounts(tmp_path: Path) -> None:
    label = "\u00fc" * 35 + "x"  # 36 UTF-16 units, the longest there is
    members: dict[str, Entry] = {"srv/data/file": b"deep", "srv/file": b"less deep"}
    with ExitStack() as held:
        one = held.enter_context(loop_disk(tmp_path / "one", size_mib=64))
        two = held.enter_context(loop_disk(tmp_path / "two", size_mib=64))
        server = held.enter_context(serve(published(image({**base_image(), **members}))))
        text = document(one.device, server.url(PATH))
        layout = TWO_DISKS.format(one=one.device, two=two.device, label=label)
        path = tmp_path / "machine.yaml"
        path.write_text(text[: text.index("  filesystemlayout:")] + layout)
        result = Installation(document=path, target=tmp_path / "target").run()
        assert result.status == 0, result.output
        assert label in output("sgdisk", "--info=1", two.device)
        look = tmp_path / "look"
        look.mkdir()
        for disk, partition, found in (
            (two, 1, {"file"}),
            (one, 2, {"data", "file"}),
            (one, 1, {"srv", "etc", "boot"}),
        ):
            subprocess.run(["partx", "--update", disk.device], check=True)
            output("mount", "-o", "ro", f"{disk.device}p{partition}", look)
            names = {entry.name for entry in look.iterdir()}
            output("umount", look)
            assert found <= names
