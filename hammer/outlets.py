"""Where the words of the agent go in the ramdisk: the console, the logs, a second serial line.

Nothing of it can hold an installation up. The logs have everything, up to their size; the lines
have what they can take, and of what they leave out they say so.
"""

import logging
import os
from pathlib import Path
from typing import TextIO

from hammer.bar import bar_sink
from hammer.console import (
    MIB,
    Console,
    Sink,
    json_sink,
    left_out_json,
    left_out_text,
    log_sink,
    text_sink,
)
from hammer.host.line import Line, opened_line
from hammer.host.ring import Ring
from hammer.host.terminal import columns_of, has_cursor
from hammer.report import log_to

LOG = "hammer.log"
EVENTS = "events.jsonl"
# Memory of the machine: an installer may print for ever.
LOG_LIMIT_BYTES = 8 * MIB
EVENTS_LIMIT_BYTES = 16 * MIB

# Each line, before kexec: what is not on a line by then is lost.
KEXEC_FLUSH_S = 2.0
# At the end of the process, which has a cause to tell: a screen is 2 s at 9600 baud.
END_FLUSH_S = 10.0


class Outlets:
    def __init__(self, directory: Path, stdout: TextIO | None) -> None:
        """Logs are kept in `directory`; `stdout` is the console, None: there is none."""
        log = Ring(directory / LOG, limit_bytes=LOG_LIMIT_BYTES)
        log_to(logging.StreamHandler(log))
        events = Ring(directory / EVENTS, limit_bytes=EVENTS_LIMIT_BYTES)
        console = os.dup(stdout.fileno()) if stdout else os.open(os.devnull, os.O_WRONLY)
        line = Line(console, left_out=left_out_text)
        text = text_sink(line.write, write_detail=line.write_detail)
        self._lines = [line]
        self._own_lines: list[Line] = []
        sinks, live = [log_sink(log.write), json_sink(events.write)], list[Sink]()
        if stdout and has_cursor(stdout):
            live.append(bar_sink(text, line.draw, columns=lambda: columns_of(stdout)))
        else:
            sinks.append(text)
        self.console = Console(sinks, live=live, flush=lambda: self._flush(KEXEC_FLUSH_S))

    def add_events(self, path: Path) -> None:
        """Events go there, too: to a serial line or a file; a disk gets nothing whatever is asked.

        What cannot be opened gets nothing either.
        """
        if line := opened_line(path, left_out=left_out_json):
            self._lines.append(line)
            self._own_lines.append(line)
            self.console.tell_also(json_sink(line.write, write_detail=line.write_detail))
        elif path.is_file() or not path.exists():
            ring = Ring(path, limit_bytes=EVENTS_LIMIT_BYTES)
            self.console.tell_also(json_sink(ring.write))

    def end(self) -> None:
        """Give the lines a last time to take what was told; then the process may end."""
        self._flush(END_FLUSH_S)
        for line in self._own_lines:
            line.discard()

    def _flush(self, within_s: float) -> None:
        for line in self._lines:
            line.flush(within_s=within_s)
