"""Somebody wanted it so: nothing is wrong, and it can go on."""

import time
from dataclasses import dataclass, field

from hammer.errors.base import Stop


@dataclass(eq=False, kw_only=True)
class Interrupted(Stop):
    """A person, a supervisor or a breakpoint stopped the command."""

    code = "interrupted"
    hint = "start it again when you are ready"

    by: str = "a signal"
    by_person: bool = False
    """At the console, who will look and decide what becomes of the machine."""
    where: str = ""
    """Where the installation is held for that person; empty: it was given up."""
    since_s: float = field(default_factory=time.monotonic)
    """When it was wanted: seconds of CLOCK_MONOTONIC."""

    def __str__(self) -> str:
        return f"stopped by {self.by}"
