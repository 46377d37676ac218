"""Progress as a bar, for a terminal with a cursor: one line, drawn anew."""

from collections.abc import Callable
from contextlib import suppress

from hammer.console import COLUMNS, Event, Sink, Write, left_of, prefix_of, rate_of, text_of

LEAST_BAR = 8
"""Columns; a shorter one says less than the percentage does."""


def bar_sink(text: Sink, draw: Write, *, columns: Callable[[], int]) -> Sink:
    """Progress is drawn; all else is for `text`, which replaces what was drawn.

    `columns` tells how wide the terminal is now, and may raise OSError, as `draw` may.
    """

    def sink(event: Event) -> None:
        if event["event"] == "progress":
            with suppress(OSError):
                draw(bar(event, columns=columns()))
        else:
            text(event)

    return sink


def bar(event: Event, *, columns: int) -> str:
    """The line of a progress. The last column stays free: terminals wrap after it."""
    width = min(columns, COLUMNS) - 1
    done, total, prefix = event["done_bytes"], event["total_bytes"], prefix_of(event)
    if not isinstance(done, int) or not isinstance(total, int) or not total:
        (line,) = text_of(event, columns=None)
        return _cut(line, prefix, width)
    # Of the same width all the time, or the bar would jump.
    percent = f"{done * 100 // total:>3} %"
    speed = f"{rate_of(event):>12}  {left_of(event):>12}"
    room = width - len(f"{prefix}{percent} [] {speed}")
    if room < LEAST_BAR:
        return _cut(f"{prefix}{percent} {speed}", prefix, width)
    filled = "#" * (done * room // total)
    return f"{prefix}{percent} [{filled:.<{room}}] {speed}"


def _cut(line: str, prefix: str, width: int) -> str:
    """Without its prefix when it is too long, and without its end if that does not help."""
    return (line if len(line) <= width else line.removeprefix(prefix))[:width]
