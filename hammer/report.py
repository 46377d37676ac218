"""How a command ends: one failure told once, in words, and its exit status.

Exit status: 0 done, 2 usage, 10 machine document, 20 image, 30 this machine,
40 control plane, 70 a bug in the agent, 75 stopped by a person.
"""

import argparse
import errno
import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from hammer.console import Console, Failure, log_time
from hammer.errors import BUG_EXIT_STATUS, FileFailed, HammerError, Interrupted

log = logging.getLogger(__name__)

# What add_subparsers() returns has no public name.
Subparsers = argparse._SubParsersAction


def reported(console: Console, life: Callable[[], object]) -> int:
    """Live, and tell a failure once, in words. The one place that catches everything."""
    try:
        life()
    except BaseException as error:
        ignore_signals()
        failure = failure_of(error)
        if failure.exit_status == BUG_EXIT_STATUS:
            # Without the exception's own text, which may quote a document with secrets.
            log.debug("%s\n%s", type(error), "".join(traceback.format_tb(error.__traceback__)))
        if isinstance(error, Interrupted) and error.where:
            after_s = round(time.monotonic() - error.since_s, 3)
            console.event("stopped", where=error.where, by=error.by, after_s=after_s)
        else:
            console.failed(failure)
        return failure.exit_status
    return 0


def failure_of(error: BaseException) -> Failure:
    """What is told of an exception, expected or not."""
    notes = tuple(getattr(error, "__notes__", ()))
    if isinstance(error, HammerError):
        return Failure(
            code=error.code,
            exit_status=error.exit_status,
            message=str(error),
            hint=error.hint,
            notes=notes,
        )
    # The text of a foreign exception may quote a document, and that holds passwords.
    at = traceback.extract_tb(error.__traceback__)[-1:]
    place = f" at {Path(at[0].filename).name}:{at[0].lineno}" if at else ""
    return Failure(
        code="bug",
        exit_status=BUG_EXIT_STATUS,
        message=f"{type(error).__name__}{place}",
        hint="this is a bug in the agent: report it with the log, /run/hammer/hammer.log",
        notes=notes,
    )


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

RAISED_AGAIN_S = 0.1


def raise_on_signals() -> None:
    """A first signal becomes an Interrupted; more of them do not disturb the clean-up.

    An exception that Python raises in a finalizer is dropped, and so is one that somebody takes
    for another error. Then it is raised again, until `ignore_signals` says that it has arrived.
    """

    def interrupt(number: int, _: object) -> NoReturn:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        name = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        stop = Interrupted(by=name, by_person=number == signal.SIGINT)

        def again(*_: object) -> None:
            if not _on_its_way(stop):
                raise stop

        signal.signal(signal.SIGALRM, again)
        signal.setitimer(signal.ITIMER_REAL, RAISED_AGAIN_S, RAISED_AGAIN_S)
        raise stop

    sys.unraisablehook = _not_told_if_interrupted
    for each in SIGNALS:
        signal.signal(each, interrupt)


def _on_its_way(error: BaseException) -> bool:
    """Whether what runs now cleans up after `error`."""
    current = sys.exc_info()[1]
    while current is not None and current is not error:
        current = current.__context__
    return current is error


def _not_told_if_interrupted(dropped: "sys.UnraisableHookArgs") -> None:
    if not isinstance(dropped.exc_value, Interrupted):
        sys.__unraisablehook__(dropped)


def ignore_signals() -> None:
    """From here on there is nothing left to interrupt, and an exit status to keep.

    The interpreter gives signals back their default action while it ends, but not
    those that are ignored.
    """
    signal.setitimer(signal.ITIMER_REAL, 0)
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)


def stdout(text: str) -> None:
    """Write at once. Raises OSError, also when there is no standard output."""
    if sys.stdout is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    sys.stdout.write(text)
    sys.stdout.flush()


def answer(text: str) -> None:
    """Print what a command was asked for. Raises FileFailed.

    A reader (head, grep -q) that has enough is no failure, and neither is none at all.
    """
    if sys.stdout is None:
        return
    try:
        stdout(text)
    except BrokenPipeError:
        # Python flushes once more at exit, which must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        raise FileFailed(path="stdout", reason=error.strerror or str(error)) from None


class ConsoleHandler(logging.Handler):
    """Log lines as lines of the console."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        self._console.debug(record.getMessage())


class LogFormatter(logging.Formatter):
    """Lines of the log, with times as those of the console have there."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return log_time(record.created)


def log_to(handler: logging.Handler) -> None:
    """Everything that our own modules log goes there, too.

    Not what libraries log: urllib3 writes whole URLs, and signed links are secrets.
    """
    handler.setFormatter(LogFormatter("%(asctime)s %(name)s %(message)s"))
    ours = logging.getLogger("hammer")
    ours.setLevel(logging.DEBUG)
    ours.addHandler(handler)
