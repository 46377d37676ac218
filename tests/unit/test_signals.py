"""A signal stops a command once, wherever it falls, and leaves its clean-up alone."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from hammer.errors import HammerError, Interrupted
from hammer.report import ignore_signals, raise_on_signals


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    hook, alarm = sys.unraisablehook, signal.getsignal(signal.SIGALRM)
    raise_on_signals()
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, alarm)
    sys.unraisablehook = hook


def press(number: signal.Signals = signal.SIGINT) -> None:
    os.kill(os.getpid(), number)


def wait() -> None:
    while True:
        time.sleep(0.01)


def pressed(number: signal.Signals = signal.SIGINT) -> None:
    press(number)
    wait()


def stopped(command: Callable[[], None]) -> Interrupted:
    """How a command ends that is stopped in the middle."""
    with pytest.raises(Interrupted) as caught:
        command()
    ignore_signals()
    return caught.value


@pytest.mark.parametrize(
    ("number", "by", "person"),
    [(signal.SIGINT, "Ctrl-C", True), (signal.SIGTERM, "SIGTERM", False)],
)
def test_who_stopped_it(number: signal.Signals, by: str, person: bool) -> None:
    error = stopped(lambda: pressed(number))
    assert (error.by, error.by_person) == (by, person)


def test_in_a_finalizer_it_is_not_lost(capsys: pytest.CaptureFixture[str]) -> None:
    """Python drops what a finalizer raises."""

    class Finalized:
        def __del__(self) -> None:
            pressed()

    def command() -> None:
        Finalized()
        wait()

    stopped(command)
    assert capsys.readouterr().err == ""


def test_taken_for_another_error_it_is_not_lost() -> None:
    def command() -> None:
        for _ in range(2):
            with suppress(HammerError):
                pressed()
        wait()

    stopped(command)


def test_a_clean_up_is_left_in_peace() -> None:
    """However long it takes, and whatever else goes wrong and is mended in it."""
    cleaned = []

    def command() -> None:
        try:
            pressed()
        finally:
            press()
            for _ in range(40):
                time.sleep(0.01)
                with suppress(ValueError):
                    raise ValueError
                cleaned.append(1)

    stopped(command)
    assert len(cleaned) == 40


def test_after_the_end_nothing_is_raised() -> None:
    stopped(pressed)
    press()
    time.sleep(0.3)
