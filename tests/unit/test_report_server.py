"""A server that is told how it goes: what it gets, and that it never holds anything up."""

import json
import threading
import time
from collections.abc import Callable

import pytest

from hammer.bundle import Bundle
from hammer.console import Console, Failure
from hammer.control import report_server, spec_file
from hammer.control.protocol import step_sink
from hammer.control.report_server import ReportServer
from hammer.control.spec_file import SpecFile
from hammer.step import Step
from hammer.stream.http import Patience
from tests.servers import Server, Silent, Status, Then, nobody, serve

UUID = "4dca1f5a-41b6-4b6c-a2cd-7a1d15ae9c8c"
FAILURE = Failure(code="not-root", exit_status=30, message="no root", hint="be root", notes=("x",))
BUNDLE = Bundle(name="hammer-x.tar.gz", data=b"\x1f\x8b", left_out=())
LONG_S = 60.0


@pytest.fixture(autouse=True)
def _long_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host under load is no server that is away; tests of those set their own."""
    monkeypatch.setattr(report_server, "POST_LIMIT_S", LONG_S)
    monkeypatch.setattr(report_server, "CONNECT_LIMIT_S", LONG_S)
    monkeypatch.setattr(report_server, "PAUSE_S", 0.01)
    for limit in ("BEGUN", "INSTALLED", "START", "FAILED", "BUNDLE"):
        monkeypatch.setattr(spec_file, f"{limit}_LIMIT_S", LONG_S)


class Told:
    """A control plane with a server, and what people are told of their trouble."""

    def __init__(self, url: str) -> None:
        self.lines: list[str] = []
        self.server = ReportServer(url, machine=UUID, on_trouble=self.lines.append)
        self.control = SpecFile(
            "http://me:hunter2@specs/m.yaml?key=hunter2",
            patience=Patience(),
            on_retry=self.lines.append,
            server=self.server,
        )


def wait_until(condition: Callable[[], bool]) -> None:
    ends_s = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < ends_s, "it never came"
        time.sleep(0.01)


def events(server: Server) -> list[dict[str, object]]:
    bodies = [r.body for r in server.requests if r.headers["content-type"] == "application/json"]
    return [json.loads(body) for body in bodies]


def test_the_story_of_an_installation() -> None:
    with serve({"/r": Status(204)}) as server:
        told = Told(server.url("/r"))
        console = Console([step_sink(told.control)])
        told.control.begun(Step.CHECK)
        with console.step(Step.CHECK):
            console.say("not for the server")
        wait_until(lambda: len(server.requests) == 3)
        told.control.installed()
        told.control.about_to_start("/boot/vmlinuz", how="kexec")
    story = events(server)
    assert [event["event"] for event in story] == ["start", "step", "step", "installed", "kexec"]
    assert {event["machine"] for event in story} == {UUID}
    assert len({event["boot"] for event in story}) == 1
    start, begin, end, _, kexec = story
    assert (start["begin"], start["spec"]) == ("check", "http://specs/m.yaml?...")
    assert (begin["step"], begin["number"], begin["state"]) == ("check", 1, "begin")
    assert (end["step"], end["state"]) == ("check", "end")
    assert isinstance(end["seconds"], float)
    assert kexec["kernel"] == "/boot/vmlinuz"
    assert told.lines == []


def test_a_failure_and_its_bundle() -> None:
    with serve({"/r": b"{}"}) as server:
        Told(server.url("/r")).control.failed(FAILURE, bundle=BUNDLE)
    (failed,) = events(server)
    assert failed["event"] == "failed"
    assert (failed["code"], failed["exit_status"], failed["message"]) == ("not-root", 30, "no root")
    assert (failed["hint"], failed["notes"]) == ("be root", ["x"])
    assert failed["bundle"] == "hammer-x.tar.gz"
    bundle = server.requests[1]
    assert bundle.body == BUNDLE.data
    assert bundle.headers["content-type"] == "application/gzip"
    assert bundle.headers["content-disposition"] == 'attachment; filename="hammer-x.tar.gz"'
    assert bundle.headers["hammer-machine"] == UUID


def test_without_a_server_nobody_is_told() -> None:
    before = set(threading.enumerate())
    control = SpecFile("/m.yaml", patience=Patience(), on_retry=pytest.fail)
    control.begun(Step.CHECK)
    control.step_begun(Step.CHECK)
    control.step_ended(Step.CHECK, seconds=1.0)
    control.installed()
    control.about_to_start("/boot/vmlinuz", how="kexec")
    control.failed(FAILURE, bundle=BUNDLE)
    assert set(threading.enumerate()) <= before


def test_a_server_that_is_away_is_no_failure_and_told_once() -> None:
    with nobody() as url:
        told = Told(url)
        told.control.begun(Step.CHECK)
        told.control.step_begun(Step.CHECK)
        told.control.about_to_start("/boot/vmlinuz", how="kexec")
        told.control.failed(FAILURE, bundle=BUNDLE)
    assert told.lines == [
        "hammer.report: Connection refused, going on without",
        "hammer.report: from now on it is told the end of the story only",
        "hammer.report: nobody acknowledged the kexec, going on",
    ]


def test_a_server_in_trouble_gets_another_chance_for_what_is_important() -> None:
    with serve({"/r": Then(Status(503), Status(500), Status(200))}) as server:
        told = Told(server.url("/r"))
        told.control.about_to_start("/boot/vmlinuz", how="kexec")
    assert server.asked("/r") == 3
    assert told.lines == [
        "hammer.report: the server answers with HTTP status 503, going on without"
    ]


def test_after_three_failures_in_a_row_only_the_end_is_told() -> None:
    with serve({"/r": Status(500)}) as server:
        told = Told(server.url("/r"))
        for step in (Step.CHECK, Step.WIPE, Step.PARTITION):
            asked = server.asked("/r")
            told.control.step_begun(step)
            wait_until(lambda asked=asked: server.asked("/r") > asked)  # type: ignore[misc]
        told.control.step_begun(Step.FORMAT)
        told.control.step_begun(Step.MOUNT)
        told.control.failed(FAILURE, bundle=None)
    named = [event.get("step", event["event"]) for event in events(server)]
    assert named == ["check", "wipe", "partition", "failed", "failed", "failed"]


def test_a_server_that_comes_back_is_told_what_it_missed() -> None:
    with serve({"/r": Then(Status(500), Status(500), Status(500), Status(200))}) as server:
        told = Told(server.url("/r"))
        told.control.about_to_start("/boot/vmlinuz", how="kexec")
        told.control.step_begun(Step.CHECK)
        wait_until(lambda: not told.server._waiting)
        told.control.installed()
        told.control.step_begun(Step.WIPE)
        wait_until(lambda: server.asked("/r") == 5)
    assert [event.get("step") for event in events(server)][3:] == [None, "wipe"]
    assert events(server)[4]["dropped"] == 1


def test_a_server_that_says_nothing_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spec_file, "START_LIMIT_S", 0.2)
    with serve({"/r": Silent()}) as server:
        told = Told(server.url("/r"))
        for _ in range(10 * report_server.WAITING_MAX):
            told.control.step_begun(Step.CHECK)
        assert len(told.server._waiting) <= report_server.WAITING_MAX
        told.control.about_to_start("/boot/vmlinuz", how="kexec")
        assert len(told.server._waiting) <= report_server.AHEAD_MAX + 1
        assert told.lines == ["hammer.report: nobody acknowledged the kexec, going on"]
