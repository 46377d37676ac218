"""What the tests of the commands for images share."""

import signal
from collections.abc import Iterator

import pytest

from hammer.report import SIGNALS


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    """The end of a command ignores signals; that of a test must not."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
