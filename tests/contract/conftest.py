"""Fixtures of the contract's tests: no programs."""

import subprocess

import pytest
from hypothesis import HealthCheck, settings

# The machine may be busy with guests: slow is not wrong.
settings.register_profile("contract", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("contract")


@pytest.fixture(autouse=True)
def _no_programs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("programs"):
        return

    def refuse(self: object, argv: object, *_args: object, **_kwargs: object) -> None:
        # A BaseException: no `except Exception` on the way can swallow it.
        pytest.fail(f"this test starts {argv}; use @pytest.mark.programs")

    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
