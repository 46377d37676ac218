r"""A person at the serial console of a guest: reads, types, and may be slow.

    with at_terminal(guest, "hammer.on_failure=shell") as terminal:
        terminal.expect(r"FAILED \[document-missing\]")
        terminal.line("hammer status")
        terminal.expect_event("failed")

What the guest says is read all the time, so that it never waits for the test;
unless `bytes_per_s` says otherwise, then it waits as it does for a real line.
A line of 9600 baud is BAUD_9600, a terminal that nobody reads is 0. Events come
by the second serial port, which is always fast.

Ctrl-C is for a program that has said something: while a shell reads a line it is a
character as others are.
"""

import codecs
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from hammer.host.qemu import Guest, Running
from hammer.image.trial.events import Event
from tests.vm.verdict import events_in, plain, tail

# Ten bits a character: start, eight of data, stop.
BAUD_9600 = 960.0
# For everything that is waited for: guests are emulated, and may share a core with others.
WITHIN_S = 180.0
POLL_S = 0.1

PROMPT = r"^hammer \((.*)\) .*# $"
"""Of the shell on the console; the group says where the installation stands."""


class Terminal:
    def __init__(
        self, line: socket.socket, guest: Guest, running: Running, *, bytes_per_s: float | None
    ) -> None:
        self.running = running
        self.bytes_per_s = bytes_per_s
        """How fast the guest's output is read; None: as it comes, 0: not at all. May be changed."""
        self._line = line
        self._guest = guest
        self._new = self._all = ""
        self._ended = False
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def send(self, text: str) -> None:
        """Type exactly this."""
        self._line.sendall(text.encode())

    def line(self, text: str) -> None:
        """Type this and the Enter key."""
        self.send(text + "\r")

    def ctrl_c(self) -> None:
        self.send("\x03")

    def expect(self, pattern: str, *, within_s: float = WITHIN_S) -> re.Match[str]:
        """Wait until the guest says this; ^ and $ are ends of lines.

        Looks only at what came after the last match, control sequences and carriage
        returns taken out. What was typed is there, too: the guest echoes it. AssertionError
        with the last lines when it does not come, or the guest ends.
        """
        wanted, ends_s = re.compile(pattern, re.MULTILINE), time.monotonic() + within_s
        with self._changed:
            while True:
                text = plain(self._new).replace("\r", "")
                if match := wanted.search(text):
                    self._new = text[match.end() :]
                    return match
                left_s = ends_s - time.monotonic()
                if self._ended or left_s <= 0:
                    break
                self._changed.wait(left_s)
        raise self._missing(f"{pattern!r} on the console", within_s)

    def said(self) -> str:
        """All that came so far, control sequences taken out."""
        with self._changed:
            return plain(self._all).replace("\r", "")

    def events(self) -> list[Event]:
        """All events so far, of this boot."""
        return list(events_in(self._guest.second_port.read_text(errors="replace")))

    def expect_event(self, name: str, *, within_s: float = WITHIN_S, **fields: object) -> Event:
        """Wait for an event with these fields, and return the first such one of this boot."""
        ends_s = time.monotonic() + within_s
        while True:
            ended = self.running.status() is not None
            for event in self.events():
                if event["event"] == name and fields.items() <= event.items():
                    return event
            if ended or time.monotonic() > ends_s:
                raise self._missing(f"event {name} {fields}", within_s)
            time.sleep(POLL_S)

    def expect_nth(self, name: str, number: int, **fields: object) -> Event:
        """Wait for the event with these fields that is the `number`th of this boot, from 1."""
        ends_s = time.monotonic() + WITHIN_S
        while True:
            ended = self.running.status() is not None
            found = [e for e in self.events() if e["event"] == name and fields.items() <= e.items()]
            if len(found) >= number:
                return found[number - 1]
            if ended or time.monotonic() > ends_s:
                raise self._missing(f"event {name} {fields} no. {number}", WITHIN_S)
            time.sleep(POLL_S)

    def wait_for_end(self, *, within_s: float = WITHIN_S) -> None:
        """Wait until the machine is off, or has restarted (which ends QEMU as well)."""
        ends_s = time.monotonic() + within_s
        while self.running.status() is None:
            if time.monotonic() > ends_s:
                raise self._missing("end of the guest", within_s)
            time.sleep(POLL_S)

    def _missing(self, what: str, within_s: float) -> AssertionError:
        why = "before the guest ended" if self._ended else f"within {within_s:g} s"
        console = self._guest.console
        return AssertionError(f"no {what} {why}\n--- last lines of {console}\n{tail(console)}")

    def _read(self) -> None:
        text = codecs.getincrementaldecoder("utf-8")("replace")
        while True:
            rate = self.bytes_per_s
            if rate == 0:
                time.sleep(POLL_S)
                continue
            try:
                data = self._line.recv(1 << 16 if rate is None else 16)
            except OSError:
                data = b""
            with self._changed:
                came = text.decode(data)
                self._new += came
                self._all += came
                self._ended = not data
                self._changed.notify_all()
            if not data:
                return
            if rate is not None:
                time.sleep(len(data) / rate)


@contextmanager
def at_terminal(
    guest: Guest, cmdline: str = "", *, bytes_per_s: float | None = None
) -> Iterator[Terminal]:
    """Start the guest with a person at its console. On the way out the plug is pulled."""
    guest.work.mkdir(parents=True, exist_ok=True)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        guest = replace(guest, line_fd=theirs.fileno())
        with guest.started(cmdline) as running:
            # Only QEMU has it now, so that its end is the end of the line.
            theirs.close()
            yield Terminal(ours, guest, running, bytes_per_s=bytes_per_s)
