"""One broken rule each: where it is told, and in which words."""

import json
import pathlib
import time

import pytest

from contract import FilesystemLayout, InstallConfig, MachineDocument
from contract.__main__ import main
from contract.document import Document
from contract.kinds import KINDS, Kind, kind_named
from contract.values import Value, values_of
from tests.contract.broken_documents import ROWS, UNREADABLE, Row
from tests.contract.documents import GOOD, Path, as_bytes, changed, first_places, problems_of
from tests.contract.independent import schema_takes

WRONG_TYPE = (
    "must be a string (quote it)",
    "must be an integer",
    "must be true or false",
    "must be a list",
    "must be a mapping",
)


@pytest.mark.parametrize("model", GOOD)
def test_what_the_cases_start_from_is_good(model: type[Document]) -> None:
    assert problems_of(model, as_bytes(GOOD[model])) == ()


def test_every_row_is_another() -> None:
    assert len({row.id for row in ROWS} | {name for name, _, _ in UNREADABLE}) >= 60
    assert len({(row.kind, row.text) for row in ROWS}) == len(ROWS)
    assert {row.kind for row in ROWS} == {kind.name for kind in KINDS}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_the_problem_is_told_at_its_place(row: Row) -> None:
    model = kind_named(row.kind).model
    assert sorted(problems_of(model, row.text)) == sorted(row.problems)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_an_independent_validator_agrees(row: Row) -> None:
    assert schema_takes(row.kind, row.text) is not row.schema_can_tell


def check(
    path: pathlib.Path, capsys: pytest.CaptureFixture[str], *options: str
) -> list[dict[str, str]]:
    """The problems that the command names of a broken file."""
    start = time.process_time()
    assert main(["check", "--format", "json", *options, str(path)]) == 10
    assert time.process_time() - start < 10, "quadratic"
    said = capsys.readouterr()
    assert said.err == ""
    assert "secret-" not in said.out
    (file,) = json.loads(said.out)["files"]
    found: list[dict[str, str]] = file["problems"]
    return found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_the_command_names_it(
    row: Row, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "document"
    path.write_bytes(row.text)
    named = check(path, capsys, "--kind", row.kind)
    assert sorted(f"{problem['path']}: {problem['reason']}" for problem in named) == sorted(
        row.problems
    )


@pytest.mark.parametrize(
    ("text", "problem"), [row[1:] for row in UNREADABLE], ids=[row[0] for row in UNREADABLE]
)
def test_the_command_names_a_text_that_is_no_document(
    text: bytes, problem: str, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "boot-info.yaml"
    path.write_bytes(text)
    (named,) = check(path, capsys)
    line = f"line {named['line']}: " if named["line"] else ""
    assert problem in line + named["reason"]
    assert named["path"] == ""


def test_a_document_of_no_kind(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"password: secret-x\nkernel: secret-y\n")
    (named,) = check(path, capsys)
    assert named["reason"].startswith("cannot tell which document this is, it may be ")
    assert named["reason"].endswith(": give --kind")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.name))
def test_a_wrong_type_anywhere_is_told_by_the_schema_too(kind: Kind) -> None:
    values = values_of(kind.example)
    refused = 0
    for place in first_places(values):
        # A layout inside another document is the same layout.
        if "filesystemlayout" in place[:-1]:
            continue
        for wrong in (None, True, 7.5, "\U0001f427", (7,), {"a": None}):
            text = as_bytes(changed(values, place, wrong))
            problems = problems_of(kind.model, text)
            takes = schema_takes(kind.name, text)
            if not problems:
                assert takes, (place, wrong)
            if any(problem.endswith(WRONG_TYPE) for problem in problems):
                refused += 1
                assert not takes, (place, wrong)
    assert refused >= 4 * len(values)


@pytest.mark.parametrize(
    "name",
    ["", ".", "a..b", "a.", "-a", "a-", "a_b", "a b", "\u00e4", "a" * 64, "a\n", "a.b" + "c" * 64],
)
def test_a_name_that_is_no_host_name(name: str) -> None:
    (problem,) = problems_of(
        InstallConfig, as_bytes(changed(GOOD[InstallConfig], ["hostname"], name))
    )
    assert problem.startswith("hostname: must ")


@pytest.mark.parametrize("name", ["a", "on", "M1", "0", "a-b.c-d.example", "a" * 63, "1" * 3])
def test_a_host_name(name: str) -> None:
    text = as_bytes(changed(GOOD[InstallConfig], ["hostname"], name))
    assert problems_of(InstallConfig, text) == ()


def test_a_document_names_all_its_problems_at_once() -> None:
    broken: Value = GOOD[MachineDocument]
    changes: list[tuple[Path, object]] = [
        (["id"], "x"),
        (["allocation", "hostname"], "-"),
        (["allocation", "image", "url"], "x"),
        (["allocation", "filesystemlayout", "disks", 0, "bogus"], 1),
        (["allocation", "filesystemlayout", "filesystems", 0, "device"], "/dev/x"),
        (["allocation", "filesystemlayout", "filesystems", 1, "label"], "x" * 17),
        (["hardware", "nics"], 1),
    ]
    for path, new in changes:
        broken = changed(broken, path, new)
    problems = problems_of(MachineDocument, as_bytes(broken))
    assert [problem.partition(":")[0] for problem in problems] == [
        "allocation.filesystemlayout.disks[0].bogus",
        "allocation.filesystemlayout.filesystems[0].device",
        "allocation.filesystemlayout.filesystems[1].label",
        "allocation.hostname",
        "allocation.image.url",
        "hardware.nics",
        "id",
    ]


def test_problems_are_sorted_with_numbers_as_numbers() -> None:
    disks: Value = tuple({"device": f"{at}"} for at in range(12))
    text = as_bytes({"filesystems": GOOD[FilesystemLayout]["filesystems"], "disks": disks})
    places = [
        problem.partition(".")[0]
        for problem in problems_of(FilesystemLayout, text)
        if problem.startswith("disks")
    ]
    assert places == [f"disks[{at}]" for at in range(12)]
