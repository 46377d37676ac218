"""The serial console of a guest, read while it grows: what it proves, and its last lines."""

import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

ANSI = re.compile(r"\x1b(?:\[[0-9;?=]*[A-Za-z]|[()][0-9A-Za-z]|[=>78c])")

# The last line of the agent (hammer.console, event `kexec`).
LAST_OF_AGENT = "kexec into "
BANNER = "Linux version "  # init/main.c: start_kernel
PANIC = "Kernel panic - not syncing"  # kernel/panic.c

TAIL_LINES = 30
# A guest may print for ever without the end of a line.
LONGEST_LINE = 4096


@dataclass(frozen=True, kw_only=True)
class Marker:
    """A line by which an installed system says that it is up."""

    name: str
    """What is waited for, in words."""
    pattern: re.Pattern[str]
    remark: str = ""
    """What is to be said when it is this one that came."""


def default_markers(hostname: str) -> tuple[Marker, ...]:
    """The best first: a prompt with the name of this machine, which no other system has."""
    return (
        Marker(
            name=f"`{hostname} login:`", pattern=re.compile(rf"(^|\s){re.escape(hostname)} login:$")
        ),
        # The demo image's, which compares its root with that of install.yaml.
        Marker(name="METAL-PROOF", pattern=re.compile(r"METAL-PROOF .*\bmatch=yes\b.*")),
        Marker(
            name="a login prompt",
            pattern=re.compile(r"^(\S+ )?login:$"),
            remark=f"the prompt does not name {hostname}: "
            "does the installer set the hostname of install.yaml?",
        ),
    )


class Transcript:
    """Give it the console piece by piece, and an empty piece when nothing came."""

    def __init__(
        self, markers: Sequence[Marker], *, on_line: Callable[[str], None] = lambda line: None
    ) -> None:
        self._markers = markers
        self._on_line = on_line
        self._partial = ""
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self.handed_over = False
        """Whether what comes is of the kernel that the agent started."""
        self.kernel_started = False
        """Whether that other one printed its version."""
        self.panic: str | None = None
        """The line by which a kernel gave up: of the ramdisk, unless `handed_over`."""
        self.marker: Marker | None = None
        self.marker_line = ""
        self.last = ""
        """The last line since `handed_over`."""

    def feed(self, text: str) -> None:
        if not text:
            # A prompt has no line end, and is complete when nothing follows.
            self._look(plain(self._partial).strip())
            return
        *lines, self._partial = (self._partial + text.replace("\r", "")).split("\n")
        for line in lines:
            self._take(plain(line))
        if len(self._partial) > LONGEST_LINE:
            self._take(plain(self._partial))
            self._partial = ""

    def hand_over(self, text: str) -> None:
        """Feed the piece in which the agent said its last word, and judge what follows it.

        The word may have come with an earlier piece: then all of this one follows.
        """
        before, word, after = text.rpartition(LAST_OF_AGENT)
        self.feed(before + word)
        self.handed_over = True
        self.feed(after)

    def end(self) -> None:
        """Nothing will follow."""
        self.feed("\n")

    def tail(self) -> list[str]:
        """The last lines with something on them, an unfinished one included."""
        lines = [*self._tail, plain(self._partial).rstrip()]
        return [line for line in lines if line][-TAIL_LINES:]

    def _take(self, line: str) -> None:
        line = line.rstrip()
        self._on_line(line)
        if not line:
            return
        self._tail.append(line)
        self._look(line)
        if PANIC in line and self.panic is None:
            self.panic = line[line.index(PANIC) :]
        if self.handed_over and LAST_OF_AGENT not in line:
            self.last = line
            self.kernel_started = self.kernel_started or BANNER in line

    def _look(self, line: str) -> None:
        if not self.handed_over or self.marker or LAST_OF_AGENT in line:
            return
        for marker in self._markers:
            if marker.pattern.search(line):
                self.marker, self.marker_line = marker, line
                return


def plain(text: str) -> str:
    """Without the control sequences that firmware and systemd draw with."""
    return ANSI.sub("", text)
