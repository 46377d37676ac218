"""A whole trial around a guest that only pretends: what it is given, and what is left of it."""

import contextlib
import json
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hammer import spec
from hammer.cmdline import parse
from hammer.errors import Interrupted
from hammer.host.qemu import CMDLINE, Guest
from hammer.image.trial.machine import Wanted
from hammer.image.trial.ramdisk import ramdisk_in
from hammer.image.trial.run import Trial, Tried, run
from hammer.image.trial.watch import Limits
from initramfs import cpio
from tests.unit.documents import DOCUMENT

SECRET = "hunter2-is-the-secret"


@dataclass
class Pretended:
    """Says one failure of the agent, in one piece."""

    guest: Guest
    code: str = "target-full"
    dies: bool = False

    def console(self) -> str:
        if self.dies:
            raise Interrupted()
        return f"user data: {SECRET}\r\n"

    def second_port(self) -> str:
        url = self.document().allocation.image.url
        failed = {
            **{"event": "failed", "code": self.code, "exit_status": 10, "hint": "look"},
            **{"message": f"{url}: {SECRET}", "notes": [SECRET]},
        }
        said = {"event": "say", "text": f"it says {SECRET}"}
        return "".join(json.dumps(event) + "\r\n" for event in (said, failed))

    def status(self) -> int | None:
        return 0

    def complaint(self) -> str:
        return ""

    def document(self) -> spec.InstallSpec:
        """The machine document, which is what the overlay adds before the base."""
        assert self.guest.initrd is not None
        text = self.guest.initrd.read_bytes()
        begin = text.index(b"id: ")
        content = text[begin : text.index(cpio.MAGIC, begin)].rstrip(b"\0")
        return spec.read(content, where="machine.yaml")


@dataclass
class Bench:
    """A trial whose guest is pretended."""

    folder: Path
    guest: Guest | None = None
    document: spec.InstallSpec | None = None
    cmdline: str = ""
    code: str = "target-full"
    dies: bool = False

    @property
    def image(self) -> Path:
        return self.folder / "img.tar.lz4"

    def try_it(self, *, document: Path | None = None, keep: Path | None = None) -> Tried:
        user_data = self.folder / "user-data"
        user_data.write_text(SECRET)
        trial = Trial(
            image=str(self.image),
            ramdisk=ramdisk_in(self.folder),
            document=document,
            wanted=Wanted(user_data=user_data),
            accel="tcg",
            limits=Limits(install_s=100, boot_s=10),
            keep=keep,
        )
        self.shown: list[str] = []
        return run(trial, say=self.shown.append, show=self.shown.append)

    def left(self) -> list[str]:
        return [path.name for path in self.folder.glob("hammer-try-*")]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    bench = Bench(tmp_path)
    for name in ("vmlinuz", "initrd.cpio.lz4", "img.tar.lz4"):
        (tmp_path / name).write_bytes(b"base")

    @contextlib.contextmanager
    def started(self: Guest, cmdline: str = "") -> Iterator[Pretended]:
        pretended = Pretended(self, code=bench.code, dies=bench.dies)
        bench.guest, bench.cmdline, bench.document = self, cmdline, pretended.document()
        for log in self.logs:
            log.write_text(f"{SECRET}\r\n")
        yield pretended

    monkeypatch.setattr(Guest, "started", started)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return bench


def test_the_guest_is_the_machine_of_the_document(bench: Bench) -> None:
    bench.try_it()
    assert bench.guest is not None
    assert bench.document is not None
    assert bench.guest.uuid == bench.document.machine_uuid
    assert bench.guest.macs == tuple(nic.mac for nic in bench.document.nics)
    assert [disk.serial for disk in bench.guest.disks] == ["vda"]
    settings = parse(f"{CMDLINE} {bench.cmdline}")
    assert settings.install_limit_s == 50, "the installer's own limit comes first"
    assert settings.pause_s == 0


def test_a_failure_is_told_with_the_authors_name_of_the_image(bench: Bench) -> None:
    tried = bench.try_it()
    assert tried.outcome.failure is not None
    assert tried.outcome.failure.message == f"{bench.image}: ***"


def test_a_full_disk_comes_with_advice_if_it_was_our_choice(bench: Bench) -> None:
    failure = bench.try_it().outcome.failure
    assert failure is not None
    assert failure.notes[-1] == "the guest has bios, tcg, vda of 4 GiB; --disk-gib makes it larger"
    document = bench.folder / "machine.yaml"
    document.write_text(DOCUMENT.replace("#cloud-config", SECRET))
    failure = bench.try_it(document=document).outcome.failure
    assert failure is not None
    assert failure.notes == ("***",)


def test_no_secret_is_shown_or_kept(bench: Bench) -> None:
    tried = bench.try_it()
    assert tried.console is not None
    assert "      it says ***" in bench.shown
    assert SECRET not in str(tried) + str(bench.shown)
    logs = list(tried.console.parent.iterdir())
    assert len(logs) == 3
    assert all(log.read_text() == "***\n" for log in logs)
    assert stat.S_IMODE(tried.console.parent.stat().st_mode) == 0o700


def test_logs_go_where_they_are_wanted_and_nothing_else_stays(bench: Bench) -> None:
    keep = bench.folder / "kept"
    keep.mkdir()
    assert bench.try_it(keep=keep).console == keep / "console.log"
    assert bench.left() == []


def test_nothing_stays_of_a_trial_that_is_stopped(bench: Bench) -> None:
    bench.dies = True
    with pytest.raises(Interrupted):
        bench.try_it()
    assert bench.left() == []
