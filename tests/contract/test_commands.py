"""The command `contract`, as a person and as a CI job use it."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from contract.__main__ import main
from contract.kinds import KINDS, Kind, example
from contract.values import Value
from contract.yaml_events import from_yaml
from tests.contract.documents import LAYOUT, as_bytes, changed

NAMES = [kind.name for kind in KINDS]


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str]:
    status = main(argv)
    said = capsys.readouterr()
    assert said.err == ""
    return status, said.out


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_an_example_is_good_by_kind_by_name_and_by_content(
    kind: Kind, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, options in (
        ("anything", ["--kind", kind.name]),
        (kind.file_name, []),
        ("other.yml", []),
    ):
        path = tmp_path / name
        path.write_text(example(kind))
        age = ", as of v0.15.0" if kind.name == "install.yaml" else ""
        assert run(capsys, "check", *options, str(path)) == (0, f"{path}: ok ({kind.name}{age})\n")


def test_every_problem_of_every_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "boot-info.yaml"
    bad.write_text("kernel: vmlinuz\n")
    worse = tmp_path / "install.yaml"
    worse.write_text("hostname: 'x\n")
    good = tmp_path / "layout.yaml"
    good.write_bytes(as_bytes(LAYOUT))
    missing = tmp_path / "none"
    files = [str(path) for path in (bad, worse, good, missing, tmp_path)]
    assert run(capsys, "check", *files) == (
        10,
        f"{bad}:1:1: cmdline: is missing and required\n"
        f"{bad}:1:1: kernel: must be an absolute path of a file\n"
        f"{worse}:2:1: found unexpected end of stream\n"
        f"{good}: ok (filesystem-layout)\n"
        f"{missing}: cannot be read (No such file or directory)\n"
        f"{tmp_path}: is a directory, name the files in it\n",
    )


def test_json_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "layout.yaml"
    text = as_bytes(changed(LAYOUT, ["disks", 0, "partitions", 0, "label"], "a:b"))
    bad.write_bytes(text)
    status, said = run(capsys, "check", "--format", "json", str(bad), str(tmp_path / "none"))
    assert status == 10
    assert json.loads(said) == {
        "files": [
            {
                "file": str(bad),
                "kind": "filesystem-layout",
                "generation": None,
                "problems": [
                    {
                        "path": "disks[0].partitions[0].label",
                        "reason": "must not hold a colon, it divides number and name in"
                        " sgdisk --change-name",
                        "line": 1,
                        "column": text.index(b'"label": "a:b"') + 1,
                    }
                ],
            },
            {
                "file": str(tmp_path / "none"),
                "kind": None,
                "generation": None,
                "problems": [
                    {
                        "path": "",
                        "reason": "cannot be read (No such file or directory)",
                        "line": None,
                        "column": None,
                    }
                ],
            },
        ]
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\n", "cannot tell which document this is: give --kind"),
        ("{}\n", "cannot tell which document this is: give --kind"),
        (
            "hardware: x\nfilesystems: x\n",
            "cannot tell which document this is, it may be filesystem-layout or machine: "
            "give --kind",
        ),
        ("- a\n", "must be a mapping of keys to values"),
        ("[]\n", "must be a mapping of keys to values"),
        ("text\n", "must be a mapping of keys to values"),
    ],
)
def test_a_document_of_no_kind(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    assert run(capsys, "check", str(path)) == (10, f"{path}: {said}\n")


@pytest.mark.parametrize(
    "argv",
    [[], ["check"], ["schema"], ["schema", "x"], ["check", "--kind", "x", "f"], ["example", "x"],
     ["check", "--format", "xml", "f"], ["unknown"]],
)  # fmt: skip
def test_wrong_usage_is_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == 2
    assert "usage: contract" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["a\nb.yaml", "\x1b[31m.yaml", "b\udcff.yaml", "\u2028"])
def test_odd_file_names(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / name
    path.write_text("kernel: /k\ncmdline: a\n")
    status, said = run(capsys, "check", str(path))
    assert (status, said.count("\n")) == (0, 1)
    assert "\x1b" not in said
    assert run(capsys, "check", "a\0b") == (10, "'a\\x00b': cannot be read (no such file)\n")


def test_an_empty_file_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "check", "") == (10, "'': cannot be read (no such file)\n")


def test_a_file_is_read_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "boot-info.yaml"
    path.write_text("kernel: /k\ncmdline: a\n")
    texts = []

    def parsed(text: str) -> Value:
        texts.append(text)
        return from_yaml(text)

    monkeypatch.setattr("contract.yaml_reader.from_yaml", parsed)
    assert run(capsys, "check", str(path)) == (0, f"{path}: ok (boot-info.yaml)\n")
    assert texts == [path.read_text()]


def test_a_pipe_in_which_nobody_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contract.yaml_file.SILENCE_LIMIT_S", 0.1)
    path = tmp_path / "boot-info.yaml"
    os.mkfifo(path)
    told = (10, f"{path}: cannot be read (nothing to read for 0.1 s)\n")
    assert run(capsys, "check", str(path)) == told
    # One that has begun, and does not go on.
    handle = os.open(path, os.O_RDWR)
    os.write(handle, b"kernel: /k\n")
    assert run(capsys, "check", str(path)) == told
    os.close(handle)


def test_a_pipe_in_which_somebody_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In pieces, and the first one after the reader has come, as a slow program does."""
    path = tmp_path / "boot-info.yaml"
    os.mkfifo(path)

    def write() -> None:
        with path.open("wb", buffering=0) as pipe:
            for piece in (b"kernel: /k\n", b"cmdline: ", b"a\n"):
                time.sleep(0.05)
                pipe.write(piece)

    writer = threading.Thread(target=write)
    writer.start()
    assert run(capsys, "check", str(path)) == (0, f"{path}: ok (boot-info.yaml)\n")
    writer.join()


# --- as a program --------------------------------------------------------------------------


def started(*argv: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "contract", *argv],
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        check=False,
        timeout=60,
    )


@pytest.mark.programs
def test_as_a_program(tmp_path: Path) -> None:
    path = tmp_path / "install.yaml"
    path.write_text("hostname: -\n")
    done = started("check", str(path))
    assert (done.returncode, done.stderr) == (10, "")
    assert done.stdout.startswith(f"{path}:1:11: ")
    done = started("check", "-", stdin="hostname: a.b\nrole: x\n")
    assert done.returncode == 10
    assert done.stdout == "(stdin):2:1: role: must be one of 'machine' or 'firewall'\n"
    done = started("example", "machine")
    assert started("check", "-", stdin=done.stdout).returncode == 0
    assert started("check").returncode == 2


@pytest.mark.programs
@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("kernel: /k\ncmdline: a\n", 0, ": ok (boot-info.yaml)"),
        ("kernel: /k\n", 10, ":1:1: cmdline: is missing and required"),
        ("a: 1\n\u00fc: \udcff", 10, ":2:4: is not UTF-8"),
    ],
)
def test_stdin(text: str, status: int, said: str) -> None:
    options = ["--kind", "boot-info.yaml"] if text == "kernel: /k\n" else []
    done = started("check", *options, "-", stdin=text)
    assert (done.returncode, done.stderr) == (status, "")
    assert done.stdout == f"(stdin){said}\n"


@pytest.mark.programs
def test_stdin_by_the_name_of_its_device() -> None:
    done = started("check", "/dev/stdin", stdin="kernel: /k\ncmdline: a\n")
    assert done.stdout == "/dev/stdin: ok (boot-info.yaml)\n"


@pytest.mark.programs
def test_no_stdin() -> None:
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m contract check - <&-"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (10, "")
    assert done.stdout == "(stdin): cannot be read (Bad file descriptor)\n"


@pytest.mark.programs
def test_no_stdout(tmp_path: Path) -> None:
    (tmp_path / "install.yaml").write_text("hostname: a\n")
    for closed, said in (
        (">&-", "contract: cannot write (Bad file descriptor)\n"),
        (">&- 2>&-", ""),
    ):
        done = subprocess.run(
            ["sh", "-c", f"{sys.executable} -m contract check {tmp_path}/install.yaml {closed}"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stdout, done.stderr) == (10, "", said)


@pytest.mark.programs
def test_a_full_disk_is_told() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "contract", "example", "machine"],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    assert done.returncode == 10
    assert done.stderr == b"contract: cannot write (No space left on device)\n"


@pytest.mark.programs
def test_a_reader_that_has_enough_is_no_traceback(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "contract", "example", "machine"],
            stdout=pipe,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (10, b"")


@pytest.mark.programs
def test_an_image_author_gets_no_agent_and_no_side_effects() -> None:
    code = "import contract, sys; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not {"hammer", "subprocess", "urllib3", "lz4", "pyudev", "tenacity"} & loaded
