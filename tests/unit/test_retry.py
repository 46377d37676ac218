"""Going on with an installation: where it is safe to begin, and what is made ready for it."""

import os
import shutil
import signal
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import pytest

from hammer.abandon import abandon
from hammer.errors import (
    HammerError,
    ImageUnreachable,
    InstallerFailed,
    Interrupted,
    JournalMissing,
    NothingToRetry,
    ProgramFailed,
    RetryUnsafe,
    UnmountBusy,
)
from hammer.host.chroot import Ended
from hammer.host.programs import Program
from hammer.journal import Journal
from hammer.report import failure_of, raise_on_signals
from hammer.retry import beginning, re_establish
from hammer.sequence import provision
from hammer.step import Break, Step
from hammer.steps.wipe import forsake
from hammer.stream.image import Offer
from hammer.stream.published import Wanted
from tests.unit.documents import spec_of
from tests.unit.fakes import Bench

STEPS = list(Step)


def journal_before(step: Step) -> Journal:
    """Of an installation that was stopped before `step`."""
    return Journal(done={each: 1.0 for each in STEPS[: step.number - 1]})


COMPLETE = Journal(done=dict.fromkeys(STEPS, 1.0))


@pytest.mark.parametrize(
    ("step", "begin"),
    [
        (Step.CHECK, Step.CHECK),
        (Step.WIPE, Step.WIPE),
        (Step.PARTITION, Step.WIPE),
        (Step.FORMAT, Step.FORMAT),
        (Step.MOUNT, Step.FORMAT),
        (Step.IMAGE, Step.FORMAT),
        (Step.CONTRACT, Step.CONTRACT),
        (Step.INSTALL, Step.INSTALL),
        (Step.KERNEL, Step.KERNEL),
        (Step.UNMOUNT, Step.KERNEL),
    ],
)
def test_where_a_try_begins(step: Step, begin: Step) -> None:
    assert beginning(journal_before(step), None) is begin
    assert beginning(journal_before(step), step) is begin


@pytest.mark.parametrize("step", STEPS)
def test_no_step_is_left_out(step: Step) -> None:
    for later in STEPS[step.number :]:
        with pytest.raises(RetryUnsafe, match=f"step {later} cannot .* step {step} has not come"):
            beginning(journal_before(step), later)


def test_an_earlier_step_may_be_done_again() -> None:
    assert beginning(journal_before(Step.KERNEL), Step.IMAGE) is Step.FORMAT
    assert beginning(COMPLETE, Step.CHECK) is Step.CHECK
    assert beginning(COMPLETE, Step.KERNEL) is Step.KERNEL


@pytest.mark.parametrize("status", [0, 7])
def test_a_boot_loader_does_not_outlive_its_system(bench: Bench, status: int) -> None:
    """Else a power cut in step image leaves one that starts half of a system."""
    bench.chroot.ended = Ended(status=status, left_behind=())
    with suppress(InstallerFailed):
        provision(bench.machine, spec_of(), bench.journal)
    bench.chroot.ended = Ended(status=0, left_behind=())
    assert "clear /dev/vda" in go_on(bench, Step.IMAGE)
    assert bench.journal.complete


def test_filesystems_without_a_boot_loader_are_made_again_and_no_more(bench: Bench) -> None:
    stopped(bench, Break(Step.INSTALL))
    assert beginning(bench.journal, Step.IMAGE) is Step.FORMAT


@pytest.mark.parametrize("step", [Step.CONTRACT, Step.INSTALL])
def test_an_installer_that_is_gone_does_not_run_again(step: Step) -> None:
    with pytest.raises(RetryUnsafe, match="begin with step image"):
        beginning(COMPLETE, step)


def test_nothing_is_left_to_do() -> None:
    with pytest.raises(NothingToRetry):
        beginning(COMPLETE, None)


def stopped(bench: Bench, place: Break) -> None:
    with pytest.raises(Interrupted) as caught:
        provision(bench.machine, spec_of(), bench.journal, breaks=[place])
    assert str(caught.value) == f"stopped by hammer.break={place}"
    assert caught.value.by_person


def ready(bench: Bench, begin: Step) -> None:
    re_establish(bench.machine, spec_of(), bench.journal, begin)
    if begin.number <= Step.FORMAT.number and bench.target.exists():
        # What is on a filesystem goes out of sight with its mount.
        shutil.rmtree(bench.target)


def go_on(bench: Bench, wanted: Step | None = None, *, breaks: Collection[Break] = ()) -> list[str]:
    """What it does from here to the end."""
    before = len(bench.log)
    begin = beginning(bench.journal, wanted)
    ready(bench, begin)
    provision(bench.machine, spec_of(), bench.journal, begin=begin, breaks=breaks)
    return bench.log[before:]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("after", [False, True])
def test_stopped_anywhere_and_completed(
    bench: Bench, tmp_path: Path, step: Step, after: bool
) -> None:
    uninterrupted = Bench(target=tmp_path / "other/rootfs")
    uninterrupted.provision(spec_of())
    stopped(bench, Break(step, after))
    held = sum("mount /dev/" in each for each in bench.log)
    assert len(bench.mounts.there) == (held if step is not Step.UNMOUNT or not after else 0)
    if bench.journal.complete:
        return
    go_on(bench)
    assert bench.mounts.there == []
    assert bench.journal.where() == "installed"
    # The end is that of an installation that nobody stopped.
    assert bench.log[-6:] == uninterrupted.log[-6:]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("after", [False, True])
def test_going_on_gets_beyond_a_breakpoint(bench: Bench, step: Step, after: bool) -> None:
    """Also where it begins some steps before it."""
    place = Break(step, after)
    stopped(bench, place)
    if not bench.journal.complete:
        go_on(bench, breaks=[place])
    assert bench.journal.complete


def test_a_breakpoint_behind_a_step_that_is_chosen_comes_again(bench: Bench) -> None:
    place = Break(Step.IMAGE, after=True)
    stopped(bench, place)
    bench.journal.chooses(Step.IMAGE)
    with pytest.raises(Interrupted, match="image:after"):
        go_on(bench, Step.IMAGE, breaks=[place])


def test_a_breakpoint_before_the_step_that_is_chosen_stays_passed(bench: Bench) -> None:
    place = Break(Step.IMAGE)
    stopped(bench, place)
    bench.journal.chooses(Step.IMAGE)
    go_on(bench, Step.IMAGE, breaks=[place])
    assert bench.journal.complete


def test_a_breakpoint_is_passed_once(bench: Bench) -> None:
    place = Break(Step.INSTALL)
    stopped(bench, place)
    breaks = [place, Break(Step.INSTALL, after=True)]
    with pytest.raises(Interrupted, match="install:after"):
        provision(bench.machine, spec_of(), bench.journal, begin=Step.INSTALL, breaks=breaks)
    # Another try comes along there again.
    bench.journal.chooses(Step.CHECK)
    ready(bench, Step.CHECK)
    with pytest.raises(Interrupted, match=r"hammer\.break=install$"):
        provision(bench.machine, spec_of(), bench.journal, breaks=breaks)


def test_a_breakpoint_that_was_passed_does_not_come_again_after_a_failure(bench: Bench) -> None:
    place = Break(Step.INSTALL)
    stopped(bench, place)
    bench.chroot.ended = Ended(status=7, left_behind=())
    for _ in range(2):
        with pytest.raises(InstallerFailed):
            provision(bench.machine, spec_of(), bench.journal, begin=Step.INSTALL, breaks=[place])


def test_the_image_is_asked_for_again(bench: Bench) -> None:
    stopped(bench, Break(Step.IMAGE))
    done = go_on(bench)
    assert done[:3] == ["umount efi", "umount rootfs", "ask http://images.test/img.tar.lz4"]
    assert done[3].startswith("wipefs")


def test_a_mended_installer_goes_on_with_the_tree_as_it_is(bench: Bench) -> None:
    bench.chroot.ended = Ended(status=7, left_behind=())
    with pytest.raises(InstallerFailed) as caught:
        provision(bench.machine, spec_of(), bench.journal)
    bench.journal.failed(failure_of(caught.value))
    assert bench.journal.where() == "failed in 8/10 install"
    assert len(bench.mounts.there) == 2
    bench.chroot.ended = Ended(status=0, left_behind=())
    assert go_on(bench)[0] == "chroot /install.sh"
    assert bench.journal.where() == "installed"
    assert bench.journal.failure is None


def test_everything_again_from_the_check(bench: Bench) -> None:
    bench.provision(spec_of())
    done = go_on(bench, Step.CHECK)
    assert done[0] == "unload"
    assert done[1].startswith("ask ")
    assert bench.journal.complete


TWO_DISKS = (
    "      - device: /dev/vda\n",
    "      - {device: /dev/vdb, partitions: [{number: 1, size: 0}]}\n      - device: /dev/vda\n",
)


def with_second_disk(bench: Bench) -> None:
    bench.disks.there["/dev/vdb"] = bench.disks.there["/dev/vda"]


def test_nothing_is_done_of_another_document(bench: Bench) -> None:
    """Or its filesystems would be made on disks that nobody has looked at."""
    stopped(bench, Break(Step.INSTALL))
    bench.journal.keep_document(spec_of(("/dev/vda", "/dev/vdb")))
    bench.mounts.busy = {bench.target / "boot/efi"}
    with pytest.raises(UnmountBusy):
        re_establish(bench.machine, spec_of(), bench.journal, Step.CHECK)
    assert beginning(bench.journal, None) is Step.CHECK
    with pytest.raises(RetryUnsafe):
        beginning(bench.journal, Step.IMAGE)


def test_a_system_whose_kernel_was_taken_away_is_not_one_to_start(bench: Bench) -> None:
    bench.provision(spec_of())

    def ask(
        url: str,
        *,
        image_id: str = "",
        wanted: Wanted | None = None,
        mirrors: Sequence[str] = (),
    ) -> Offer:
        raise ImageUnreachable(url=url, reason="gone")

    bench.images.ask = ask  # type: ignore[method-assign]
    with pytest.raises(ImageUnreachable):
        re_establish(bench.machine, spec_of(), bench.journal, Step.FORMAT)
    assert not bench.power.loaded()
    assert not bench.journal.complete


def test_a_disk_that_was_not_written_to_yet_is_not_cleared(bench: Bench) -> None:
    with_second_disk(bench)
    bench.programs.failing = {Program.WIPEFS}
    with pytest.raises(ProgramFailed):
        provision(bench.machine, spec_of(TWO_DISKS), bench.journal)
    assert bench.journal.disks == ("/dev/vdb",)
    abandon(bench.machine, bench.journal)
    assert "clear /dev/vda" not in bench.log


def test_half_a_system_on_a_disk_of_an_earlier_document_goes(bench: Bench) -> None:
    with_second_disk(bench)
    stopped(bench, Break(Step.CONTRACT))
    other = spec_of(("/dev/vda", "/dev/vdb"))
    bench.journal.keep_document(other)
    ready(bench, Step.CHECK)
    before = len(bench.log)
    provision(bench.machine, other, bench.journal)
    assert [each for each in bench.log[before:] if "clear" in each] == [
        "clear /dev/vda",
        "clear /dev/vdb",
    ]


def test_a_disk_of_an_earlier_document_that_somebody_uses_stays(bench: Bench) -> None:
    bench.disks.in_use = [("/dev/vdz1", "mounted on /mnt")]
    forsake(bench.machine, "/dev/vdz")
    assert bench.log == []
    assert "stays: in use, mounted on /mnt" in " ".join(bench.lines())


def test_a_whole_system_stays_until_the_next_one_writes(bench: Bench) -> None:
    bench.provision(spec_of())
    ready(bench, Step.CHECK)
    with pytest.raises(Interrupted):
        provision(bench.machine, spec_of(), bench.journal, breaks=[Break(Step.WIPE)])
    before = len(bench.log)
    abandon(bench.machine, bench.journal)
    assert bench.log[before:] == []
    assert bench.journal.where() == "given up"


def test_giving_up_a_complete_installation_keeps_it(bench: Bench) -> None:
    bench.provision(spec_of())
    before = list(bench.log)
    assert abandon(bench.machine, bench.journal) == ()
    assert bench.log == before
    assert bench.journal.complete


def test_giving_up_clears_the_disks_of_every_try(bench: Bench) -> None:
    bench.journal.disks = ("/dev/vdz",)
    stopped(bench, Break(Step.IMAGE))
    abandon(bench.machine, bench.journal)
    assert bench.log[-2:] == ["clear /dev/vdz", "clear /dev/vda"]
    assert bench.journal.where() == "given up"
    assert beginning(bench.journal, None) is Step.CHECK


def test_an_installation_whose_disks_are_being_cleared_is_not_gone_on_with(
    bench: Bench, tmp_path: Path
) -> None:
    """Its partitions are still known to the kernel, and in no table of the disk."""
    bench.journal = Journal.new(tmp_path)
    stopped(bench, Break(Step.CONTRACT))

    class Killed(BaseException):
        pass

    def clear(_: str) -> NoReturn:
        raise Killed

    bench.disks.clear = clear  # type: ignore[method-assign,assignment]
    with pytest.raises(Killed):
        abandon(bench.machine, bench.journal)
    left = Journal.read(tmp_path)
    assert beginning(left, None) is Step.CHECK
    assert not left.abandoned  # who cleans up after us has still to do so
    assert left.disks == ("/dev/vda",)


def test_what_could_not_be_unmounted_is_unmounted_by_the_next_try(bench: Bench) -> None:
    stopped(bench, Break(Step.CONTRACT))
    bench.mounts.busy = {bench.target / "boot/efi"}
    assert abandon(bench.machine, bench.journal)
    bench.mounts.busy = set()
    ready(bench, beginning(bench.journal, None))
    assert bench.mounts.there == []


def test_nothing_disturbs_a_clean_up(bench: Bench) -> None:
    raise_on_signals()
    bench.chroot.ended = Ended(status=7, left_behind=())

    def unmount(where: Path) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        bench.mounts.there.remove(where)

    bench.mounts.unmount = unmount  # type: ignore[method-assign]
    with pytest.raises(InstallerFailed):
        bench.provision(spec_of())
    assert bench.mounts.there == []
    assert bench.journal.abandoned


def test_giving_up_before_the_first_write_touches_no_disk(bench: Bench) -> None:
    stopped(bench, Break(Step.CHECK, after=True))
    before = list(bench.log)
    abandon(bench.machine, bench.journal)
    assert bench.log == before


# --- on file --------------------------------------------------------------------------------


def test_what_a_step_leaves_is_read_back(bench: Bench, tmp_path: Path) -> None:
    bench.journal = Journal.new(tmp_path)
    bench.journal.keep_document(spec_of())
    bench.chroot.ended = Ended(status=7, left_behind=())
    with pytest.raises(InstallerFailed) as caught:
        provision(bench.machine, spec_of(), bench.journal)
    bench.journal.failed(failure_of(caught.value))
    again = Journal.read(tmp_path)
    assert again == bench.journal
    assert again.spec() == spec_of()
    assert (again.begun, again.next_step) == (Step.INSTALL, Step.INSTALL)
    assert again.disks == ("/dev/vda",)
    assert (tmp_path / "where").read_text() == "failed in 8/10 install"
    bench.journal = again
    bench.chroot.ended = Ended(status=0, left_behind=())
    go_on(bench)
    assert Journal.read(tmp_path).the_kernel.cmdline == "root=UUID=x"


def test_only_root_reads_it(tmp_path: Path) -> None:
    """The address of an image may be signed, and the document holds passwords."""
    journal = Journal.new(tmp_path)
    journal.keep_document(spec_of())
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"journal.json": 0o600, "machine.yaml": 0o600, "where": 0o600}


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"begun": "unpack"}', b"\xff"])
def test_a_damaged_journal_is_none(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "journal.json").write_bytes(text)
    with pytest.raises(JournalMissing, match="damaged"):
        Journal.read(tmp_path)


def test_no_journal(tmp_path: Path) -> None:
    with pytest.raises(JournalMissing, match="No such file"):
        Journal.read(tmp_path)


def test_a_journal_without_its_document(tmp_path: Path) -> None:
    with pytest.raises(HammerError, match="machine document: No such file"):
        Journal.new(tmp_path).spec()


def test_a_journal_that_cannot_be_written_stops_nothing(bench: Bench, tmp_path: Path) -> None:
    bench.journal = Journal.new(tmp_path / "not/there")
    bench.provision(spec_of())
    assert bench.journal.complete
