"""`pip install .` without the extra brings the command `hammer`, and not what it needs."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
PACKAGES = [
    re.split(r"[><=]", requirement)[0] for requirement in PROJECT["optional-dependencies"]["agent"]
]


@pytest.mark.programs
@pytest.mark.parametrize("words", [["--version"], ["run"], ["image", "pack", "."], []])
def test_what_is_missing_is_told_in_one_line(words: list[str]) -> None:
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({PACKAGES}))\n"
        f"from hammer.__main__ import main; sys.exit(main({words}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(
        rf"hammer: the Python package ({'|'.join(PACKAGES)}) is missing: "
        r"install the agent with `pip install '\.\[agent\]'` in a checkout\n",
        done.stderr,
    )
