"""How slow the other side may be: a floor of throughput over windows of time."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Window:
    """A window of time that is over, and what came in it."""

    seconds: float
    count_bytes: int
    enough: bool

    @property
    def bytes_per_s(self) -> float:
        return self.count_bytes / self.seconds


class Floor:
    """Judges a connection by the time that was spent waiting for its bytes, and by no other.

    Only the seconds inside of a read count. While the reader is busy elsewhere, because the
    disk is slow, the clock stands still, and what has arrived meanwhile is in the buffers of
    the kernel: the next reads get it without waiting, at a rate that is far above any floor.
    So a sender is slow only if we were waiting for it.
    """

    def __init__(self, bytes_per_s: int, *, window_s: float) -> None:
        """`bytes_per_s` 0: nothing is too slow."""
        self._bytes_per_s = bytes_per_s
        self._window_s = window_s
        self._waited_s = 0.0
        self._count_bytes = 0

    def add(self, waited_s: float, count_bytes: int) -> Window | None:
        """Note a read; the window, if it is over with this one."""
        self._waited_s += waited_s
        self._count_bytes += count_bytes
        if self._waited_s < self._window_s:
            return None
        enough = self._count_bytes >= self._bytes_per_s * self._waited_s
        window = Window(seconds=self._waited_s, count_bytes=self._count_bytes, enough=enough)
        self._waited_s, self._count_bytes = 0.0, 0
        return window
