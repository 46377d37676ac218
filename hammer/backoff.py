"""How long a machine waits after a failure, and when it stops trying."""

from dataclasses import dataclass

ATTEMPTS_MAX = 3
"""Failures in a row after which a machine waits for a person."""
GROWTH = 4


@dataclass(frozen=True, kw_only=True)
class Next:
    """What becomes of the machine after a failure."""

    restart_s: int | None
    """Restart after so many seconds; None: stop, and wait for a person."""

    def __str__(self) -> str:
        """The line of /run/hammer/next, which initramfs/init obeys."""
        return "stop" if self.restart_s is None else f"restart {self.restart_s}"


def after(failures: int, *, backoff_s: int) -> Next:
    """What follows the failure number `failures` (from 1) in a row."""
    if failures >= ATTEMPTS_MAX:
        return Next(restart_s=None)
    return Next(restart_s=backoff_s * GROWTH ** (failures - 1))
