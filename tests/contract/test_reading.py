"""Text that comes from anywhere: what is taken, what is refused, and how fast."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import contract
from contract import yaml_events
from contract.values import Value
from contract.yaml_limits import MAX_DEPTH, Unreadable
from contract.yaml_reader import read
from tests.contract.broken_documents import UNREADABLE
from tests.contract.documents import problems_of

LIMIT_S = 10
"""Of CPU: no benchmark. What is quadratic takes minutes, the rest less than a second."""


@pytest.mark.parametrize(
    ("text", "problem"), [row[1:] for row in UNREADABLE], ids=[row[0] for row in UNREADABLE]
)
def test_a_text_that_is_refused(text: bytes, problem: str) -> None:
    start = time.process_time()
    with pytest.raises(contract.NotYaml) as caught:
        contract.load(contract.BootInfo, text, name="x.yaml")
    # Some of these took minutes with the usual loader.
    assert time.process_time() - start < LIMIT_S
    assert len(caught.value.problems) == 1
    assert problem in caught.value.problems[0]
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (b"a: 1\n", {"a": 1}),
        (b"---\na: 1\n...\n", {"a": 1}),
        (b"%YAML 1.1\n---\na: 1\n", {"a": 1}),
        (b"\xef\xbb\xbfa: 1\n", {"a": 1}),
        (b"a: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
        (b"a: [1, {b: [c]}]\n", {"a": (1, {"b": ("c",)})}),
        (b"a: !!str 1\nb: ! 2\n", {"a": "1", "b": "2"}),
        (b"a: !!seq [1]\nb: !!map {c: 1}\n", {"a": (1,), "b": {"c": 1}}),
        (b"a: &anchor 1\n", {"a": 1}),
        (b"1: a\ntrue: b\n~: c\n", {"1": "a", "true": "b", "~": "c"}),
        (b'{"a": "\\ud83d\\ude00 \\u003c \\/"}', {"a": "\U0001f600 < /"}),
        (b'{\n\t"a": 1,\n\t"b": [true, null]\n}\n', {"a": 1, "b": (True, None)}),
        (b' \n{"a": 1e3, "b": -0.5}', {"a": 1000.0, "b": -0.5}),
        (b"{a: 1, b: x}", {"a": 1, "b": "x"}),
        (b"a: |\n  x\n   y\nb: >-\n  x\n  y\n", {"a": "x\n y\n", "b": "x y"}),
        (b"a: [" + b"[" * (MAX_DEPTH - 2) + b"]" * (MAX_DEPTH - 2) + b"]", None),
    ],
)
def test_a_text_that_is_taken(text: bytes, values: dict[str, Value] | None) -> None:
    assert read(text) == (values if values is not None else read(text))


@pytest.mark.parametrize(
    ("plain", "value"),
    [
        ("2019-07-01T09:41:43Z", "2019-07-01T09:41:43Z"),
        ("2019-07-01", "2019-07-01"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("n", "n"),
        ("12:34:56:12:34:56", "12:34:56:12:34:56"),
        ("190:20:30", "190:20:30"),
        ("0123", "0123"),
        ("0o17", "0o17"),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("=", "="),
        ("<<", "<<"),
        ("8300", 8300),
        ("-1", -1),
        ("+7", 7),
        ("0", 0),
        ("0x1F", 31),
        ("9" * 31, int("9" * 31)),
        ("9" * 5000, "9" * 5000),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-.inf", float("-inf")),
        ("1.2.3", "1.2.3"),
        ("nan", "nan"),
    ],
)
def test_what_a_plain_scalar_means(plain: str, value: Value) -> None:
    values = read(f"a: {plain}\n".encode())
    assert isinstance(values, dict)
    found = values["a"]
    assert (type(found), found) == (type(value), value)


def test_a_quoted_scalar_is_text() -> None:
    assert read(b"a: '1'\nb: \"true\"\nc: ''\nd: |-\n  1\n") == {
        "a": "1",
        "b": "true",
        "c": "",
        "d": "1",
    }


def test_the_parser_in_python_refuses_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_events, "_Loader", yaml.SafeLoader)
    for name, text, _problem in UNREADABLE:
        if len(text) < 10_000:
            with pytest.raises(contract.NotYaml):
                pytest.fail(f"{name}: {contract.load(contract.BootInfo, text, name=name)}")


@pytest.mark.parametrize("loader", [yaml.CSafeLoader, yaml.SafeLoader])
def test_the_line_of_a_forbidden_character(
    loader: type[yaml.SafeLoader], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml_events, "_Loader", loader)
    with pytest.raises(Unreadable, match="line 2: holds a character"):
        read(("a: " + "\u00e4" * 40 + "\nb: \x07\n" + "c\n" * 40).encode())


@pytest.mark.parametrize(
    "text",
    [b"a: 'hunter2\n", b"a: %hunter2\n", b"a: @hunter2\n", b"a: *hunter2\n", b"!x!hunter2 a"],
)
@pytest.mark.parametrize("loader", [yaml.CSafeLoader, yaml.SafeLoader])
def test_no_parser_quotes_the_text(
    text: bytes, loader: type[yaml.SafeLoader], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml_events, "_Loader", loader)
    with pytest.raises(Unreadable) as caught:
        read(text)
    assert "hunter2" not in str(caught.value)


def repeated(before: bytes, each: bytes, after: bytes = b"") -> Callable[[int], bytes]:
    return lambda count: before + each * count + after


LARGE: dict[str, tuple[int, Callable[[int], bytes]]] = {
    "unknown keys": (24_000, lambda n: b"".join(b"allocatio%d: 1\n" % at for at in range(n))),
    "wrong items": (40_000, repeated(b"nics: [", b"1, ", b"]\nhostname: m")),
    "names twice": (40_000, repeated(b"constraints: {sizes: [", b"a, ", b"]}")),
    "disks twice": (15_000, repeated(b"disks: [", b"{device: /dev/a}, ", b"]")),
    "a float": (4_000_000, repeated(b"id: ", b"9", b".0")),
    "an integer": (4_000_000, repeated(b"id: ", b"1")),
    "a text": (4_000_000, repeated(b"id: '", b"a", b"'")),
    "a name": (2_000_000, repeated(b"allocation: {hostname: ", b"a.", b"}")),
    "a URL": (2_000_000, repeated(b"allocation: {image: {url: 'http://", b"a/", b"'}}")),
    "a path": (
        1_000_000,
        repeated(b"filesystems: [{path: '/", b"../", b"', device: x, format: ext4}]"),
    ),
    "a label": (
        2_000_000,
        repeated(b"filesystems: [{label: '", b"a:", b"', device: x, format: vfat}]"),
    ),
}
"""How often something is there, and a document that has it so often."""


@pytest.mark.parametrize("name", LARGE)
def test_the_time_for_a_large_document_grows_as_it_does(name: str) -> None:
    count, made = LARGE[name]
    for model in (contract.MachineDocument, contract.FilesystemLayout, contract.InstallConfig):
        eighth_s, whole_s = (judged_s(model, made(n)) for n in (count // 8, count))
        assert whole_s < 24 * eighth_s + 0.1, "what is quadratic takes 64 times as long"


def judged_s(model: type[contract.Document], text: bytes) -> float:
    """Of CPU, until its problems are known."""
    start_s = time.process_time()
    assert problems_of(model, text)
    return time.process_time() - start_s


def test_null_is_read_where_go_has_nil() -> None:
    """A pointer, slice or string that metal-hammer did not set; what it always sets is not."""
    always = {"hostname", "password", "role", "raidenabled"}
    nothing = dict.fromkeys(contract.InstallConfig.model_fields.keys() - always, None)
    text = json.dumps({"hostname": "m", **nothing}).encode()
    config = contract.load(contract.InstallConfig, text, name="x")
    # A console that is null is none, one that is absent is the default.
    assert config == contract.InstallConfig(hostname="m", console="")


def test_a_key_is_what_the_file_calls_it() -> None:
    text = b"hostname: m\nfirewall_rules: {ingress: [{from_: [x], from: [y]}]}\n"
    config = contract.load(contract.InstallConfig, text, name="x")
    assert config.firewall_rules
    assert config.firewall_rules.ingress == (contract.IngressRule(from_=("y",)),)
    assert contract.load(contract.DiskJson, b"device: 7\n", name="x") == contract.DiskJson()


def test_a_file_is_read_no_further_than_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "sparse.yaml"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(contract.NotYaml, match="is larger than 4096 KiB"):
        contract.load_file(contract.BootInfo, path)


def test_a_file_that_is_not_there_is_an_oserror(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        contract.load_file(contract.BootInfo, tmp_path / "x")


@given(st.binary(max_size=300))
def test_no_bytes_at_all_break_the_reader(text: bytes) -> None:
    for model in (contract.MachineDocument, contract.InstallConfig):
        assert problems_of(model, text)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["allocation", "hostname", "filesystemlayout", "disks", "partitions", "nics", "raid",
             "neighbors", "filesystems", "image", "url", "device", "level", "number", "\ud800"]
        ),
        inner,
        max_size=5,
    ),
    max_leaves=30,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["allocation", "hardware", "disks", "id"]), _json))
def test_no_values_at_all_break_the_models(values: dict[str, object]) -> None:
    text = json.dumps(values).encode()
    for model in (contract.MachineDocument, contract.FilesystemLayout, contract.InstallConfig):
        assert all(problem.isascii() for problem in problems_of(model, text))
