"""What a test may have left behind."""

import os
import time
from collections.abc import Callable
from pathlib import Path


def pids_with(work: Path, *, name: str = "") -> list[str]:
    """Running processes whose command line has `work` and `name` in it."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or process.name == str(os.getpid()):
            continue
        try:
            command = (process / "cmdline").read_bytes().decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if str(work) in command and name in command:
            found.append(process.name)
    return found


def wait_for(condition: Callable[[], bool]) -> None:
    limit_s = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < limit_s
        time.sleep(0.05)
