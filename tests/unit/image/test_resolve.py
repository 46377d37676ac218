"""`hammer image resolve`, with real servers on loopback."""

import json
from pathlib import Path

import pytest

from hammer.commands import main
from tests.images import image, md5_file
from tests.servers import Answer, Redirect, Status, nobody, serve

CONTENT = image({"etc/hostname": b"x"})
MD5 = md5_file(CONTENT).decode()[:32]
STORED = "/os/stable/debian/12/img.tar.lz4"
BUILD = "/os/20241118/debian/12/img.tar.lz4"
SECRET = "hunter2"


def published(path: str = STORED) -> dict[str, Answer]:
    return {path: CONTENT, f"{path}.md5": md5_file(CONTENT)}


def resolved(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    status = main(["image", "resolve", "--retry-s", "0", *words])
    said = capsys.readouterr()
    assert said.err == ""
    assert SECRET not in said.out
    return status, said.out


def test_text_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    packages = STORED.replace("img.tar.lz4", "packages.txt")
    with serve({**published(), packages: b"ii bash"}) as server:
        status, said = resolved(capsys, "debian-12", "--store", server.url("/os"))
    assert status == 0
    assert [line.split(maxsplit=1) for line in said.splitlines()] == [
        ["id", "debian-12.0"],
        ["url", server.url(STORED)],
        ["md5", MD5],
        ["size_bytes", str(len(CONTENT))],
        ["packages", server.url(packages)],
    ]


def test_no_list_of_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with serve(published()) as server:
        said = resolved(capsys, "debian-12", "--store", server.url("/os"))[1]
    assert said.splitlines()[-1].split(maxsplit=1) == [
        "packages",
        "missing: the server answers with HTTP status 404",
    ]


def test_json_for_programs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    index = tmp_path / "images.yaml"
    with serve(published(BUILD)) as server:
        secret = server.url(f"{BUILD}?signature={SECRET}").replace("//", f"//me:{SECRET}@")
        index.write_text(
            "images:\n"
            f"- {{id: debian-12.0.20241118, url: '{secret}', classification: deprecated,"
            " expirationDate: '2025-05-18T00:00:00Z'}\n"
            "- {id: debian-12.0.20240101, url: 'http://images.test/none'}\n"
        )
        status, said = resolved(capsys, "debian-12", "--store", str(index), "--format", "json")
    assert status == 0
    assert json.loads(said) == {
        "event": "image",
        "asked": "debian-12",
        "id": "debian-12.0.20241118",
        "url": server.url(f"{BUILD}?..."),
        "md5": MD5,
        "size_bytes": len(CONTENT),
        "packages": None,
        "classification": "deprecated",
        "expires": "2025-05-18T00:00:00Z",
    }


def test_an_image_of_an_index_that_cannot_be_read(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """It is refused when it is meant, and the others are there all the same."""
    index = tmp_path / "images.json"
    odd = {"id": "debian-13.0.1", "url": f"oci://me:{SECRET}@images.test/debian:13"}
    with serve(published()) as server:
        usual = {"id": "debian-12.0.1", "url": server.url(STORED), "classification": ""}
        index.write_text(json.dumps([odd, usual]))
        assert resolved(capsys, "debian-12", "--store", str(index))[0] == 0
        status, said = resolved(capsys, "debian-13", "--store", str(index))
    assert status == 10
    told = " ".join(said.split())
    assert "[image-address-invalid] image debian-13.0.1 of " in told
    assert "oci://images.test/debian:13: must be a URL with http, https or file" in told


def test_an_index_does_not_steer_the_terminal(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    image_id = "a\x1b[31m-1"
    index = tmp_path / "images.json"
    with serve(published()) as server:
        image = {"id": image_id, "url": server.url(STORED), "expirationDate": "\x1b[2J\n\u202e"}
        index.write_text(json.dumps([image]))
        status, said = resolved(capsys, image_id, "--store", str(index))
    assert status == 0
    assert said.count("\n") == 6
    assert said.replace("\n", "").isprintable()
    assert said.isascii()


def test_a_store_as_a_directory(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for path, content in published().items():
        file = tmp_path / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        assert isinstance(content, bytes)
        file.write_bytes(content)
    status, said = resolved(capsys, "debian-12", "--store", "os/stable")
    assert (status, said.splitlines()[1].split()[1]) == (0, f"file://{tmp_path}{STORED}")


@pytest.mark.parametrize(
    ("image_id", "answers", "code", "status"),
    [
        ("debian-13", published(), "image-unknown", 10),
        ("debian-12.0.20241118", published(), "image-unknown", 10),
        ("debian-12", {STORED: CONTENT}, "digest-missing", 20),
        ("debian-12", {**published(), f"{STORED}.md5": b"<html>"}, "digest-malformed", 20),
        ("debian-12", {**published(), STORED: b"PK"}, "image-not-lz4", 20),
        ("debian-12", {**published(), STORED: Status(500)}, "store-unreachable", 20),
        ("debian-12", {**published(), STORED: Redirect(STORED)}, "store-unreachable", 20),
    ],
)
def test_what_fails(
    image_id: str,
    answers: dict[str, Answer],
    code: str,
    status: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with serve(answers) as server:
        store = server.url(f"/os?key={SECRET}")
        ended, said = resolved(capsys, image_id, "--store", store, "--format", "json")
    event = json.loads(said.splitlines()[-1])
    assert (ended, event["event"], event["code"]) == (status, "failed", code)


def test_nobody_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    with nobody() as address:
        status, said = resolved(capsys, "debian-12", "--store", f"{address}/os")
    assert status == 20
    assert "FAILED [store-unreachable]" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["debian-12"], "required: --store"),
        (["debian", "--store", "."], "argument ID: must be an operating system and a version"),
        (["debian-x", "--store", "."], "argument ID: must have a version"),
        (["debian-12", "--store", "ftp://x"], "argument --store: must be a URL with http, https"),
        (["debian-12", "--store", "http:///x"], "argument --store: must name a host"),
        (["debian-12", "--store", "http://[::1"], "argument --store: must be a URL"),
        (["debian-12", "--store", "a\0b"], "argument --store: must hold no zero byte"),
    ],
)
def test_wrong_usage_is_status_2(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["image", "resolve", *words])
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


def test_a_time_below_zero_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["image", "resolve", "debian-12", "--store", ".", "--retry-s", "-1"])
    assert caught.value.code == 2
    assert "--retry-s" in capsys.readouterr().err
