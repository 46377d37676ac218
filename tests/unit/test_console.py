"""Lines for a serial console, and events for programs."""

import json
from collections.abc import Callable

import hypothesis.strategies as st
import pytest
from hypothesis import given

from hammer.console import (
    Console,
    Event,
    Failure,
    json_sink,
    left_out_json,
    left_out_text,
    text_of,
    text_sink,
)
from hammer.step import Step

FAILURE = Failure(
    code="disk-missing",
    exit_status=10,
    message="/dev/vda of the layout: there is no such block device",
    hint="correct the disks of the filesystem layout, or choose a machine that has them",
    notes=("may still look bootable: /dev/vda: Input/output error",),
)


def test_a_step_begins_and_ends_with_its_time() -> None:
    events: list[Event] = []
    times = iter([10.0, 12.25])
    with Console([events.append], clock=lambda: next(times)).step(Step.IMAGE):
        pass
    assert [text_of(event) for event in events] == [
        [" 6/10 image     begins"],
        [" 6/10 image     done in 2.2 s"],
    ]


def test_a_step_that_raises_has_no_end() -> None:
    events: list[Event] = []
    with pytest.raises(ValueError, match="x"), Console([events.append]).step(Step.WIPE):
        raise ValueError("x")
    assert [event["state"] for event in events] == ["begin"]


def test_progress_comes_by_time() -> None:
    events: list[Event] = []
    times = iter([0.0, 1.0, 5.0, 6.0, 10.0])
    report = Console([events.append], clock=lambda: next(times)).progress(
        Step.IMAGE, total_bytes=400 * 1024 * 1024
    )
    for mib in (10, 50, 60, 200):
        report(mib * 1024 * 1024)
    # The rate is that of now, and what is left comes from all of it.
    assert [text_of(event)[0] for event in events] == [
        " 6/10 image      12 %, 50 of 400 MiB, 10.0 MiB/s, 35 s left",
        " 6/10 image      50 %, 200 of 400 MiB, 30.0 MiB/s, 10 s left",
    ]
    assert [event["left_s"] for event in events] == [35, 10]


@pytest.mark.parametrize(
    ("done_mib", "left"),
    [(0, ""), (1, ", 665 min left"), (150, ", 167 s left"), (140, ", 3 min left")],
)
def test_time_that_is_left(done_mib: int, left: str) -> None:
    events: list[Event] = []
    times = iter([0.0, 100.0])
    Console([events.append], clock=lambda: next(times)).progress(
        Step.IMAGE, total_bytes=400 * 1024 * 1024
    )(done_mib * 1024 * 1024)
    (line,) = text_of(events[0])
    assert line.endswith(f" MiB/s{left}")


def test_progress_without_a_total() -> None:
    events: list[Event] = []
    times = iter([0.0, 8.0])
    Console([events.append], clock=lambda: next(times)).progress(Step.IMAGE, total_bytes=None)(
        16 * 1024 * 1024
    )
    assert text_of(events[0]) == [" 6/10 image     16 MiB, 2.0 MiB/s"]


def test_a_failure_has_its_cause_first() -> None:
    events: list[Event] = []
    Console([events.append]).failed(FAILURE)
    assert text_of(events[0]) == [
        "FAILED [disk-missing]",
        "  /dev/vda of the layout: there is no such block device",
        "  also: may still look bootable: /dev/vda: Input/output error",
        "  what to do: correct the disks of the filesystem layout, or choose a machine",
        "    that has them",
    ]


def test_the_table_of_steps_shows_where_the_time_went() -> None:
    events: list[Event] = []
    times = iter([0.0, 0.04, 1.0, 5.0])
    console = Console([events.append], clock=lambda: next(times))
    console.has_done({Step.CHECK: 2.0, Step.IMAGE: 40.0, Step.INSTALL: 99.0})
    with console.step(Step.CONTRACT):
        pass
    with pytest.raises(ValueError, match="x"), console.step(Step.INSTALL):
        raise ValueError("x")
    console.failed(FAILURE)
    assert [event["event"] for event in events][-2:] == ["steps", "failed"]
    assert text_of(events[-2]) == [
        " 1/10 check         2.0 s ##",
        " 6/10 image        40.0 s ############################################",
        " 7/10 contract      0.0 s #",
        " 8/10 install       4.0 s #### FAILED",
        "      total        46.0 s",
    ]


def test_no_table_without_steps() -> None:
    events: list[Event] = []
    Console([events.append]).failed(FAILURE)
    assert [event["event"] for event in events] == ["failed"]


def test_a_table_of_steps_that_took_no_time() -> None:
    events: list[Event] = []
    console = Console([events.append], clock=lambda: 0.0)
    with console.step(Step.CHECK):
        pass
    console.tell_steps()
    assert text_of(events[-1])[0] == " 1/10 check         0.0 s"


TEXT = st.text()
AMOUNT = st.integers(min_value=0, max_value=1 << 50)
SECONDS = st.floats(min_value=0, max_value=86400)
STEP = st.sampled_from(Step).map(lambda step: {"step": step.value, "number": step.number})


def with_step(event: dict[str, st.SearchStrategy[object]]) -> st.SearchStrategy[Event]:
    return st.builds(lambda step, rest: {**step, **rest}, STEP, st.fixed_dictionaries(event))


EVENTS = st.one_of(
    with_step({"event": st.just("step"), "state": st.just("begin")}),
    with_step({"event": st.just("step"), "state": st.just("end"), "seconds": SECONDS}),
    with_step(
        {
            "event": st.just("progress"),
            "done_bytes": AMOUNT,
            "total_bytes": st.one_of(st.none(), AMOUNT),
            "bytes_per_s": AMOUNT,
            "left_s": st.one_of(st.none(), AMOUNT),
        }
    ),
    st.fixed_dictionaries({"event": st.sampled_from(["say", "debug", "warning"]), "text": TEXT}),
    st.fixed_dictionaries({"event": st.just("memory"), "agent_mib": AMOUNT, "child_mib": AMOUNT}),
    st.fixed_dictionaries({"event": st.just("kexec"), "kernel": TEXT, "cmdline": TEXT}),
    st.fixed_dictionaries({"event": st.just("stopped"), "where": TEXT, "by": TEXT}),
    st.fixed_dictionaries(
        {
            "event": st.just("failed"),
            "code": st.just("image-corrupt"),
            "message": TEXT,
            "hint": TEXT,
            "notes": st.lists(TEXT, max_size=3),
        }
    ),
    st.fixed_dictionaries(
        {
            "event": st.just("steps"),
            "steps": st.lists(
                with_step({"seconds": SECONDS, "failed": st.booleans()}), min_size=1, max_size=10
            ),
        }
    ),
    st.fixed_dictionaries({"event": TEXT}),
)


@given(EVENTS)
def test_every_line_of_every_event_is_ascii_and_fits(event: Event) -> None:
    for line in text_of(event):
        assert len(line) <= 80
        assert line.isascii()
        assert line.isprintable()


@pytest.mark.parametrize("left_out", [left_out_text, left_out_json])
def test_what_was_left_out_is_told_in_one_line(left_out: Callable[[int], str]) -> None:
    note = left_out(123456)
    assert note.index("\n") == len(note) - 1 < 80
    assert "123456" in note


@pytest.mark.parametrize(
    "text", ["x" * 500, "word " * 100, "\x1b[2J\x07", "a\tb", "grün €", "", "one\ntwo", "-" * 81]
)
def test_lines_are_ascii_and_fit(text: str) -> None:
    events: list[Event] = []
    console = Console([events.append])
    console.say(text)
    console.warn(text)
    console.failed(Failure(code="x", exit_status=1, message=text, hint=text, notes=(text,)))
    for event in events:
        for line in text_of(event):
            assert len(line) <= 80
            assert line.isascii()
            assert line.isprintable()


def test_nothing_of_a_long_text_is_lost() -> None:
    events: list[Event] = []
    Console([events.append]).say("0123456789" * 40)
    assert "".join(line.strip() for line in text_of(events[0])) == "0123456789" * 40


def test_the_same_as_json() -> None:
    written: list[str] = []
    Console([json_sink(written.append)]).failed(FAILURE)
    assert written[0].endswith("}\n")
    told = json.loads(written[0])
    assert (told["event"], told["code"], told["exit_status"]) == ("failed", "disk-missing", 10)


def test_a_console_that_is_gone_stops_nothing() -> None:
    def broken(_: str) -> None:
        raise BrokenPipeError

    console = Console([text_sink(broken), json_sink(broken)])
    with console.step(Step.CHECK):
        console.say("hello")
