"""The tree of errors keeps its promises."""

import dataclasses
import re

import pytest

from hammer import errors, redact
from hammer.errors import HammerError
from tests.errors_page import leaves

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
