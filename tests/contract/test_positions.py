"""Problems are told with the line and the column of the key."""

import json
from pathlib import Path

import pytest
import yaml

import contract
from contract import yaml_events
from contract.__main__ import main
from contract.check import Verdict, as_github
from contract.document import Document
from contract.errors import ContractError, Finding
from contract.kinds import KINDS, Kind, example
from contract.values import Value
from contract.yaml_limits import MAX_DEPTH, Position
from contract.yaml_positions import positions
from contract.yaml_reader import read

LAYOUT = """\
# Line 1
disks:
    - device: /dev/sda
      partitions:
        - number: 1
          size: 0
        - {number: 2, "size": 0}
    - partitions: []
    -
      device: /dev/sdb
filesystems: [{path: /,
  device: /dev/sda2, format: ext4, lable: x}]
"""


def findings(text: str | bytes, model: type[Document] = contract.FilesystemLayout) -> list[str]:
    data = text if isinstance(text, bytes) else text.encode()
    try:
        contract.load(model, data, name="x")
    except ContractError as error:
        return [
            f"{at.line}:{at.column} {finding.path}" if (at := finding.position) else finding.path
            for finding in error.findings
        ]
    return []


def test_the_key_or_what_is_around_it() -> None:
    assert findings(LAYOUT) == [
        "8:7 disks[1].device",  # missing
        "12:36 filesystems[0].lable",
    ]
    without = LAYOUT.replace("    - partitions: []\n", "").replace(", lable: x", "")
    assert findings(without) == ["6:11 disks[0].partitions[0].size"]
    assert findings("\n# x\nid: 1\n") == ["3:1 id"]
    # Nothing of the text is meant: the place is where the document begins.
    assert findings("\n# x\nid: x\n") == ["3:1 filesystems"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"\xef\xbb\xbfid: 1\n", "1:1 id"),
        ("name: \u00fc\U0001f427\nid: 1\n".encode(), "2:1 id"),
        ("{name: \u00fc\U0001f427, id: 1}\n".encode(), "1:12 id"),
        (b"name: x\r\nid: 1\r\n", "2:1 id"),
        (b"name: |\n  a\n  b\nid: 1\n", "4:1 id"),
        (b'{\n\t"name":\t"x",\n\t"id":\t1\n}', "3:2 id"),
        (b'{"name": "\\ud83d\\udc27",\n "id": 1}', "2:2 id"),
        (b'{"name": "a\\\\ud83d\\/",\n "id": 1}', "2:2 id"),
        (b"--- # x\nid: 1\n...\n", "2:1 id"),
    ],
)
@pytest.mark.parametrize("loader", [yaml.CSafeLoader, yaml.SafeLoader])
def test_any_encoding_and_any_notation(
    loader: type[yaml.SafeLoader], text: bytes, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml_events, "_Loader", loader)
    assert findings(text) == [found]


@pytest.mark.parametrize("around", ["[%s]", '{"images": [%s]}'])
def test_a_bare_list_has_positions_too(around: str) -> None:
    text = around % '{"id": "a-1", "url": "x"},\n {"id": "a-2", "url": 7}'
    assert findings(text, contract.ImageIndex) == ["2:16 images[1].url"]


def test_json_that_yaml_does_not_take_has_no_position() -> None:
    long_key = json.dumps({"k" * 2000: 1, "id": 1}).encode()
    assert findings(long_key) == ["(odd key)", "id"]
    assert contract.yaml_positions.positions(long_key)(("id",)) is None


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("a: 1\n\tb: 2\n", "2:1"),
        ("a: *x\n", "1:4"),
        ("a: 1\na: 2\n", "2:1"),
        ("a: 1\n---\nb: 1\n", "2:1"),
        ("a: 1\nb: \x01\n", "2:4"),
        ("a: \u00fc\u0001\n", "1:5"),
        ("a: !x 1\n", "1:4"),
    ],
)
def test_where_a_text_cannot_be_read(text: str, at: str) -> None:
    assert findings(text) == [f"{at} "]


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_every_key_of_an_example_is_found_where_it_is(kind: Kind) -> None:
    text = example(kind)
    position = positions(text.encode())
    lines = text.splitlines()

    def walk(value: Value, place: tuple[str | int, ...]) -> None:
        at = position(place)
        assert at
        if place and isinstance(place[-1], str):
            found = lines[at.line - 1][at.column - 1 :]
            assert found.startswith((place[-1], f'"{place[-1]}"')), place
        if isinstance(value, dict):
            for key, inside in value.items():
                walk(inside, (*place, key))
        if isinstance(value, tuple):
            for index, inside in enumerate(value):
                walk(inside, (*place, index))

    walk(read(text.encode()), ())


def test_the_deepest_document_has_positions() -> None:
    text = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert positions(text.encode())((0,) * (MAX_DEPTH - 1)) == Position(1, MAX_DEPTH)


# --- annotations ---------------------------------------------------------------------------


def test_annotations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "50%, of: \u00fc.yaml"
    bad.write_text(LAYOUT)
    good = tmp_path / "boot-info.yaml"
    good.write_text("kernel: /k\ncmdline: a\n")
    files = [str(bad), str(good), str(tmp_path / "none")]
    assert main(["check", "--format", "github", *files]) == 10
    title = "title=contract check%3A filesystem-layout"
    shown = f"{tmp_path}/50%25%2C of%3A \u00fc.yaml"
    assert capsys.readouterr().out.splitlines() == [
        f"::error file={shown},line=8,col=7,{title}::disks[1].device: is missing and required",
        f"::error file={shown},line=12,col=36,{title}::"
        "filesystems[0].lable: unknown key, did you mean label?",
        f"::error file={tmp_path}/none,title=contract check::"
        "cannot be read (No such file or directory)",
    ]


def test_an_annotation_is_one_line_whatever_it_holds() -> None:
    finding = Finding("100%\r\n::stop-commands::x", path="a,b", position=Position(1, 2))
    assert as_github([Verdict("", "machine", (finding,))]) == (
        "::error line=1,col=2,title=contract check%3A machine::"
        "a,b: 100%25%0D%0A::stop-commands::x\n"
    )


def test_good_files_have_no_annotation() -> None:
    assert as_github([Verdict("::error::x", "machine")]) == ""
