"""Fixtures of the unit tests: a fake machine, and no programs."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from hammer.host import mounts
from hammer.report import SIGNALS
from tests.no_programs import no_programs
from tests.unit.fakes import Bench

__all__ = ["no_programs"]


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    """The end of a command ignores signals; that of a test must not."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    # Short waits: what is fake is busy for ever or not at all.
    monkeypatch.setattr(mounts, "BUSY_LIMIT_S", 0.0)
    return Bench(target=tmp_path / "rootfs")
