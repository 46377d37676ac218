"""`hammer logs`: what the agent did, with everything that a slow console has left out."""

import argparse
import os
import signal
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from hammer.console import Console, printable, text_sink
from hammer.errors import JournalMissing
from hammer.host.ring import older
from hammer.life import RUN_DIRECTORY
from hammer.outlets import EVENTS, LOG
from hammer.report import Subparsers, answer, reported, stdout

LINES = 200
POLL_S = 0.5


def add_to(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add `logs`."""
    logs = commands.add_parser("logs", help="the log: every line, every command, with times")
    logs.add_argument("-f", "--follow", action="store_true", help="go on, until Ctrl-C")
    # On a serial line all of it may take an hour.
    logs.add_argument(
        "-n", "--lines", type=int, default=LINES, metavar="N", help="only the last N (%(default)s)"
    )
    logs.add_argument("--all", action="store_true", help="from the beginning")
    logs.add_argument("--events", action="store_true", help="events as JSON, one a line")
    logs.set_defaults(command=logs_command)


def logs_command(arguments: argparse.Namespace) -> int:
    """Ctrl-C is the end of `-f` and no failure: exit status 0."""
    # The shell that starts this may be one that has it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    path = RUN_DIRECTORY / (EVENTS if arguments.events else LOG)

    def life() -> None:
        last = None if arguments.all else max(0, arguments.lines)
        try:
            for text in said(path, last=last, follow=arguments.follow):
                answer(text)
        except KeyboardInterrupt:
            answer("\n")

    return reported(Console([text_sink(stdout)]), life)


def said(path: Path, *, last: int | None, follow: bool) -> Iterator[str]:
    """The last lines of a ring, None: all; then, if asked, those that come, for ever.

    Ends of lines are kept, what would steer a terminal is not. Raises JournalMissing.
    """
    try:
        now = path.open("rb")
    except OSError as failure:
        raise JournalMissing(reason=f"{path}: {failure.strerror}") from None
    with now:
        before: list[bytes] = []
        if older(path).exists():
            before = older(path).read_bytes().splitlines(keepends=True)
        lines = deque([*before, *now], maxlen=last)
        if follow:
            # One that is still being written is shown when it is complete.
            partial = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
            yield _shown(lines)
            yield from _followed(path, now.fileno(), partial)
        else:
            yield _shown(lines)


def _followed(path: Path, descriptor: int, partial: bytes) -> Iterator[str]:
    descriptor = os.dup(descriptor)
    try:
        while True:
            # In this order: what is read after the file was turned over is all of it.
            turned = _turned_over(path, descriptor)
            data = partial
            while part := os.read(descriptor, 1 << 16):
                data += part
            lines = data.splitlines(keepends=True)
            partial = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
            if lines:
                yield _shown(lines)
            if turned:
                os.close(descriptor)
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            elif not lines:
                time.sleep(POLL_S)
    finally:
        os.close(descriptor)


def _turned_over(path: Path, descriptor: int) -> bool:
    """Whether there is a new file under that name by now."""
    try:
        return path.stat().st_ino != os.fstat(descriptor).st_ino
    except FileNotFoundError:  # for a moment
        return False


def _shown(lines: "deque[bytes] | list[bytes]") -> str:
    return "".join(f"{printable(line.decode(errors='replace').rstrip())}\n" for line in lines)
