"""Tests side by side: those of whole installations one at a time, as one host is one machine."""

import fcntl
from collections.abc import Generator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LOCK = Path("/run/hammer-tests.lock")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """First what can only wait for its like: one worker has it, the other one all else."""
    items.sort(key=lambda item: not _installs(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Around fixtures, too. Not the agent's own lock, which is what some of the tests are about."""
    if not _installs(item):
        return (yield)
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return (yield)


def _installs(item: pytest.Item) -> bool:
    return item.path.parent in (HERE, HERE / "chroot")
