"""A stream of chunks, handed out in the pieces that its reader asks for."""

from collections.abc import Iterator


class Flow:
    """Chunks of any size as one run of bytes, copied only where two chunks meet."""

    def __init__(self, chunks: Iterator[bytes] | Iterator[memoryview]) -> None:
        self._chunks = chunks
        self._chunk: bytes | memoryview = b""
        self._at = 0
        self._before = 0  # length of all chunks before this one

    @property
    def position(self) -> int:
        """How many bytes have been handed out."""
        return self._before + self._at

    @property
    def at(self) -> int:
        """How many bytes of the chunk in use have been handed out."""
        return self._at

    def piece(self, limit_bytes: int) -> memoryview:
        """Up to `limit_bytes` of what is there next; empty at the end only.

        The view is of the chunk itself, and valid for as long as that is.
        """
        size = self.pass_piece(limit_bytes)
        return memoryview(self._chunk)[self._at - size : self._at]

    def pass_piece(self, limit_bytes: int) -> int:
        """Pass over what `piece` would give; how many bytes that are."""
        size = min(limit_bytes, len(self.rest()))
        self._at += size
        return size

    def rest(self) -> memoryview:
        """What the chunk in use still has, without handing it out; empty at the end only."""
        while self._at == len(self._chunk):
            self._before += len(self._chunk)
            self._chunk = next(self._chunks, b"")
            self._at = 0
            if not self._chunk:
                break
        return memoryview(self._chunk)[self._at :]

    def take(self, size_bytes: int) -> bytes:
        """The next `size_bytes`, fewer only at the end."""
        end = self._at + size_bytes
        if end <= len(self._chunk):  # nearly always
            taken = bytes(self._chunk[self._at : end])
            self._at = end
            return taken
        parts = bytearray()
        while len(parts) < size_bytes and (piece := self.piece(size_bytes - len(parts))):
            parts += piece
        return bytes(parts)

    def holds(self, size_bytes: int) -> bool:
        """Whether the chunk in use has so much more."""
        return self._at + size_bytes <= len(self._chunk)

    def skip_to(self, position: int) -> bool:
        """Pass over what is left before a position ahead; False if the end comes before it."""
        at = position - self._before
        if at <= len(self._chunk):  # nearly always
            self._at = at
            return True
        while (left := position - self.position) and self.pass_piece(left):
            pass
        return left == 0

    def drain(self) -> None:
        """Read on to the end, so that what checks itself at its end does so."""
        while self.pass_piece(1 << 30):
            pass
