"""Chunks that a thread computes ahead of whoever uses them."""

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue


def ahead(chunks: Iterator[bytes], *, depth: int, wait: bool = False) -> Generator[bytes]:
    """Yield `chunks` in their order, up to `depth` of them computed before they are asked for.

    What the iterator raises is raised here, in its turn. A user who stops early
    does not wait for the thread, unless `wait` says so: whoever closes the file that the
    thread reads must, or the thread may read from the next file with the same number.
    """
    ready: SimpleQueue[bytes] = SimpleQueue()
    room: SimpleQueue[bool] = SimpleQueue()
    for _ in range(depth):
        room.put(True)

    def work() -> None:
        try:
            for chunk in chunks:
                if not room.get():
                    return
                ready.put(chunk)
        finally:
            ready.put(b"")

    thread = ThreadPoolExecutor(1, thread_name_prefix="ahead")
    done = thread.submit(work)
    try:
        while chunk := ready.get():
            yield chunk
            room.put(True)
        done.result()
    finally:
        room.put(False)
        thread.shutdown(wait=wait)
