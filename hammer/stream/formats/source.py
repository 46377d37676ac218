"""Packed bytes for decoders: looked at ahead, taken in pieces, given back, skipped."""

from collections.abc import Callable, Iterator

Room = Callable[[], memoryview]
"""Where the next plain bytes may be put: memory that can be written to, never none."""


class Source:
    """The packed bytes that are left, of which what was given back comes first."""

    def __init__(self, chunks: Iterator[bytes], *, room: Room | None = None) -> None:
        """`room` is for the decoders that can choose where their bytes go."""
        self.room = room
        self._chunks = chunks
        self._chunk = b""
        self._at = 0

    def head(self, size_bytes: int) -> bytes:
        """The next bytes, which stay; fewer only at the end."""
        held = len(self._chunk) - self._at
        if held < size_bytes:
            parts = [self._chunk[self._at :]]
            while held < size_bytes and (more := next(self._chunks, b"")):
                parts.append(more)
                held += len(more)
            self._chunk, self._at = b"".join(parts), 0
        return self._chunk[self._at : self._at + size_bytes]

    def take(self, limit_bytes: int) -> bytes:
        """Up to `limit_bytes` of what is there next; empty at the end only."""
        while self._at == len(self._chunk):
            self._chunk, self._at = next(self._chunks, b""), 0
            if not self._chunk:
                return b""
        if not self._at and len(self._chunk) <= limit_bytes:
            taken, self._chunk = self._chunk, b""
            return taken
        taken = self._chunk[self._at : self._at + limit_bytes]
        self._at += len(taken)
        return taken

    def exactly(self, size_bytes: int) -> bytes:
        """The next `size_bytes`; fewer only at the end."""
        parts = bytearray()
        while len(parts) < size_bytes and (part := self.take(size_bytes - len(parts))):
            parts += part
        return bytes(parts)

    def give_back(self, data: bytes) -> None:
        """The end of what was taken last."""
        if not data:
            return
        if self._chunk and self._at >= len(data):
            self._at -= len(data)
        else:
            self._chunk, self._at = data + self._chunk[self._at :], 0

    def skip(self, size_bytes: int) -> int:
        """Pass over `size_bytes`; returns how many there were."""
        left = size_bytes
        while left and (part := self.take(left)):
            left -= len(part)
        return size_bytes - left

    def rest(self) -> Iterator[bytes]:
        """All that is left."""
        while data := self.take(1 << 30):
            yield data
