"""Unpacking as the agent does it, from a server of one test, with short waits."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from hammer.stream.http import Patience
from hammer.stream.image import HttpImages, Unpacked
from tests import images
from tests.servers import Answer, Then, serve

PATIENCE = Patience(
    connect_s=5,
    stall_s=2,
    # A drip of a test is slower, and whatever a busy machine sends is faster.
    min_bytes_per_s=1000,
    window_s=1,
    # For what never gets better.
    retry_for_s=1,
    first_pause_s=0.05,
    longest_pause_s=0.2,
)
PERSISTENT = replace(PATIENCE, retry_for_s=120)
"""For what gets better, on the busiest machine."""


def install(
    answers: Mapping[str, Answer | Then],
    root: Path,
    *,
    path: str = images.PATH,
    progress: Callable[[int], None] = lambda _packed_bytes: None,
    patience: Patience = PATIENCE,
    readback: bool = False,
) -> Unpacked:
    """Ask for the image of a server with these answers, and unpack it."""
    agent = HttpImages(patience=patience, readback=readback)
    with serve(answers) as server:
        offer = agent.ask(server.url(path))
        return agent.unpack(offer, root, progress=progress)


def install_content(content: bytes, root: Path, *, readback: bool = False) -> Unpacked:
    """Unpack an image whose digest is right, whatever else may be wrong with it."""
    return install(images.published(content), root, readback=readback)


def install_entries(entries: images.Entries, root: Path) -> Unpacked:
    return install_content(images.image(entries), root)


def later(content: bytes, behaviour: Answer) -> dict[str, Answer | Then]:
    """The image is fine when it is asked for, and comes like this when it is unpacked."""
    return {**images.published(content), images.PATH: Then(content, behaviour)}


def descriptors() -> dict[str, str]:
    """Number and target of every open descriptor."""
    found = {}
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the one that lists them
            found[link.name] = str(link.readlink())
    return found


def children() -> list[str]:
    """Processes of ours that live, or are dead and not waited for."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(FileNotFoundError):  # a thread that has just ended has none
            found += (task / "children").read_text().split()
    return found
