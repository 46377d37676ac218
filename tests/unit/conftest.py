"""Fixtures of the unit tests: a fake machine, and no programs."""

import subprocess
from pathlib import Path

import pytest

from hammer.host import mounts
from tests.unit.fakes import Bench


@pytest.fixture(autouse=True)
def _no_programs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("programs"):
        return

    def refuse(self: object, argv: object, *_args: object, **_kwargs: object) -> None:
        # A BaseException: no `except Exception` on the way can swallow it.
        pytest.fail(f"this test starts {argv}; use RecordedPrograms or @pytest.mark.programs")

    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    # Short waits: what is fake is busy for ever or not at all.
    monkeypatch.setattr(mounts, "BUSY_LIMIT_S", 0.0)
    return Bench(target=tmp_path / "rootfs")
