"""Fixtures of the unit tests: a fake machine, and no programs."""

from pathlib import Path

import pytest

from hammer.host import mounts
from tests.no_programs import no_programs
from tests.unit.fakes import Bench

__all__ = ["no_programs"]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    # Short waits: what is fake is busy for ever or not at all.
    monkeypatch.setattr(mounts, "BUSY_LIMIT_S", 0.0)
    return Bench(target=tmp_path / "rootfs")
