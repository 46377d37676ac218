"""What the agent in a guest reports on the second serial port: a line of JSON per event."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from hammer.image.trial.transcript import plain

Event = dict[str, Any]

# Firmware writes to every serial port it finds, and in colours: a line of ours
# can begin in the middle of one of its.
EVENT = re.compile(r'\{"event".*\}')


class EventReader:
    """Finds events in text that arrives in pieces."""

    def __init__(self) -> None:
        self._partial = ""

    def feed(self, text: str) -> Iterator[Event]:
        """The events that `text` completes."""
        *lines, self._partial = (self._partial + text).split("\n")
        for line in lines:
            if found := EVENT.search(plain(line)):
                try:
                    yield json.loads(found.group())
                except json.JSONDecodeError:
                    continue  # cut by the end of the guest


def events_in(text: str) -> Iterator[Event]:
    """All events of a text that is complete."""
    yield from EventReader().feed(text + "\n")


def seconds(events: Iterable[Event]) -> dict[str, float]:
    """How long each step took that ended."""
    return {
        said["step"]: said["seconds"]
        for said in events
        if said["event"] == "step" and said["state"] == "end"
    }
