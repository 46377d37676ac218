"""The agent's life in the ramdisk, with a machine that is fake: what is told, kept and left."""

import io
import json
import os
import signal
import tarfile
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from ipaddress import IPv4Interface
from pathlib import Path
from typing import NoReturn

import pytest

from hammer import cmdline, life, run_command, this_machine
from hammer.bundle import Sources
from hammer.cmdline import Settings
from hammer.commands import main
from hammer.console import Console, Event, Failure
from hammer.control.protocol import Attachment, ControlPlane, How
from hammer.control.spec_file import SpecFile
from hammer.errors import SystemNeverUp
from hammer.hand_over import hand_over
from hammer.host import pstore
from hammer.host.chroot import Ended
from hammer.host.clock import Clock, Told
from hammer.host.memory import EfiMemory, Remembered, Started
from hammer.host.network import Address
from hammer.host.pulse import Pulse
from hammer.journal import Journal
from hammer.report import raise_on_signals
from hammer.shell import abandon_command, boot_command, retry_command
from hammer.step import Step
from hammer.steps.kernel import Kernel
from hammer.stream.failures import FetchFailed
from hammer.stream.http import Patience
from tests.servers import Server, Status, serve
from tests.unit.documents import DOCUMENT, spec_of
from tests.unit.fakes import Bench, RecordedPower, RecordedPrograms

STEPS = list(Step)
KERNEL = Kernel(kernel="/boot/vmlinuz", initrd=None, cmdline="quiet", loaded=True)


@pytest.fixture
def run(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of a run, on a machine that is `bench` and whose network is up."""
    run = tmp_path / "run"
    run.mkdir()
    monkeypatch.setattr(life, "in_ramdisk", lambda: True)
    monkeypatch.setattr(life, "log_to", lambda handler: handler.close())
    monkeypatch.setattr(life, "NEXT", run / "next")
    monkeypatch.setattr(
        life, "sources_here", lambda: Sources(run=run, programs=RecordedPrograms([]))
    )
    kept = tmp_path / "pstore"
    kept.mkdir()
    (kept / "pmsg-ramoops-0").touch()
    leave = partial(pstore.leave_words, pmsg=kept / "pmsg-ramoops-0")
    monkeypatch.setattr(pstore, "leave_words", leave)
    monkeypatch.setattr(pstore, "words_left", partial(pstore.words_left, pstore=kept))
    monkeypatch.setattr(life, "LOCK", tmp_path / "lock")
    for module in (life, abandon_command, boot_command, retry_command, run_command):
        monkeypatch.setattr(module, "RUN_DIRECTORY", run)
    for module in (life, abandon_command):
        monkeypatch.setattr(
            module, "this_machine", lambda console, _: replace(bench.machine, console=console)
        )
    monkeypatch.setattr(cmdline, "PROC_CMDLINE", tmp_path / "cmdline")
    (tmp_path / "cmdline").write_text("hammer.pause_s=0\n")
    return run


def journal_before(step: Step | None, run: Path) -> Journal:
    """Of an installation that was stopped before `step`; None: one that is complete."""
    journal = Journal.new(run)
    journal.network = "eth0 10.0.0.7/24"
    done = STEPS if step is None else STEPS[: step.number - 1]
    journal.keep_document(spec_of())
    journal.done = dict.fromkeys(done, 1.0)
    journal.save()
    return journal


def events(run: Path) -> list[Event]:
    return [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]


def test_a_system_that_is_not_complete_is_not_started(
    run: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    journal_before(Step.KERNEL, run)
    assert main(["boot"]) == 2
    assert "FAILED [not-installed]" in capfd.readouterr().out


def test_an_agent_that_was_killed_is_told_and_its_bundle_kept(
    run: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    journal_before(Step.IMAGE, run)
    assert main(["abandon", "--agent-left-with", "137"]) == 30
    said = " ".join(capfd.readouterr().out.split())
    assert "FAILED [agent-killed] the agent was killed by signal 9" in said
    with tarfile.open(run / "bundle.tar.gz") as tar:
        failure = tar.extractfile("failure.json")
        assert failure is not None
        assert json.loads(failure.read())["code"] == "agent-killed"
    assert Journal.read(run).abandoned


def test_giving_up_is_not_interrupted(
    run: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = journal_before(Step.IMAGE, run)
    journal.writes_to("/dev/vda")

    def bundle(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(abandon_command, "kept_bundle", bundle)
    assert main(["abandon", "--agent-left-with", "137"]) == 30
    assert Journal.read(run).abandoned
    assert bench.log == ["clear /dev/vda"]
    assert (run / "next").read_text() == "restart 60\n"


def test_typed_once_more_it_knows_what_there_is_of_the_first_time(
    run: Path, bench: Bench, tmp_path: Path
) -> None:
    bench.chroot.ended = Ended(status=7, left_behind=())
    (tmp_path / "m.yaml").write_text(DOCUMENT)
    (tmp_path / "cmdline").write_text(
        f"ip=off hammer.spec={tmp_path}/m.yaml hammer.on_failure=shell"
    )
    assert main(["run"]) == 20
    bench.mounts.busy = {bench.target / "boot/efi"}
    assert main(["run"]) == 30  # not at the mounts of a stranger, but at its own
    failure = Journal.read(run).failure
    assert failure is not None
    assert failure.code == "unmount-busy"
    assert Journal.read(run).disks == ("/dev/vda",)


def told(server: Server) -> list[str]:
    """The events that a server was told of, and bundles."""
    return [
        json.loads(request.body)["event"]
        if request.headers["content-type"] == "application/json"
        else "a bundle"
        for request in server.requests
    ]


@pytest.mark.parametrize("on_failure", ["reboot", "shell"])
def test_a_failure_is_told_with_a_bundle_of_the_machine_as_it_was(
    on_failure: str, run: Path, bench: Bench, tmp_path: Path
) -> None:
    bench.chroot.ended = Ended(status=7, left_behind=())
    with serve({"/r": Status(200)}) as server:
        (tmp_path / "m.yaml").write_text(DOCUMENT)
        words = f"ip=off hammer.spec={tmp_path}/m.yaml hammer.on_failure={on_failure}"
        (tmp_path / "cmdline").write_text(f"{words} hammer.report={server.url('/r')}")
        assert main(["run"]) == 20
    story = [event for event in told(server) if event != "step"]
    assert story == ["start", "failed", "a bundle"]
    with tarfile.open(fileobj=io.BytesIO(server.requests[-1].body)) as tar:
        failure = tar.extractfile("failure.json")
        assert failure is not None
        assert json.loads(failure.read())["step"] == "install"
    assert (run / "bundle.tar.gz").read_bytes() == server.requests[-1].body
    (failed,) = [event for event in events(run) if event["event"] == "failed"]
    assert isinstance(failed["notes"], list)
    assert "failure bundle: " in failed["notes"][0]
    assert Journal.read(run).abandoned == (on_failure == "reboot")


def test_what_a_person_went_on_with_and_left_is_given_up_when_it_fails(
    run: Path, bench: Bench, tmp_path: Path
) -> None:
    """Told once, and counted, as if nobody had stopped it."""
    memory = EfiMemory(tell=bench.log.append, folder=tmp_path)
    bench.machine = replace(bench.machine, memory=memory)
    bench.chroot.ended = Ended(status=7, left_behind=())
    journal_before(Step.CHECK, run)
    with serve({"/r": Status(200)}) as server:
        (tmp_path / "m.yaml").write_text(DOCUMENT)
        words = f"ip=off hammer.spec={tmp_path}/m.yaml hammer.report={server.url('/r')}"
        (tmp_path / "cmdline").write_text(words)
        assert main(["continue", "--wait"]) == 20
    story = [event for event in told(server) if event != "step"]
    assert story == ["start", "failed", "a bundle"]
    assert (run / "next").read_text() == "restart 60\n"
    assert memory.recall().failures == 1
    assert Journal.read(run).abandoned


@pytest.mark.parametrize("on_failure", ["reboot", "shell"])
def test_the_failure_is_told_behind_the_steps(
    on_failure: str, run: Path, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the same thread: of two of them one would overtake the other."""
    bench.chroot.ended = Ended(status=7, left_behind=())
    (tmp_path / "m.yaml").write_text(DOCUMENT)
    (tmp_path / "cmdline").write_text(
        f"ip=off hammer.spec={tmp_path}/m.yaml hammer.on_failure={on_failure}"
    )
    made: list[Settings] = []

    def control_plane(settings: Settings, console: Console, pulse: Pulse) -> ControlPlane:
        made.append(settings)
        return this_machine.control_plane(settings, console, pulse)

    monkeypatch.setattr(life, "control_plane", control_plane)
    assert main(["run"]) == 20
    assert len(made) == 1


def test_the_next_boot_shows_how_this_one_ended(
    run: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cmdline").write_text("ip=off hammer.spec=/no/m.yaml")
    assert main(["run"]) == 10
    assert "the boot before" not in capfd.readouterr().out
    assert main(["run"]) == 10
    told = capfd.readouterr().out.partition("the boot before ended with")[2]
    assert told.index("FAILED [document-missing]") < told.index("what to do: name it with")


class Control(SpecFile):
    """Writes into a log that it was asked."""

    def __init__(self, log: list[str]) -> None:
        super().__init__("/m.yaml", patience=Patience(), on_retry=log.append)
        self.log = log

    def about_to_start(self, kernel: str, *, how: How) -> None:
        self.log.append(f"about to start {kernel} by {how}")

    def failed(self, failure: Failure, *, bundle: Attachment | None) -> None:
        self.log.append("failed")


def test_the_last_word_comes_before_the_jump(bench: Bench) -> None:
    class Jump(BaseException):
        pass

    class Power(RecordedPower):
        def kexec(self) -> NoReturn:
            self.log.append("jump")
            raise Jump

    machine = replace(bench.machine, power=Power(bench.log))
    with pytest.raises(Jump):
        hand_over(machine, Control(bench.log), Journal(kernel=KERNEL), pause_s=0)
    assert bench.log == ["about to start /boot/vmlinuz by kexec", "jump"]


def test_a_stop_comes_before_the_last_word_or_not_at_all(bench: Bench) -> None:
    """A start that is on record and does not happen would count as a system that went down."""

    class Jump(BaseException):
        pass

    class Power(RecordedPower):
        def kexec(self) -> NoReturn:
            os.kill(os.getpid(), signal.SIGINT)
            raise Jump

    raise_on_signals()
    machine = replace(bench.machine, power=Power(bench.log))
    with pytest.raises(Jump):
        hand_over(machine, Control(bench.log), Journal(kernel=KERNEL), pause_s=0)


def test_systems_that_never_were_up_stop_a_machine_that_can_tell_of_it(
    run: Path, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = EfiMemory(tell=bench.log.append, folder=tmp_path)
    started = Started(
        how="kexec", image="tiny-1.0", kernel="/boot/vmlinuz", time_s=int(time.time())
    )
    memory.remember(Remembered(failures=2, unconfirmed=2, started=started))
    bench.machine = replace(bench.machine, memory=memory)

    def bring_up(*_: object, **__: object) -> None:
        bench.log.append("network")

    def tell(*_: object, **__: object) -> None:
        bench.log.append("told")

    monkeypatch.setattr("hammer.host.network.bring_up", bring_up)
    monkeypatch.setattr(life, "tell_failure", tell)
    assert main(["run"]) == SystemNeverUp.exit_status
    assert bench.log == ["network", "told"]
    assert (run / "next").read_text() == "stop\n"
    record = memory.recall()
    assert (record.failures, record.unconfirmed, record.started) == (3, 3, None)
    assert record.last is not None
    assert record.last.code == SystemNeverUp.code


def test_the_clock_is_looked_at_when_the_network_is_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[tuple[str, ...], list[Told]]] = []
    address = Address(
        interface="eth0",
        address=IPv4Interface("10.0.0.7/24"),
        gateway=None,
        dns=(),
        ntp=("10.0.0.1",),
    )

    def set_right(
        _clock: Clock,
        *,
        ntp: tuple[str, ...],
        dates: Callable[[], Iterable[Told]],
        say: Callable[[str], None],
    ) -> None:
        asked.append((ntp, list(dates())))
        say("looked at the clock")

    monkeypatch.setattr("hammer.host.network.bring_up", lambda *_, **__: address)
    monkeypatch.setattr("hammer.host.clock.set_right", set_right)
    with serve({}) as server:
        settings = cmdline.parse(f"hammer.spec={server.url('/m.yaml')}")
        life.network_up(bench.machine, settings, bench.journal)
        life.network_up(bench.machine, cmdline.parse("hammer.ntp=ntp.lab,b"), bench.journal)
    (first, dates), second = asked
    assert first == ("10.0.0.1",)
    ((who, time_s),) = dates
    assert who == server.address.partition("//")[2]
    assert abs(time_s - time.time()) < 120
    assert second == (("ntp.lab", "b"), [])


def test_the_way_to_servers_is_that_of_the_command_line(tmp_path: Path) -> None:
    words = "http_proxy=a:1 https_proxy=https://b:2 no_proxy=lab.test"
    way = this_machine.way_of(cmdline.parse(words))
    assert way.proxies.of("http://x/") == "http://a:1"
    assert way.proxies.of("https://x/") == "https://b:2"
    assert way.proxies.of("https://x.lab.test/") is None
    assert way.more_ca is None
    (tmp_path / "ca.pem").write_text("none")
    words = f"{words} hammer.proxy=http://c:3 hammer.ca={tmp_path}/ca.pem"
    way = this_machine.way_of(cmdline.parse(words))
    assert {way.proxies.of(f"{scheme}://x/") for scheme in ("http", "https")} == {"http://c:3"}
    assert way.more_ca is not None
    with pytest.raises(FetchFailed, match="holds no certificate"):
        way.more_ca()
