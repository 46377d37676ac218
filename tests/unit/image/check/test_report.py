"""What is told of a report, in each of its forms, and how the command ends."""

import json
import os
from pathlib import Path

import pytest

from hammer.commands import main
from hammer.image import check_command
from hammer.image.check import report
from hammer.image.check.rules import RULES
from tests.images import NAME, File, packed, tar_of
from tests.unit.image.check.broken_images import GOOD, LAYOUT, published
from tests.unit.image.check.good_image import good, with_, without
from tests.unit.image.check.test_rules import checked_files

ESCAPES = "usr/\x1b]0;pwned\x07\r\n::error::x\u202e%0A"


def write(folder: Path, content: bytes) -> str:
    for name, text in {NAME: content, **published(content)}.items():
        (folder / name).write_bytes(text)
    return str(folder / NAME)


# With a program as installer: for a script, the command would start a shell.
INSTALLER = good()["usr/bin/dash"]
CLEAN = packed(tar_of({**without("install.sh"), "install-go": INSTALLER}))
WARNED = packed(tar_of(without("install.sh")))
BROKEN = packed(tar_of({**without("install.sh", "usr/bin/sh"), "install-go": INSTALLER}))


def test_text_is_a_line_for_each_finding(tmp_path: Path) -> None:
    content = packed(tar_of(without("etc/passwd")))
    text = report.as_text(checked_files(tmp_path, content, published(content)))
    lines = text.splitlines()
    assert lines[0] == "error: passwd-root: /etc/passwd is not there"
    assert [line.split(": ")[0] for line in lines[1:3]] == ["    why", "    fix"]
    assert lines[3].startswith("info: ")
    assert lines[4].startswith("info: "), "why and fix are for what must be fixed"
    assert lines[-1].startswith(f"{NAME}: 1 error, 0 warnings, 2 info; ")


@pytest.mark.parametrize("form", report.Format)
def test_names_of_members_do_not_steer_the_terminal(form: report.Format, tmp_path: Path) -> None:
    """A name with control characters, in findings of several kinds."""
    entries = {**with_({ESCAPES: File(b"", mode=0o4755)}), "run/" + ESCAPES: b""}
    content = packed(tar_of(entries))
    text = report.TOLD[form](checked_files(tmp_path, content, published(content)))
    assert "pwned" in text
    assert all(char.isprintable() and char.isascii() for char in text.replace("\n", ""))
    assert "\n::error::x" not in text


def test_github_gets_one_command_for_each_finding(tmp_path: Path) -> None:
    content = packed(tar_of({**without("etc/passwd"), "run/50%": b""}))
    found = checked_files(tmp_path, content, published(content))
    *commands, summary = report.as_github(found).splitlines()
    assert len(commands) == len(found.findings)
    assert commands[0].startswith(f"::error title=passwd-root::{NAME}: /etc/passwd is not there")
    assert commands[1].startswith("::warning title=member-hidden::")
    assert "/run/50%25" in commands[1]
    assert commands[-1].startswith("::notice ")
    assert not summary.startswith("::")


def test_json_holds_what_text_does(tmp_path: Path) -> None:
    content = packed(tar_of(without("etc/passwd")))
    found = checked_files(tmp_path, content, published(content))
    told = json.loads(report.as_json(found))
    assert (told["image"], told["errors"], told["warnings"]) == (NAME, 1, 0)
    assert told["findings"][0]["rule"] == "passwd-root"
    assert told["members"] == len(without("etc/passwd"))
    assert told["md5"] in published(content)[f"{NAME}.md5"].decode()


def test_what_is_not_checked_is_told_by_reason(tmp_path: Path) -> None:
    text = report.as_text(checked_files(tmp_path, GOOD[:-9], published(GOOD[:-9])))
    (line,) = [line for line in text.splitlines() if line.startswith("not checked: ")]
    assert "kernel-missing" in line
    assert line.endswith("the image cannot be read to its end (image-truncated)")


@pytest.mark.parametrize(
    ("content", "words", "status"),
    [
        (CLEAN, [], 0),
        (CLEAN, ["--fatal-warnings"], 0),
        (WARNED, [], 0),
        (WARNED, ["--fatal-warnings"], 20),
        (WARNED, ["--fatal-warnings", "--skip", "installer-missing"], 0),
        (BROKEN, [], 20),
        (BROKEN, ["--skip", "shell-missing"], 0),
        (b"", [], 20),
        (GOOD[:99], ["--format", "json"], 20),
    ],
)
def test_exit_status(content: bytes, words: list[str], status: int, tmp_path: Path) -> None:
    assert main(["image", "check", write(tmp_path, content), *words]) == status


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["--skip", "kernel-mising"], 2, "did you mean kernel-missing?"),
        (["--skip", "qqqqqq"], 2, "[rule-unknown] --skip qqqqqq: no such rule"),
        (["--layout", "{tmp}/none"], 10, "[layout-missing]"),
        (["--layout", "{tmp}/broken"], 10, "disks[0].devise: unknown key"),
    ],
)
def test_wrong_words(
    words: list[str], status: int, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken").write_text("disks: [{devise: x}]")
    given = [word.format(tmp=tmp_path) for word in words]
    assert main(["image", "check", write(tmp_path, CLEAN), *given]) == status
    assert told in " ".join(capsys.readouterr().out.split())


def test_a_layout_that_fits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "layout.yaml").write_text(LAYOUT % 40)
    layout = ["--layout", str(tmp_path / "layout.yaml"), "--disk-mib", "100"]
    assert main(["image", "check", write(tmp_path, CLEAN), *layout]) == 0
    assert "info: space: / needs " in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["x", "--disk-mib", "9"], ["x", "--disk-mib", "-1"]])
def test_wrong_usage(words: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["image", "check", *words])
    assert caught.value.code == 2


@pytest.mark.parametrize("make", ["directory", "fifo", "nothing", "nul", "socket-url"])
def test_what_is_no_file(make: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x"
    if make == "directory":
        path.mkdir()
    elif make == "fifo":
        os.mkfifo(path)
    image = {"nul": "a\0b", "socket-url": "unix:///run/x"}.get(make, str(path))
    assert main(["image", "check", image]) == 20
    assert "FAILED [image-unreachable]" in capsys.readouterr().out


def test_an_image_that_is_not_there_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the shape of every report."""
    skip = ["--skip", "setuid"]
    assert main(["image", "check", str(tmp_path / "x"), "--format", "json", *skip]) == 20
    told = json.loads(capsys.readouterr().out)
    assert (told["errors"], told["warnings"], told["md5"], told["members"]) == (1, 0, None, 0)
    (finding,) = told["findings"]
    assert (finding["rule"], finding["severity"]) == ("image-unreachable", "error")
    assert "No such file" in finding["text"]
    assert {each["rule"] for each in told["unchecked"]} == {rule.id for rule in RULES} - {"setuid"}
    assert told["skipped"] == ["setuid"]


def test_an_image_that_is_not_there_on_github(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["image", "check", str(tmp_path / "x"), "--format", "github"]) == 20
    error, notice, summary = capsys.readouterr().out.splitlines()
    assert error.startswith(f"::error title=image-unreachable::{tmp_path}/x: ")
    assert "No such file" in error
    assert notice.startswith(f"::notice title=not checked::{tmp_path}/x: image-not-lz4, ")
    assert notice.endswith(": the image cannot be opened (image-unreachable)")
    assert summary.startswith(f"{tmp_path}/x: 1 error, ")


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["--skip", "qqqqqq"], 2, "::error title=rule-unknown::--skip qqqqqq: no such rule (fix: "),
        (["--layout", "none%"], 10, "::error title=layout-missing::layout none%25: No such file"),
    ],
)
def test_wrong_words_on_github(
    words: list[str], status: int, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["image", "check", str(tmp_path / "x"), "--format", "github", *words]) == status
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("::")]
    assert line.startswith(told)


def test_github_is_told_what_is_not_checked(tmp_path: Path) -> None:
    text = report.as_github(checked_files(tmp_path, GOOD[:-9], published(GOOD[:-9])))
    (line,) = [line for line in text.splitlines() if "title=not checked::" in line]
    assert "kernel-missing" in line
    assert line.endswith("the image cannot be read to its end (image-truncated)")


def test_secrets_of_a_url_are_not_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_command, "CHECK_RETRY_S", 0.5)
    assert main(["image", "check", "http://me:hunter2@127.0.0.1:1/img.tar.lz4?sig=hunter3"]) == 20
    told = capsys.readouterr()
    assert "hunter" not in told.out + told.err


def test_the_rules_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["image", "check", "--list-rules"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [rule.id for rule in RULES]
