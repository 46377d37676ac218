"""What is refused before anything is written."""

from dataclasses import replace

import pytest

from hammer.errors import (
    DiskInUse,
    DiskMissing,
    DiskTooSmall,
    HammerError,
    MachineUnknown,
    NotRoot,
    ProgramMissing,
    TargetInUse,
    Unsupported,
    WrongMachine,
)
from hammer.host.disks import MIB, Disk
from hammer.host.identity import Identity
from hammer.step import Step
from tests.unit.documents import DOCUMENT, spec_of
from tests.unit.fakes import Bench

OTHER_MACHINE = "11111111-2222-3333-4444-555555555555"


def refused_by_check(bench: Bench, kind: type[HammerError], *changes: tuple[str, str]) -> str:
    with pytest.raises(kind) as caught:
        bench.provision(spec_of(*changes))
    assert [entry for entry in bench.log if not entry.startswith("ask")] == []
    assert bench.steps("begin") == [Step.CHECK]
    return str(caught.value)


def test_a_disk_that_is_not_there(bench: Bench) -> None:
    bench.disks.there = {"/dev/sda": Disk(path="/dev/sda", size_bytes=MIB, read_only=False)}
    said = refused_by_check(bench, DiskMissing)
    assert said == "/dev/vda of the layout: there is no such block device\n" + (
        "disks of this machine: /dev/sda"
    )


def test_a_disk_that_is_read_only(bench: Bench) -> None:
    bench.disks.there = {"/dev/vda": Disk(path="/dev/vda", size_bytes=MIB, read_only=True)}
    assert "/dev/vda of the layout: is read-only" in refused_by_check(bench, DiskMissing)


def test_a_disk_that_is_too_small(bench: Bench) -> None:
    bench.disks.there = {"/dev/vda": Disk(path="/dev/vda", size_bytes=502 * MIB, read_only=False)}
    said = refused_by_check(bench, DiskTooSmall)
    assert said == "/dev/vda holds 502 MiB, the layout needs 503 MiB"


def test_a_disk_that_just_fits(bench: Bench) -> None:
    bench.disks.there = {"/dev/vda": Disk(path="/dev/vda", size_bytes=503 * MIB, read_only=False)}
    bench.provision(spec_of())


def test_a_disk_in_use_names_every_use(bench: Bench) -> None:
    bench.disks.in_use = [("/dev/vda1", "mounted on /data"), ("/dev/vda2", "swap space")]
    said = refused_by_check(bench, DiskInUse)
    assert said == "/dev/vda1 is in use: mounted on /data\n/dev/vda2 is in use: swap space"


def test_a_missing_program(bench: Bench) -> None:
    bench.programs.absent = ["mkfs.vfat", "sgdisk"]
    assert refused_by_check(bench, ProgramMissing) == "not on PATH: mkfs.vfat, sgdisk"


def test_only_root_installs(bench: Bench) -> None:
    identity = Identity(uid=1000, machine_uuid=None, efi=False)
    bench.machine = replace(bench.machine, identity=identity)
    refused_by_check(bench, NotRoot)


def test_the_document_of_another_machine(bench: Bench) -> None:
    identity = Identity(uid=0, machine_uuid=OTHER_MACHINE, efi=False)
    bench.machine = replace(bench.machine, identity=identity)
    assert OTHER_MACHINE in refused_by_check(bench, WrongMachine)


def test_a_machine_that_nobody_names(bench: Bench) -> None:
    first_line = DOCUMENT.strip().splitlines()[0]
    refused_by_check(bench, MachineUnknown, (first_line + "\n", ""))


def test_a_target_that_is_not_empty(bench: Bench) -> None:
    bench.target.mkdir()
    (bench.target / "something").touch()
    assert "not an empty directory" in refused_by_check(bench, TargetInUse)


SPARE_PARTITION = (
    "          - {number: 2,",
    '          - {number: 3, size: 1, gpttype: "fd00"}\n          - {number: 2,',
)


@pytest.mark.parametrize(
    ("extra", "feature"),
    [
        ('    raid: [{arrayname: /dev/md0, devices: [/dev/vda3], level: "1"}]', "software RAID"),
        ("    volumegroups: [{name: vg, devices: [/dev/vda3]}]", "LVM"),
        ("  reinstall: true", "reinstall"),
    ],
)
def test_what_this_version_cannot_do(bench: Bench, extra: str, feature: str) -> None:
    # The layout is the last key of the allocation, so that both kinds fit behind it.
    change = ("hardware:", f"{extra}\nhardware:")
    assert feature in refused_by_check(bench, Unsupported, SPARE_PARTITION, change)
