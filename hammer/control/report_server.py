"""A server that wants to know how an installation goes: hammer.report=URL.

Small JSON documents by POST, and the failure bundle as it is; docs/operator.md shows
them. A thread sends, so that a server that is away or slow stops nobody; only who
calls `tell_and_wait` waits, and has a limit.
"""

import json
import signal
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from hammer import VERSION
from hammer.stream.failures import FetchFailed
from hammer.stream.post import Answer, post
from hammer.stream.way import Way

CONNECT_LIMIT_S = 2.0
POST_LIMIT_S = 5.0
BUNDLE_LIMIT_S = 20.0
PAUSE_S = 0.5
"""Before something important is tried again."""
ATTEMPTS = 3
PATIENCE = 3
"""After so many failures in a row only what is important is tried."""
WAITING_MAX = 64
AHEAD_MAX = 2
"""Of what waits, so many are still sent before something important."""
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

OnTrouble = Callable[[str], None]
"""Is given a line for people."""


@dataclass(eq=False, kw_only=True)
class _Message:
    data: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    important: bool
    limit_s: float = POST_LIMIT_S
    answer: Answer | None = None
    done: threading.Event = field(default_factory=threading.Event)


class ReportServer:
    """Sends in the order of the calls. None of its methods raises."""

    def __init__(
        self, url: str, *, machine: str | None, on_trouble: OnTrouble, way: Way | None = None
    ) -> None:
        self._url = url
        self._way = way or Way()
        self._machine = machine
        self._boot = _boot_id()
        self._on_trouble = on_trouble
        self._waiting: deque[_Message] = deque()
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None
        self._failures = 0
        self._dropped = 0

    def tell(self, event: str, **fields: object) -> None:
        """Send it some time; never waits. While the server is away it may be dropped."""
        self._put(self._event(event, fields, important=False))

    def tell_and_wait(self, event: str, *, limit_s: float, **fields: object) -> Answer | None:
        """Send it before all that waits, some times if need be; None without an answer in time."""
        message = self._event(event, fields, important=True)
        self._put(message)
        message.done.wait(limit_s)
        return message.answer

    def send_bundle(self, name: str, data: bytes, *, limit_s: float) -> Answer | None:
        """Send a failure bundle as it is; None without an answer in time."""
        message = _Message(
            data=data,
            content_type=BUNDLE_TYPE,
            headers=bundle_headers(name, self._machine),
            important=True,
            limit_s=BUNDLE_LIMIT_S,
        )
        self._put(message)
        message.done.wait(limit_s)
        return message.answer

    def _event(self, event: str, fields: dict[str, object], *, important: bool) -> _Message:
        known = {
            "event": event,
            "machine": self._machine,
            "boot": self._boot,
            "agent": VERSION,
            "time_s": round(time.time(), 3),
        }
        if self._dropped:
            known["dropped"] = self._dropped
        return _Message(data=json.dumps({**known, **fields}).encode(), important=important)

    def _put(self, message: _Message) -> None:
        with self._news:
            if message.important:
                # Who waits for this one does not wait for all of those.
                self._drop(len(self._waiting) - AHEAD_MAX)
            elif len(self._waiting) >= WAITING_MAX:
                self._drop(1)
            self._waiting.append(message)
            if self._thread is None:
                # Not before there is something to say: a process without a server has no thread.
                self._thread = threading.Thread(target=self._send_all, daemon=True)
                self._thread.start()
            self._news.notify()

    def _drop(self, count: int) -> None:
        """Forget the oldest that nobody waits for."""
        droppable = [each for each in self._waiting if not each.important]
        for message in droppable[: max(0, count)]:
            self._waiting.remove(message)
            self._dropped += 1

    def _send_all(self) -> None:
        # Signals are for the main thread, whose system calls they interrupt.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while True:
            with self._news:
                while not self._waiting:
                    self._news.wait()
                message = self._waiting.popleft()
            if message.important or self._failures < PATIENCE:
                self._send(message)
            else:
                self._dropped += 1
            message.done.set()

    def _send(self, message: _Message) -> None:
        for attempt in range(ATTEMPTS if message.important else 1):
            if attempt:
                time.sleep(PAUSE_S)
            try:
                message.answer = post(
                    self._url,
                    message.data,
                    content_type=message.content_type,
                    headers=message.headers,
                    way=self._way,
                    connect_s=CONNECT_LIMIT_S,
                    limit_s=message.limit_s,
                )
            except FetchFailed as failure:
                self._failed(failure.reason)
            else:
                self._failures = 0
                return

    def _failed(self, reason: str) -> None:
        self._failures += 1
        if self._failures == 1:
            self._on_trouble(f"hammer.report: {reason}, going on without")
        elif self._failures == PATIENCE:
            self._on_trouble("hammer.report: from now on it is told the end of the story only")


BUNDLE_TYPE = "application/gzip"


def bundle_headers(name: str, machine: str | None) -> dict[str, str]:
    """What a server learns of a bundle beside its bytes."""
    about = {"content-disposition": f'attachment; filename="{name}"'}
    return about | ({"hammer-machine": machine} if machine else {})


def _boot_id() -> str | None:
    """A number that is another one after each start of the kernel (random(4))."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return None
