"""docs/contract.md says what the code does: tables, files and output are checked."""

import re
import shlex
from pathlib import Path

import pytest

from contract.__main__ import main
from contract.kinds import KINDS
from contract.reference import updated

PAGE = Path(__file__).parents[2] / "docs" / "contract.md"

_FILE = re.compile(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)
_RUN = re.compile(r"```console\n\$ contract (.*?)\n(.*?)```", re.DOTALL)


def test_the_tables_are_those_of_the_models() -> None:
    page = PAGE.read_text()
    assert page.count("<!-- keys of ") == len(KINDS)
    assert updated(page) == page, "run `make docs`"


def test_what_commands_print_is_what_they_print(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    page = PAGE.read_text()
    for name, text in _FILE.findall(page):
        Path(name).write_text(text)
    runs = _RUN.findall(page)
    assert len(runs) >= 4
    for arguments, printed in runs:
        main(shlex.split(arguments))
        assert capsys.readouterr().out == printed, arguments
