"""What a person at a serial line sees, and the same as data.

Every event is a mapping first; one line of text and one line of JSON are made
of it. Lines are ASCII, at most 80 columns, and never rewritten: a serial
console has neither cursor nor scroll-back.
"""

import json
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

from hammer.step import Step

COLUMNS = 80
PROGRESS_EVERY_S = 5.0
MIB = 1024 * 1024

Event = dict[str, object]


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
        self, sinks: Sequence[Sink], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._sinks = sinks
        self._clock = clock

    def tell_also(self, sink: Sink) -> None:
        """One more sink, from now on."""
        self._sinks = [*self._sinks, sink]

    def event(self, name: str, **fields: object) -> None:
        for sink in self._sinks:
            sink({"event": name, **fields})

    def say(self, text: str) -> None:
        """One piece of news that is not a step, such as a line of the installer."""
        self.event("say", text=text)

    def warn(self, text: str) -> None:
        """Something that went wrong and is not a failure of the installation."""
        self.event("warning", text=text)

    @contextmanager
    def step(self, step: Step) -> Iterator[None]:
        """Frame a step. A step that raises has no end; the failure is told by others."""
        began = self._clock()
        self.event("step", step=step.value, number=step.number, state="begin")
        yield
        seconds = round(self._clock() - began, 3)
        self.event("step", step=step.value, number=step.number, state="end", seconds=seconds)

    def progress(self, step: Step, *, total_bytes: int | None) -> Callable[[int], None]:
        """A function to be called with bytes so far, as often as one likes."""
        began = last = self._clock()

        def report(done_bytes: int) -> None:
            nonlocal last
            now = self._clock()
            if now - last < PROGRESS_EVERY_S:
                return
            last = now
            rate = done_bytes / (now - began)
            self.event(
                "progress",
                step=step.value,
                number=step.number,
                done_bytes=done_bytes,
                total_bytes=total_bytes,
                bytes_per_s=round(rate),
            )

        return report

    def failed(self, failure: Failure) -> None:
        self.event("failed", **_fields(failure))


def failed_lines(failure: Failure) -> list[str]:
    """The lines that tell a failure."""
    return _failed(_fields(failure))


def _fields(failure: Failure) -> Event:
    return {
        "code": failure.code,
        "exit_status": failure.exit_status,
        "message": failure.message,
        "hint": failure.hint,
        "notes": list(failure.notes),
    }


def text_of(event: Event) -> list[str]:
    """The lines that a person sees of an event."""
    prefix = "      "
    if "number" in event:
        prefix = f"{event['number']:>2}/{len(Step)} {event['step']!s:<9} "
    match event["event"]:
        case "step":
            end = event["state"] == "end"
            return [prefix + (f"done in {event['seconds']:.1f} s" if end else "begins")]
        case "progress":
            return [prefix + _progress(event)]
        case "say":
            return _wrapped(str(event["text"]), first=prefix, then=prefix)
        case "warning":
            return _wrapped(str(event["text"]), first="      WARNING ", then="        ")
        case "memory":
            return [
                f"      peak memory: agent {event['agent_mib']} MiB, "
                f"largest child {event['child_mib']} MiB"
            ]
        case "installed":
            return ["      installed"]
        case "kexec":
            return _wrapped(f"kexec into {event['kernel']}", first="      ", then="        ")
        case "firmware-boot":
            text = f"start through the firmware by {event['loader']}: {event['reason']}"
            return _wrapped(text, first="      ", then="        ")
        case "stopped":
            return _stopped(str(event["where"]), by=str(event["by"]))
        case "failed":
            return _failed(event)
    return []


def _progress(event: Event) -> str:
    done, total = event["done_bytes"], event["total_bytes"]
    assert isinstance(done, int)
    rate = f"{int(str(event['bytes_per_s'])) / MIB:.1f} MiB/s"
    if not isinstance(total, int) or not total:
        return f"{done // MIB} MiB, {rate}"
    return f"{done * 100 // total:>3} %, {done // MIB} of {total // MIB} MiB, {rate}"


def _stopped(where: str, *, by: str) -> list[str]:
    place = f" {held}" if (held := where.removeprefix("stopped ")) != where else f", {where}"
    # The terminal has shown the key that was pressed where the cursor was.
    return ["", *_wrapped(f"STOPPED{place} ({by})", first="", then="  ")]


def _failed(event: Event) -> list[str]:
    lines = [f"FAILED [{event['code']}]"]
    lines += _wrapped(str(event["message"]), first="  ", then="    ")
    notes = event["notes"]
    assert isinstance(notes, list)
    for note in notes:
        lines += _wrapped(f"also: {note}", first="  ", then="    ")
    return lines + _wrapped(f"what to do: {event['hint']}", first="  ", then="    ")


def _wrapped(text: str, *, first: str, then: str) -> list[str]:
    lines: list[str] = []
    for line in map(printable, text.splitlines() or [""]):
        indent = line[: len(line) - len(line.lstrip())][: COLUMNS // 2]
        lines += textwrap.wrap(
            line.strip(),
            COLUMNS,
            initial_indent=(then if lines else first) + indent,
            subsequent_indent=then + indent,
            break_on_hyphens=False,
        ) or [first.rstrip()]
    return lines


def printable(text: str) -> str:
    """ASCII without control characters: what others print must not steer the terminal."""
    plain = text.expandtabs(4).encode("ascii", "backslashreplace").decode("ascii")
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in plain)


def text_sink(write: Callable[[str], object]) -> Sink:
    """Text for a terminal. `write` gets whole lines; what it raises is dropped."""

    def sink(event: Event) -> None:
        lines = text_of(event)
        if lines:
            _written(write, "\n".join(lines) + "\n")

    return sink


def json_sink(write: Callable[[str], object]) -> Sink:
    """One JSON object a line, with the time in seconds since the epoch."""

    def sink(event: Event) -> None:
        line = json.dumps({**event, "time_s": round(time.time(), 3)}, ensure_ascii=True)
        _written(write, line + "\n")

    return sink


def _written(write: Callable[[str], object], text: str) -> None:
    # A console that is gone must not end an installation.
    with suppress(OSError):
        write(text)
