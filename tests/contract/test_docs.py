"""docs/contract.md and docs/editor.md say what the code does: tables, files, commands, output."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import contract
from contract.__main__ import main
from contract.kinds import KINDS
from contract.reference import updated

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "contract.md"
EDITOR = DOCS / "editor.md"

_FILE = re.compile(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)
_RUN = re.compile(r"```console\n\$ contract (.*?)\n(.*?)```", re.DOTALL)


def test_the_tables_are_those_of_the_models() -> None:
    page = PAGE.read_text()
    assert page.count("<!-- keys of ") == len(KINDS)
    assert page.count("<!-- kinds -->") == 1
    assert updated(page) == page, "run `make docs`"


def test_the_map_of_the_package_names_every_module_once() -> None:
    folder = Path(contract.paths.__file__).parent
    told = re.findall(r"[a-z_0-9]{4,}", re.sub(r"\(.*?\)", "", contract.__doc__ or ""))
    for module in folder.glob("[a-z]*.py"):
        assert told.count(module.stem) == 1, module.stem


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


@pytest.mark.programs
def test_every_command_of_the_page_for_editors(tmp_path: Path) -> None:
    page = EDITOR.read_text()
    for name, text in _FILE.findall(page):
        (tmp_path / name).write_text(text)
    # The programs are those of the environment that the tests run in.
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    blocks = re.findall(r"```console\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == page.count("```console") >= 4
    for block in blocks:
        commands = re.findall(r"^\$ (.*)\n", block, re.MULTILINE)
        done = subprocess.run(
            ["sh", "-c", "\n".join(commands)],
            cwd=tmp_path,
            env={**os.environ, "PATH": programs},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        printed = re.sub(r"^\$ .*\n", "", block, flags=re.MULTILINE)
        assert (done.stdout, done.stderr) == (printed, ""), commands
    _names_files_that_are_there(page, tmp_path)


def _names_files_that_are_there(page: str, folder: Path) -> None:
    (modeline,) = re.findall(r"^# yaml-language-server: \$schema=(\S+)$", page, re.MULTILINE)
    (settings,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    schemas = json.loads(settings)["yaml.schemas"]
    for name in (modeline, *schemas):
        assert json.loads((folder / name).read_text())["$schema"]
    assert all((folder / documents[0]).is_file() for documents in schemas.values())
