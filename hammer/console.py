"""What a person at a serial line sees, and the same as data.

Every event is a mapping first; one line of text and one line of JSON are made
of it. Lines are ASCII, at most 80 columns, and never rewritten: a serial
console has neither cursor nor scroll-back. (A terminal may have: see bar.py.)
"""

import json
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

from hammer.step import Step

COLUMNS = 80
PROGRESS_EVERY_S = 5.0
LIVE_EVERY_S = 0.2
"""How often live sinks hear of progress: often enough to look as if it moved."""
# Above it a person counts minutes.
LEFT_IN_SECONDS_S = 180
BAR = 44
"""Columns of the longest bar of the table of steps."""
MIB = 1024 * 1024

Event = dict[str, object]

DETAIL = ("say", "debug", "progress")
"""Events that a line too slow for them may leave out: others tell what it came to."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What is told of a failed installation, to people and to control planes."""

    code: str
    exit_status: int
    message: str
    hint: str
    notes: tuple[str, ...] = ()


class Sink(Protocol):
    """Takes events. Must not raise: telling is worth less than installing."""

    def __call__(self, event: Event, /) -> None: ...


class Console:
    """Tells every sink what happens. No sink knows another one."""

    def __init__(
        self,
        sinks: Sequence[Sink],
        *,
        live: Sequence[Sink] = (),
        clock: Callable[[], float] = time.monotonic,
        flush: Callable[[], None] = lambda: None,
    ) -> None:
        """`live` are sinks that hear of progress often. `flush` gives slow sinks some time."""
        self._sinks = sinks
        self._live = live
        self._clock = clock
        self._flush = flush
        self._seconds: dict[Step, float] = {}
        self._failed: tuple[Step, float] | None = None

    def flush(self) -> None:
        """Wait, but not for long, until all that was told has arrived."""
        self._flush()

    def tell_also(self, sink: Sink) -> None:
        """One more sink, from now on."""
        self._sinks = [*self._sinks, sink]

    def event(self, name: str, **fields: object) -> None:
        _tell((*self._sinks, *self._live), {"event": name, **fields})

    def say(self, text: str) -> None:
        """One piece of news that is not a step, such as a line of the installer."""
        self.event("say", text=text)

    def debug(self, text: str) -> None:
        """A line of the log that somebody wants to see on the console."""
        self.event("debug", text=text)

    def warn(self, text: str) -> None:
        """Something that went wrong and is not a failure of the installation."""
        self.event("warning", text=text)

    @contextmanager
    def step(self, step: Step) -> Iterator[None]:
        """Frame a step. A step that raises has no end; the failure is told by others."""
        began = self._clock()
        self._seconds = {each: s for each, s in self._seconds.items() if each.number < step.number}
        self._failed = None
        self.event("step", step=step.value, number=step.number, state="begin")
        try:
            yield
        except BaseException:
            self._failed = step, round(self._clock() - began, 3)
            raise
        seconds = self._seconds[step] = round(self._clock() - began, 3)
        self.event("step", step=step.value, number=step.number, state="end", seconds=seconds)

    def has_done(self, seconds: Mapping[Step, float]) -> None:
        """These steps were done before by another process, for the table of steps."""
        self._seconds.update(seconds)

    def tell_steps(self) -> None:
        """Where the time went: every step done, and the one that failed."""
        steps: list[Event] = [
            {"step": step.value, "number": step.number, "seconds": seconds, "failed": False}
            for step, seconds in self._seconds.items()
        ]
        if self._failed:
            step, seconds = self._failed
            steps.append(
                {"step": step.value, "number": step.number, "seconds": seconds, "failed": True}
            )
        if steps:
            self.event("steps", steps=steps)

    def progress(self, step: Step, *, total_bytes: int | None) -> Callable[[int], None]:
        """A function to be called with bytes so far, as often as one likes.

        What it tells: the rate since it told something last, and by the rate of the whole how
        many seconds are left. Live sinks get the rate since the time before that: a steadier one.
        """
        began = shown = self._clock()
        last = before = began, 0

        def event(done_bytes: int, now: float, since: tuple[float, int]) -> Event:
            left_s = None
            if total_bytes and done_bytes:
                left_s = round((total_bytes - done_bytes) * (now - began) / done_bytes)
            then, then_bytes = since
            return {
                "event": "progress",
                "step": step.value,
                "number": step.number,
                "done_bytes": done_bytes,
                "total_bytes": total_bytes,
                "bytes_per_s": round((done_bytes - then_bytes) / (now - then)),
                "left_s": left_s,
            }

        def report(done_bytes: int) -> None:
            nonlocal shown, last, before
            now = self._clock()
            if self._live and now - shown >= LIVE_EVERY_S:
                _tell(self._live, event(done_bytes, now, before))
                shown = now
            if now - last[0] >= PROGRESS_EVERY_S:
                _tell(self._sinks, event(done_bytes, now, last))
                last, before = (now, done_bytes), last

        return report

    def failed(self, failure: Failure) -> None:
        """Tell where the time went until then, and what failed; the cause stays in sight."""
        self.tell_steps()
        self.event("failed", **_fields(failure))


def _tell(sinks: Iterable[Sink], event: Event) -> None:
    for sink in sinks:
        sink({**event})


def failed_lines(failure: Failure) -> list[str]:
    """The lines that tell a failure."""
    return text_of({"event": "failed", **_fields(failure)})


def _fields(failure: Failure) -> Event:
    return {
        "code": failure.code,
        "exit_status": failure.exit_status,
        "message": failure.message,
        "hint": failure.hint,
        "notes": list(failure.notes),
    }


@dataclass(frozen=True)
class _Paragraph:
    text: str
    first: str = ""
    """Before its first line, and `then` before all others."""
    then: str = ""


INDENT = "      "


def text_of(event: Event, *, columns: int | None = COLUMNS) -> list[str]:
    """The lines that a person sees of an event; with `columns=None` as long as they are."""
    return [line for each in _paragraphs(event) for line in _lines(each, columns)]


def _paragraphs(event: Event) -> list[_Paragraph]:
    prefix = prefix_of(event)
    match event["event"]:
        case "step":
            end = event["state"] == "end"
            return [_Paragraph(f"done in {event['seconds']:.1f} s" if end else "begins", prefix)]
        case "progress":
            return [_Paragraph(_progress(event), prefix)]
        case "say" | "debug":
            return [_Paragraph(str(event["text"]), prefix, prefix)]
        case "warning":
            return [_Paragraph(str(event["text"]), f"{INDENT}WARNING ", "        ")]
        case "memory":
            agent, child = event["agent_mib"], event["child_mib"]
            text = f"peak memory: agent {agent} MiB, largest child {child} MiB"
            return [_Paragraph(text, prefix, prefix)]
        case "installed":
            return [_Paragraph("installed", INDENT)]
        case "kexec":
            return [_Paragraph(f"kexec into {event['kernel']}", INDENT, "        ")]
        case "firmware-boot":
            text = f"start through the firmware by {event['loader']}: {event['reason']}"
            return [_Paragraph(text, INDENT, "        ")]
        case "stopped":
            return _stopped(str(event["where"]), by=str(event["by"]))
        case "failed":
            return _failed(event)
        case "steps":
            return _steps(event)
    return []


def prefix_of(event: Event) -> str:
    """What its lines begin with: the step, or as much space."""
    if "number" in event:
        return f"{event['number']:>2}/{len(Step)} {event['step']!s:<9} "
    return INDENT


def _progress(event: Event) -> str:
    done, total = event["done_bytes"], event["total_bytes"]
    assert isinstance(done, int)
    if not isinstance(total, int) or not total:
        return f"{done // MIB} MiB, {rate_of(event)}"
    so_far = f"{done * 100 // total:>3} %, {done // MIB} of {total // MIB} MiB, {rate_of(event)}"
    left = left_of(event)
    return f"{so_far}, {left}" if left else so_far


def rate_of(event: Event) -> str:
    """How fast a progress is."""
    return f"{int(str(event['bytes_per_s'])) / MIB:.1f} MiB/s"


def left_of(event: Event) -> str:
    """How long a progress goes on; empty if nobody knows."""
    left_s = event["left_s"]
    if not isinstance(left_s, int):
        return ""
    left = f"{left_s} s" if left_s < LEFT_IN_SECONDS_S else f"{round(left_s / 60)} min"
    return f"{left} left"


def _stopped(where: str, *, by: str) -> list[_Paragraph]:
    place = f" {held}" if (held := where.removeprefix("stopped ")) != where else f", {where}"
    # The terminal has shown the key that was pressed where the cursor was.
    return [_Paragraph(""), _Paragraph(f"STOPPED{place} ({by})", then="  ")]


def _steps(event: Event) -> list[_Paragraph]:
    steps = event["steps"]
    assert isinstance(steps, list)
    longest = max(each["seconds"] for each in steps)
    told = []
    for each in steps:
        bar = "#" * max(1, round(BAR * each["seconds"] / longest)) if longest else ""
        marked = f"{bar} FAILED" if each["failed"] else bar
        told.append(_Paragraph(f"{each['seconds']:>7.1f} s {marked}", prefix_of(each)))
    total = sum(each["seconds"] for each in steps)
    return [*told, _Paragraph(f"{'total':<9} {total:>7.1f} s", INDENT)]


def _failed(event: Event) -> list[_Paragraph]:
    told = [_Paragraph(f"FAILED [{event['code']}]")]
    told.append(_Paragraph(str(event["message"]), "  ", "    "))
    notes = event["notes"]
    assert isinstance(notes, list)
    told += [_Paragraph(f"also: {note}", "  ", "    ") for note in notes]
    return [*told, _Paragraph(f"what to do: {event['hint']}", "  ", "    ")]


def _lines(paragraph: _Paragraph, columns: int | None) -> list[str]:
    lines: list[str] = []
    for line in map(printable, paragraph.text.splitlines() or [""]):
        begin = paragraph.then if lines else paragraph.first
        if columns is None or (line.strip() and len(begin) + len(line) <= columns):
            lines.append(f"{begin}{line}".rstrip())  # as below, and much faster
            continue
        indent = line[: len(line) - len(line.lstrip())][: columns // 2]
        lines += textwrap.wrap(
            line.strip(),
            columns,
            initial_indent=begin + indent,
            subsequent_indent=paragraph.then + indent,
            break_on_hyphens=False,
        ) or [paragraph.first.rstrip()]
    return lines


def printable(text: str) -> str:
    """ASCII without control characters: what others print must not steer the terminal."""
    plain = text.expandtabs(4).encode("ascii", "backslashreplace").decode("ascii")
    if plain.isprintable():
        return plain
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in plain)


Write = Callable[[str], object]
"""Takes whole lines. An OSError that it raises is dropped: a console may be gone."""


def text_sink(write: Write, *, write_detail: Write | None = None) -> Sink:
    """Text for a terminal; `write_detail` gets what may be left out, else it is `write`, too."""

    def sink(event: Event) -> None:
        lines = text_of(event)
        if lines:
            _written(event, "\n".join(lines) + "\n", write, write_detail)

    return sink


def json_sink(write: Write, *, write_detail: Write | None = None) -> Sink:
    """One JSON object a line, with the time in seconds since the epoch."""

    def sink(event: Event) -> None:
        _written(event, json_line(event), write, write_detail)

    return sink


def json_line(event: Event) -> str:
    """An event as a line of JSON, with the time of now."""
    return json.dumps({**event, "time_s": round(time.time(), 3)}, ensure_ascii=True) + "\n"


def log_sink(write: Write) -> Sink:
    """The lines of the console with their times, for a log that has the debug lines already.

    They are not wrapped: in a failure bundle half of a secret would not be known as one.
    """

    def sink(event: Event) -> None:
        if event["event"] != "debug":
            time_of_day = log_time(time.time())
            lines = text_of(event, columns=None)
            _written(event, "".join(f"{time_of_day} {line}\n" for line in lines), write)

    return sink


def log_time(time_s: float) -> str:
    """The time of the day (UTC in the ramdisk); the date would cost eleven columns of eighty."""
    return time.strftime("%H:%M:%S", time.localtime(time_s)) + f".{int(time_s * 1000) % 1000:03}"


def left_out_text(lines: int) -> str:
    return f"      ... {lines} lines left out here, `hammer logs` has them\n"


def left_out_json(lines: int) -> str:
    return json_line({"event": "left-out", "lines": lines})


def _written(event: Event, text: str, write: Write, write_detail: Write | None = None) -> None:
    with suppress(OSError):
        (write_detail or write if event["event"] in DETAIL else write)(text)
