"""The tree of errors keeps its promises."""

import ast
import dataclasses
import re
from pathlib import Path

import pytest

from hammer import errors, redact
from hammer.errors import HammerError
from tests.bad_input import ROWS
from tests.error_paths import PATHS, NoTest
from tests.errors_page import leaves

REPOSITORY = Path(__file__).parents[2]

LEAVES = list(leaves(HammerError))


@pytest.mark.parametrize("leaf", LEAVES)
def test_a_leaf_is_complete(leaf: type[HammerError]) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", leaf.code)
    assert leaf.hint
    assert not leaf.hint.endswith(".")
    assert leaf.exit_status in (2, 10, 20, 30, 40, 75)
    assert leaf.__doc__
    assert not leaf.__doc__.startswith(leaf.__name__ + "("), "a docstring of its own"
    assert all(field.kw_only for field in dataclasses.fields(leaf))  # type: ignore[arg-type]


def test_no_code_is_used_twice() -> None:
    codes = [leaf.code for leaf in LEAVES]
    assert sorted(codes) == sorted(set(codes))


def test_the_drawing_shows_every_leaf_and_nothing_else() -> None:
    assert errors.__doc__
    drawn = re.findall(r"[├└]── (\w+)", errors.__doc__)
    branches = {branch.__name__ for branch in HammerError.__subclasses__()}
    assert [name for name in drawn if name not in branches] == [leaf.__name__ for leaf in LEAVES]


def test_every_leaf_has_a_test_that_raises_it_or_a_reason_why_not() -> None:
    in_rows = {row.error for row in ROWS}
    assert set(PATHS) == set(LEAVES) - in_rows, "tests/error_paths.py, or a row of bad_input.py"


@pytest.mark.parametrize("leaf", PATHS, ids=lambda leaf: leaf.__name__)
def test_the_test_of_a_leaf_is_there_and_names_it(leaf: type[HammerError]) -> None:
    path = PATHS[leaf]
    if isinstance(path, NoTest):
        assert len(path.because) > 20
        return
    file, _, name = path.partition("::")
    text = (REPOSITORY / file).read_text()
    functions = {
        node.name: [node, *node.decorator_list]
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef)
    }
    assert name in functions
    code = "\n".join(ast.get_source_segment(text, each) or "" for each in functions[name])
    assert re.search(rf"\b{leaf.__name__}\b|\b{leaf.code}\b", code), "it tests something else"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://images.test/img.tar.lz4", "http://images.test/img.tar.lz4"),
        ("https://me:hunter2@images.test:8443/img", "https://images.test:8443/img"),
        ("https://images.test/img?sig=hunter2#hunter2", "https://images.test/img?..."),
        ("http://[::1]:80/img", "http://[::1]:80/img"),
        ("/etc/hammer/machine.yaml", "/etc/hammer/machine.yaml"),
        ("http://hunter2:x@[::1", "(not a URL)"),
        ("file:///img.tar.lz4", "file:///img.tar.lz4"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert redact.url(url) == shown
