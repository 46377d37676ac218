"""`hammer image try`: what is refused before anything starts, what is served, how it is told."""

import errno
import json
import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from hammer import errors, redact
from hammer.commands import main
from hammer.console import Failure
from hammer.errors import HammerError
from hammer.host.qemu import Disk, Guest
from hammer.image.trial.ramdisk import found_ramdisk
from hammer.image.trial.run import Tried
from hammer.image.trial.server import published
from hammer.image.trial.watch import Outcome


@pytest.fixture
def ramdisk(tmp_path: Path) -> Path:
    for name in ("vmlinuz", "initrd.cpio.lz4"):
        (tmp_path / name).write_bytes(b"")
    return tmp_path


# --- what is refused ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "error", "told"),
    [
        (["/no/such.tar.lz4"], errors.ArgumentInvalid, "/no/such.tar.lz4: No such file"),
        (["ftp://images.test/i"], errors.ArgumentInvalid, "must be a file, or a URL with http"),
        (["http://[::1"], errors.ArgumentInvalid, "this is not a URL"),
        (["x", "--marker", "("], errors.ArgumentInvalid, "--marker: not a regular expression"),
        (["x", "--marker", "a|"], errors.ArgumentInvalid, "--marker: is found in every line"),
        (["/dev/null"], errors.ArgumentInvalid, "/dev/null: is not a regular file"),
        (["a\0b"], errors.ArgumentInvalid, "IMAGE: this is not a path"),
        (["x", "--disk-gib", "0"], errors.ArgumentInvalid, "--disk-gib: 0 is less than 1"),
        (["x", "--disk-gib", "9" * 40], errors.ArgumentInvalid, "is more than 1048576"),
        (["x", "--keep", "/proc/x"], errors.ArgumentInvalid, "--keep: /proc/x: "),
        (
            ["x", "--machine", "m.yaml", "--role", "firewall"],
            errors.ArgumentInvalid,
            "--role: belongs into the document that --machine names",
        ),
        (["x", "--ramdisk", "/no/dir"], errors.RamdiskMissing, "no /no/dir/vmlinuz"),
        (["IMAGE", "--machine", "/no/m.yaml"], errors.DocumentMissing, "/no/m.yaml: No such file"),
    ],
)
@pytest.mark.parametrize("format", ["text", "json"])
def test_refused_with_a_typed_error(
    words: list[str],
    error: type[HammerError],
    told: str,
    *,
    format: str,
    ramdisk: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = [str(ramdisk / "vmlinuz") if word == "IMAGE" else word for word in words]
    given = ["--ramdisk", str(ramdisk), *words] if "--ramdisk" not in words else words
    assert main(["image", "try", "--format", format, *given]) == error.exit_status
    out = capsys.readouterr().out
    if format == "text":
        assert f"FAILED [{error.code}]" in out
        assert told in re.sub(r"\s+", " ", out)
    else:
        verdict = json.loads(out)
        assert (verdict["verdict"], verdict["code"]) == ("failed", error.code)
        assert told in verdict["message"]


def test_without_qemu(
    ramdisk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(ramdisk))
    monkeypatch.setenv("TMPDIR", str(ramdisk))
    image = str(ramdisk / "vmlinuz")
    assert main(["image", "try", image, "--ramdisk", str(ramdisk)]) == 30
    assert "not on PATH: setpriv, qemu-system-x86_64" in capsys.readouterr().out
    assert not list(ramdisk.glob("hammer-try-*"))


def test_without_firmware(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hammer.host.qemu.OVMF", tmp_path / "none")
    monkeypatch.setattr("shutil.which", lambda *_, **__: "/bin/true")
    with pytest.raises(errors.FirmwareMissing), Guest(work=tmp_path, firmware="uefi").started():
        pytest.fail("it has no firmware")


def test_a_host_without_room_for_the_ramdisk(
    ramdisk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("hammer.image.trial.ramdisk.overlay", full)
    with pytest.raises(errors.FileFailed, match="initrd: No space left on device"):
        found_ramdisk(ramdisk).with_document("", work=ramdisk)


def test_the_ramdisk_of_this_directory_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("hammer.image.trial.ramdisk.CHECKOUT", tmp_path / "checkout")
    with pytest.raises(errors.RamdiskMissing):
        found_ramdisk(None)
    for folder in (tmp_path / "checkout/build/ramdisk", tmp_path / "build/ramdisk"):
        folder.mkdir(parents=True)
        (folder / "vmlinuz").touch()
        (folder / "initrd.cpio.lz4").touch()
        assert found_ramdisk(None).kernel.resolve() == folder / "vmlinuz"


# --- what is served -----------------------------------------------------------------------


def get(url: str) -> bytes | int:
    try:
        with urllib.request.urlopen(url.replace("10.0.2.2", "127.0.0.1")) as answer:
            body: bytes = answer.read()
            return body
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_the_image_is_served_and_nothing_else_of_its_directory(tmp_path: Path) -> None:
    folder = tmp_path / "published"
    folder.mkdir()
    image = folder / "my image.tar.lz4"
    image.write_bytes(b"image")
    image.with_name(f"{image.name}.md5").write_bytes(b"digest")
    (folder / "other").write_bytes(b"secret")
    (tmp_path / "above").write_bytes(b"secret")
    (folder / f"{image.name}.d").mkdir()
    with published(str(image)) as source:
        assert source.packed_bytes == 5
        base = source.url.rsplit("/", 1)[0]
        assert get(source.url) == b"image"
        assert get(f"{source.url}.md5?key=x") == b"digest"
        assert get(f"{source.url}.sha256") == 404
        below = "my%20image.tar.lz4.d"
        for path in ("other", "", "../above", "..%2Fabove", below, f"{below}/../other"):
            assert get(f"{base}/{path}") == 404, path
        assert source.for_people(f"{source.url}: no") == f"{folder}/my%20image.tar.lz4: no"
    with pytest.raises(urllib.error.URLError):
        get(source.url)


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("https://images.test/img.tar.lz4", "https://images.test/img.tar.lz4"),
        ("http://127.0.0.1:80/a?b=c", "http://10.0.2.2:80/a?b=c"),
        ("http://me:word@localhost/a", "http://me:word@10.0.2.2/a"),
        ("http://[::1]:8000/a", "http://10.0.2.2:8000/a"),
        ("http://localhost.test/a", "http://localhost.test/a"),
    ],
)
def test_a_url_is_used_as_the_guest_must_write_it(given: str, url: str) -> None:
    with published(given) as source:
        assert source.url == url
        assert source.for_people(redact.url(source.url)) == redact.url(given)


# --- how it is told -----------------------------------------------------------------------

FAILURE = Failure(
    code="image-never-up", exit_status=20, message="no prompt", hint="look", notes=("and",)
)


def told(
    outcome: Outcome,
    *words: str,
    monkeypatch: pytest.MonkeyPatch,
    ramdisk: Path,
    capsys: pytest.CaptureFixture[str],
) -> tuple[int, str]:
    tried = Tried(outcome=outcome, console=Path("/kept/console.log") if outcome.failure else None)
    monkeypatch.setattr("hammer.image.trial.run.run", lambda *_, **__: tried)
    status = main(["image", "try", "x", "--ramdisk", str(ramdisk), *words])
    return status, capsys.readouterr().out


def test_up_as_text(
    monkeypatch: pytest.MonkeyPatch, ramdisk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = Outcome(failure=None, marker="vm login:", remarks=("odd",), seconds={"up": 1.25})
    status, out = told(outcome, monkeypatch=monkeypatch, ramdisk=ramdisk, capsys=capsys)
    assert status == 0
    assert out.endswith("PASSED\n  vm login:\n")
    assert "WARNING odd" in out
    assert "seconds: up 1.2" in out


def test_failed_as_text(
    monkeypatch: pytest.MonkeyPatch, ramdisk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = Outcome(failure=FAILURE, tail=("Welcome \u2192 \x1b]0;x\x07",))
    status, out = told(outcome, monkeypatch=monkeypatch, ramdisk=ramdisk, capsys=capsys)
    assert status == 20
    assert out.isascii()
    assert "\x1b" not in out
    assert "      | Welcome \\u2192" in out
    assert "the whole console: /kept/console.log" in out
    assert out.count("FAILED [image-never-up]") == 1
    assert "PASSED" not in out


def test_verdicts_as_data_have_the_same_keys(
    monkeypatch: pytest.MonkeyPatch, ramdisk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    up = Outcome(failure=None, marker="vm login:", seconds={"up": 1.25})
    down = Outcome(failure=FAILURE, tail=("last",), seconds={"boot": 9.0})
    texts = [
        told(each, "--format", "json", monkeypatch=monkeypatch, ramdisk=ramdisk, capsys=capsys)
        for each in (up, down)
    ]
    first, second = (json.loads(out) for _, out in texts)
    assert list(first) == list(second)
    assert (first["verdict"], first["exit_status"], first["marker"]) == ("up", 0, "vm login:")
    assert first["code"] is first["console"] is None
    assert (second["verdict"], second["exit_status"], second["code"]) == (
        "failed",
        20,
        "image-never-up",
    )
    assert (second["tail"], second["notes"]) == (["last"], ["and"])
    assert second["console"] == "/kept/console.log"
    assert [status for status, _ in texts] == [0, 20]


# --- the guest ----------------------------------------------------------------------------


def test_a_comma_in_a_path_ends_no_option_of_qemu(tmp_path: Path) -> None:
    work = tmp_path / "a,b"
    command = Guest(work=work, disks=(Disk(path=work / "c,d"),)).command()
    assert f"file:{tmp_path}/a,,b/console.log" in command
    assert any(f"file={tmp_path}/a,,b/c,,d," in word for word in command)
