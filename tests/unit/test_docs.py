"""The pages say what the code does."""

import re
import shlex
from dataclasses import fields
from pathlib import Path

import pytest

from hammer.cmdline import Settings
from hammer.commands import parser
from hammer.host.memory import VARIABLE
from hammer.step import Step
from tests import rules_page
from tests.errors_page import page

REPOSITORY = Path(__file__).parents[2]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]


def test_the_page_of_errors_is_made_from_the_code() -> None:
    assert (REPOSITORY / "docs/errors.md").read_text() == page(), "run `make docs`"


def test_the_page_of_rules_is_made_from_the_code() -> None:
    assert (REPOSITORY / "docs/image-rules.md").read_text() == rules_page.page(), "run `make docs`"


def test_every_word_of_the_command_line_is_explained() -> None:
    text = (REPOSITORY / "docs/operator.md").read_text()
    for each in fields(Settings):
        assert f"`{each.metadata['word']}=" in text, each.metadata["word"]
    assert set(re.findall(r"`(hammer\.\w+)=", text)) <= {
        each.metadata["word"] for each in fields(Settings)
    }


def test_the_readme_shows_the_ten_steps_in_order() -> None:
    text = (REPOSITORY / "README.md").read_text()
    assert re.findall(r"^\| \d+ \| (\w+) \|", text, re.MULTILINE) == [str(step) for step in Step]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text()):
        if "://" not in link:
            assert (path.parent / link).exists(), link


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_make_targets_exist(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", path.read_text())) <= targets


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_commands_of_the_agent_parse(path: Path) -> None:
    for line in re.findall(r"^ {4}hammer (.+)$", path.read_text(), re.MULTILINE):
        words = shlex.split(line, comments=True)
        if "--help" not in words and "--version" not in words:
            parser().parse_args(words)


def test_images_are_told_the_name_of_the_record() -> None:
    told = (REPOSITORY / "docs/image-author.md").read_text()
    proof = (REPOSITORY / "tests/demo_image/metal-proof").read_text()
    for text in (told, proof):
        assert set(re.findall(r"HammerState\S*", text)) == {VARIABLE}
