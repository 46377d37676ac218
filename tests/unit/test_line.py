"""A line that is slow or stuck holds nobody up, and tells what it had to leave out."""

import contextlib
import fcntl
import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest

from hammer.host.line import DETAIL_LINES, KEPT_LINES, PIECE_BYTES, Line, opened_line
from tests.unit.screen import Screen, rows

PIPE_BYTES = 4096
LIMIT_S = 60.0  # never reached, but by a bug


def told(lines: int) -> str:
    return f"... {lines}\n"


def placed(said: list[str]) -> tuple[dict[int, str], int]:
    """Lines by their places among all that were told, those left out counted; how many in all."""
    heard, place = {}, 0
    for line in said:
        if line.startswith("... "):
            place += int(line.removeprefix("... "))
        else:
            heard[place] = line
            place += 1
    return heard, place


class Pipe:
    """A pipe whose reader begins to read when it is asked, and then reads to the end."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        fcntl.fcntl(self._write, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self.line = Line(self._write, left_out=told)

    def close(self) -> None:
        for descriptor in (self._read, self._write):
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def fill(self) -> int:
        """Write twice of what matters that the pipe can take; how many lines that were.

        So the thread comes to nothing that is told after them, but for one detail.
        It may be anywhere on its way to there: nothing says when it runs.
        """
        lines = 2 * PIPE_BYTES // 64
        self.line.write("".join(f"{number:063}\n" for number in range(lines)))
        return lines

    def read_all(self) -> list[str]:
        """Read until all is written."""
        said = bytearray()

        def read() -> None:
            while part := os.read(self._read, 1 << 16):
                said.extend(part)

        reader = threading.Thread(target=read)
        reader.start()
        assert self.line.flush(within_s=LIMIT_S)
        os.close(self._write)
        reader.join()
        return said.decode().splitlines()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.close()


def test_all_lines_in_their_order(pipe: Pipe) -> None:
    for number in range(100):
        (pipe.line.write if number % 3 else pipe.line.write_detail)(f"{number}\n")
    assert pipe.read_all() == [str(number) for number in range(100)]


def test_nobody_reads_and_the_oldest_detail_is_left_out(pipe: Pipe) -> None:
    filled = pipe.fill()
    for number in range(DETAIL_LINES + 50):
        pipe.line.write_detail(f"detail {number}\n")
    pipe.line.write("step\n")
    pipe.line.write_detail("more\n")
    heard, lines = placed(pipe.read_all())
    assert lines == filled + DETAIL_LINES + 52
    expected = {number: f"{number:063}" for number in range(filled)}
    # The oldest went for the 50 that were too many, and one more for "more".
    expected |= {filled + n: f"detail {n}" for n in range(51, DETAIL_LINES + 50)}
    expected |= {lines - 2: "step", lines - 1: "more"}
    assert expected.items() <= heard.items()
    # One may be left that the thread had taken before.
    others = [(place, line) for place, line in heard.items() if place not in expected]
    assert others in ([], [(filled + n, f"detail {n}") for n in range(51) if filled + n in heard])
    assert len(others) <= 1


def test_what_is_left_out_at_the_end_is_told_too(pipe: Pipe) -> None:
    filled = pipe.fill()
    pipe.line.write_detail("detail 0\n" * 3)
    # Nobody reads yet: half of no time is over at once, and detail is given up.
    assert not pipe.line.flush(within_s=0)
    pipe.line.write("end\n")
    said = pipe.read_all()[filled:]
    assert said in (["... 3", "end"], ["detail 0", "... 2", "end"])


def test_what_matters_has_a_limit_too(pipe: Pipe) -> None:
    filled = pipe.fill()
    pipe.line.write("".join(f"warning {number}\n" for number in range(2 * KEPT_LINES)))
    heard, lines = placed(pipe.read_all())
    assert lines == filled + 2 * KEPT_LINES
    kept = {filled + n: f"warning {n}" for n in range(KEPT_LINES + 1, 2 * KEPT_LINES)}
    assert kept.items() <= heard.items()
    assert len(heard) <= KEPT_LINES + (PIPE_BYTES + PIECE_BYTES) // 8


def test_a_reader_that_is_gone() -> None:
    read, write = os.pipe()
    os.close(read)
    gone = Line(write, left_out=told)
    gone.write("hello\n")
    assert gone.flush(within_s=LIMIT_S)
    os.close(write)


def test_a_terminal() -> None:
    ours, theirs = pty.openpty()
    line = opened_line(Path(os.ttyname(theirs)), left_out=told)
    assert line is not None
    line.write("hello\n")
    assert line.flush(within_s=LIMIT_S)
    assert os.read(ours, 100) == b"hello\r\n"
    line.discard()
    os.close(ours)
    os.close(theirs)


def test_what_is_drawn_is_gone_when_a_line_comes() -> None:
    screen = Screen()
    line = Line(screen.stdout.fileno(), left_out=told)
    line.write("before\n")
    line.draw("10 %")
    said = screen.raw(until="10 %\x1b[K\r")
    line.draw("20 %")
    said += screen.raw(until="20 %\x1b[K\r")
    line.write("hello\n")
    line.write_detail("end\n")
    said += screen.raw(until="end\r\n")
    assert rows(said) == ["before", "hello", "end", ""]
    screen.close()


def test_of_what_is_drawn_the_newest_is_enough(pipe: Pipe) -> None:
    filled = pipe.fill()
    for number in range(1000):
        pipe.line.draw(f"{number} %")
    said = pipe.read_all()
    assert said[:filled] == [f"{number:063}" for number in range(filled)]
    # It is drawn behind what there was to write, which is over by then; or one was before.
    assert len(said) <= filled + 2
    assert not any(line.startswith("...") for line in said)


def test_a_line_that_comes_takes_what_was_to_be_drawn_away(pipe: Pipe) -> None:
    filled = pipe.fill()
    pipe.line.draw("10 %")
    pipe.line.write("end\n")
    assert pipe.read_all() == [*(f"{number:063}" for number in range(filled)), "end"]


def test_what_is_discarded_does_not_come_later(pipe: Pipe) -> None:
    filled = pipe.fill()
    pipe.line.write("kept\n" * 1000)
    pipe.line.write_detail("detail\n" * 1000)
    pipe.line.discard()
    pipe.line.write("end\n")
    said = pipe.read_all()
    # What the pipe and the thread had in their hands is out of reach.
    assert len(said) < filled
    assert said[-2].startswith("... ")
    assert said[-1] == "end"


def test_what_is_no_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert opened_line(file, left_out=told) is None
    assert opened_line(tmp_path / "missing", left_out=told) is None
    assert opened_line(tmp_path, left_out=told) is None


def test_a_fork_can_tell_without_being_stuck(pipe: Pipe) -> None:
    pipe.fill()
    child = os.fork()
    if child == 0:
        try:
            for _ in range(2 * KEPT_LINES):
                pipe.line.write("from the child\n")
                pipe.line.write_detail("from the child\n")
        finally:
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert "from the child" not in pipe.read_all()


class Raised(Exception):
    pass


def test_signals_that_raise_anywhere_leave_it_usable(pipe: Pipe) -> None:
    def interrupt(_: int, __: FrameType | None) -> None:
        raise Raised

    before = signal.signal(signal.SIGALRM, interrupt)
    interrupted = written = 0
    try:
        while interrupted < 500:
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.0002)
                while True:
                    pipe.line.write_detail(f"{written}\n")
                    written += 1
            except Raised:
                interrupted += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    pipe.line.write("end\n")
    said = pipe.read_all()
    assert said[-1] == "end"
    numbers = [int(line) for line in said if line.isdigit()]
    assert numbers == sorted(numbers)


STUCK = """
import os
from hammer.host.line import Line
read, write = os.pipe()
line = Line(write, left_out=str)
line.write("x" * 79 + "\\n")
for _ in range(4000):
    line.write("x" * 79 + "\\n")
assert not line.flush(within_s=0.1)
"""


@pytest.mark.programs
def test_a_process_ends_though_its_line_is_stuck() -> None:
    subprocess.run([sys.executable, "-c", STUCK], check=True, timeout=LIMIT_S)
