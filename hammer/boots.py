"""What one boot of the ramdisk leaves for the next: failures, and systems that were started."""

import time

from hammer import redact
from hammer.backoff import Next, after
from hammer.console import Console, Failure, printable
from hammer.errors import Interrupted, SystemNeverUp
from hammer.host.memory import (
    COUNT_MAX,
    MESSAGE_CHARS_MAX,
    LastFailure,
    Memory,
    Remembered,
    Started,
)
from hammer.step import Step

RECENT_S = 15 * 60
"""A ramdisk that comes back sooner was not asked for: the started system has gone down."""


def begin(memory: Memory, console: Console, *, backoff_s: int, now_s: float) -> int:
    """Say how earlier boots ended; return how many seconds to wait before another attempt.

    Raises SystemNeverUp for the third system in a row that was started and is not up.
    """
    record = memory.recall()
    if not memory.lasts:
        console.say("nothing remembers failures over a boot on this machine")
    if record.last is not None:
        console.warn(_failed(record.last, record.failures))
    settled = settle(record, now_s=now_s)
    memory.remember(settled)
    if record.started is None:
        return 0
    told = _started(record.started, now_s=now_s)
    if settled.unconfirmed == 0:
        console.say(told)
        return 0
    following = after(settled.failures, backoff_s=backoff_s)
    if following.restart_s is None:
        raise SystemNeverUp(told=told, attempts=settled.failures)
    console.warn(f"{told}; the next attempt begins in {following.restart_s} s")
    return following.restart_s


def decided(
    memory: Memory, failure: Failure, *, step: Step | None, backoff_s: int, now_s: float
) -> Next:
    """Remember a failure that is final, and decide what becomes of the machine.

    Without a memory that lasts every failure is the first one. Who was stopped by a
    person has not failed.
    """
    if failure.code == Interrupted.code:
        return Next(restart_s=backoff_s)
    record = memory.recall()
    counted = failure.code != SystemNeverUp.code  # which `begin` has done
    failures = min(record.failures + counted, COUNT_MAX) if memory.lasts else 1
    last = LastFailure(
        code=failure.code,
        message=_plain(failure.message),
        step=step.value if step else None,
        time_s=int(now_s),
    )
    memory.remember(Remembered(failures=failures, unconfirmed=record.unconfirmed, last=last))
    return after(max(failures, 1), backoff_s=backoff_s)


def started(memory: Memory, what: Started) -> None:
    """Remember, right before it happens, that the installed system is started.

    Failures are forgotten with that, but for systems before it that never were up.
    """
    record = memory.recall()
    memory.remember(
        Remembered(
            failures=record.unconfirmed,
            unconfirmed=record.unconfirmed,
            started=what.model_copy(
                update={"image": _plain(what.image), "kernel": _plain(what.kernel)}
            ),
        )
    )


def settle(record: Remembered, *, now_s: float) -> Remembered:
    """The record once a ramdisk runs again: what was started is up no more.

    Soon after the start that is a failure in a row. Later it is a machine that was up and
    is to be installed again, and all that was before has ended well.
    """
    if record.started is None:
        return record
    # A clock that is wrong may be so in both directions.
    if abs(now_s - record.started.time_s) >= RECENT_S:
        return Remembered()
    return Remembered(
        failures=min(record.failures + 1, COUNT_MAX),
        unconfirmed=min(record.unconfirmed + 1, COUNT_MAX),
    )


def _failed(last: LastFailure, failures: int) -> str:
    where = f" in step {last.step}" if last.step else ""
    row = f", {failures} in a row" if failures > 1 else ""
    return (
        f"the last attempt ({_date(last.time_s)}{row}) FAILED [{last.code}]{where}: {last.message}"
    )


def _started(what: Started, *, now_s: float) -> str:
    how = "by kexec" if what.how == "kexec" else "through the firmware"
    age_s = now_s - what.time_s
    ago = f", {age_s / 60:.0f} min ago" if 0 <= age_s < RECENT_S else ""
    when = f"{_date(what.time_s)}{ago}"
    return f"{what.image} was started {how} ({when}) and has not said that it is up"


def _date(time_s: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(time_s))


def _plain(text: str) -> str:
    """The first line, in ASCII, without secrets, and short."""
    first = next(iter(text.splitlines()), "")
    return printable(redact.text(first))[:MESSAGE_CHARS_MAX]
