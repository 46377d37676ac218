"""Watching a guest: from power on to the word that the installed system is up, or to the cause."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from hammer.console import Failure
from hammer.errors import (
    GuestLost,
    HammerError,
    ImageKernelPanicked,
    ImageNeverUp,
    ImageWentOff,
    TrialTooSlow,
)
from hammer.image.trial.events import Event, EventReader, seconds
from hammer.image.trial.transcript import Transcript
from hammer.report import failure_of

POLL_S = 0.1
QUIET_S = 10.0
"""After so long without a word the person at the terminal is told what is waited for."""

BOOT_LIMIT_S = 240.0
"""Until the agent says its first word: 7 s with an idle processor, emulated."""

SETTLE_S = 1.5
"""After the first word of a failure: more lines that explain it are on their way."""


class Guest(Protocol):
    """hammer.host.qemu.Running, as it is watched."""

    def console(self) -> str: ...
    def second_port(self) -> str: ...
    def status(self) -> int | None: ...
    def complaint(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Limits:
    install_s: float
    """From power on to kexec."""
    boot_s: float
    """From kexec to the marker."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a trial."""

    failure: Failure | None
    """None: the installed system is up."""
    by_agent: bool = False
    """Whether the agent told the failure; its lines before it explain it."""
    marker: str | None = None
    """The line that says so."""
    remarks: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    """How long things took: boot of the ramdisk, each step, and from kexec to the marker."""
    tail: tuple[str, ...] = ()
    """The last lines of the console."""


class Watch:
    """One guest, watched by polling."""

    def __init__(
        self,
        guest: Guest,
        transcript: Transcript,
        *,
        awaited: str,
        limits: Limits,
        on_event: Callable[[Event], None],
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._guest = guest
        self._transcript = transcript
        self._reader = EventReader()
        self._awaited = awaited
        self._limits = limits
        self._on_event = on_event
        self._say = say
        self._clock = clock
        self._sleep = sleep
        self._began = self._heard = clock()
        self._kexec: float | None = None
        self._step = ""
        self._steps: list[Event] = []
        self._failed: Event | None = None
        self._seconds: dict[str, float] = {}

    def outcome(self) -> Outcome:
        """Watch until it is decided. Comes back for every end of the guest."""
        while True:
            status = self._guest.status()  # first: what it said before its end is then read
            self._read()
            if status is not None:
                self._transcript.end()
            if self._transcript.marker:
                return self._up()
            failure = self._failure(status)
            if failure is not None:
                return self._down(failure, settle_s=SETTLE_S if status is None else 0)
            self._tell_silence()
            self._sleep(POLL_S)

    def _read(self) -> None:
        # The console before the events: what is read of it then is not newer than they are.
        text = self._guest.console()
        already = self._kexec is not None
        for event in self._reader.feed(self._guest.second_port()):
            self._heard = self._clock()
            self._note(event)
            self._on_event(event)
        if already or self._kexec is None:
            self._transcript.feed(text)
        else:
            self._transcript.hand_over(text)
            self._say(f"the installed system boots, waiting for {self._awaited}")

    def _note(self, event: Event) -> None:
        match event["event"]:
            case "start":
                self._seconds["boot"] = round(self._clock() - self._began, 1)
                self._step = "the agent"
            case "step":
                self._step = f"step {event['step']}"
                self._steps.append(event)
            case "kexec":
                self._kexec = self._clock()
            case "failed":
                self._failed = event

    def _failure(self, status: int | None) -> Failure | None:
        if self._failed:
            return Failure(
                code=self._failed["code"],
                exit_status=self._failed["exit_status"],
                message=self._failed["message"],
                hint=self._failed["hint"],
                notes=tuple(self._failed["notes"]),
            )
        error = self._before_kexec(status) if self._kexec is None else self._after_kexec(status)
        return None if error is None else failure_of(error)

    def _before_kexec(self, status: int | None) -> HammerError | None:
        waited_s = self._clock() - self._began
        if status:
            return GuestLost(reason=f"QEMU left with status {status}: {self._guest.complaint()}")
        if self._transcript.panic:
            return GuestLost(reason=f"the ramdisk: {self._transcript.panic}")
        if status is not None:
            return GuestLost(reason=f"it went off while it was busy with {self._waits_for()}")
        if not self._step and waited_s > BOOT_LIMIT_S:
            return GuestLost(reason=f"no word from the agent within {BOOT_LIMIT_S:g} s")
        if waited_s > self._limits.install_s:
            return TrialTooSlow(waited_for=self._waits_for(), limit_s=self._limits.install_s)
        return None

    def _after_kexec(self, status: int | None) -> HammerError | None:
        assert self._kexec is not None
        waited_s = self._clock() - self._kexec
        seen = self._transcript
        if seen.panic:
            return ImageKernelPanicked(panic=seen.panic)
        if status:
            return GuestLost(reason=f"QEMU left with status {status}: {self._guest.complaint()}")
        if status is not None:
            return ImageWentOff(awaited=self._awaited, after_s=waited_s)
        if waited_s > self._limits.boot_s:
            return ImageNeverUp(
                awaited=self._awaited,
                limit_s=self._limits.boot_s,
                kernel_started=seen.kernel_started,
                last=seen.last,
            )
        return None

    def _waits_for(self) -> str:
        if self._kexec is not None:
            return self._awaited
        return self._step or "the ramdisk to boot"

    def _tell_silence(self) -> None:
        now = self._clock()
        if now - self._heard < QUIET_S:
            return
        self._heard = now
        since_s = now - (self._began if self._kexec is None else self._kexec)
        after = "" if self._kexec is None else " after kexec"
        self._say(f"waiting for {self._waits_for()}, {since_s:.0f} s{after}")

    def _up(self) -> Outcome:
        assert self._transcript.marker
        assert self._kexec is not None
        remark = self._transcript.marker.remark
        return Outcome(
            failure=None,
            marker=self._transcript.marker_line,
            remarks=(remark,) if remark else (),
            seconds=self._times(up=self._clock() - self._kexec),
            tail=tuple(self._transcript.tail()),
        )

    def _down(self, failure: Failure, *, settle_s: float) -> Outcome:
        settled = self._clock() + settle_s
        while self._clock() < settled:
            self._sleep(POLL_S)
            self._transcript.feed(self._guest.console())
        self._transcript.end()
        tail = tuple(self._transcript.tail())
        by_agent = self._failed is not None
        return Outcome(failure=failure, by_agent=by_agent, seconds=self._times(), tail=tail)

    def _times(self, up: float | None = None) -> dict[str, float]:
        times = {**self._seconds, **seconds(self._steps)}
        return times if up is None else {**times, "up": round(up, 1)}
