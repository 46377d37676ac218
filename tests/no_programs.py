"""The ban on programs, for the folders whose tests must touch nothing."""

import subprocess

import pytest


@pytest.fixture(autouse=True)
def no_programs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test that starts a program, unless it is marked with `programs`."""
    if request.node.get_closest_marker("programs"):
        return

    def refuse(self: object, argv: object, *_args: object, **_kwargs: object) -> None:
        # A BaseException: no `except Exception` on the way can swallow it.
        pytest.fail(f"this test starts {argv}; use a fake or @pytest.mark.programs")

    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
