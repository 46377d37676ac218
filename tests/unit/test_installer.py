"""Which installer runs, and what is left of it."""

from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import NoReturn

import pytest

from hammer.errors import (
    FileFailed,
    InstallerFailed,
    InstallerMissing,
    InstallerUnusable,
    Interrupted,
    RetryUnsafe,
)
from hammer.host import carried
from hammer.host.chroot import Ended
from hammer.journal import Journal
from hammer.machine import Machine
from hammer.retry import beginning
from hammer.sequence import provision
from hammer.step import Break, Step
from hammer.steps import installer
from tests.unit.documents import spec_of
from tests.unit.fakes import Bench

SCRIPT = b"#!/bin/sh\nexit 0\n"


@pytest.fixture
def brought(bench: Bench, tmp_path: Path) -> Path:
    """An installer of this system, for images without one; the image has one as well."""
    path = tmp_path / "installer"
    path.write_bytes(SCRIPT)
    bench.machine = replace(bench.machine, installer=path)
    return path


def started(bench: Bench) -> list[str]:
    return [entry.removeprefix("chroot ") for entry in bench.log if entry.startswith("chroot ")]


def left_in_target(bench: Bench) -> set[str]:
    return {path.name for path in bench.target.iterdir() if path.is_file()}


@pytest.mark.parametrize(
    ("in_image", "runs", "stays"),
    [
        (["install-go", "install.sh"], "/install-go", {"install.sh"}),
        (["install-go"], "/install-go", set()),
        (["install.sh"], "/install.sh", set()),
    ],
)
def test_the_images_own_installer_comes_first(
    bench: Bench, brought: Path, in_image: list[str], runs: str, stays: set[str]
) -> None:
    del bench.images.files["install.sh"]
    bench.images.files |= dict.fromkeys(in_image, SCRIPT)
    bench.provision(spec_of())
    assert started(bench) == [runs]
    assert left_in_target(bench) == stays
    assert any(f"the installer is {runs} of the image" in line for line in bench.lines())


def test_an_image_without_one_gets_the_one_that_was_brought(bench: Bench, brought: Path) -> None:
    del bench.images.files["install.sh"]
    seen: list[tuple[bytes, int]] = []
    run = bench.chroot.run

    def look(root: Path, program: object, **named: object) -> Ended:
        where = root / str(program).lstrip("/")
        seen.append((where.read_bytes(), where.stat().st_mode & 0o777))
        return run(root, program, **named)  # type: ignore[arg-type]

    bench.chroot.run = look  # type: ignore[method-assign]
    bench.provision(spec_of())
    assert started(bench) == ["/.hammer-installer"]
    assert seen == [(SCRIPT, 0o700)]
    assert left_in_target(bench) == set()
    said = [str(event["text"]) for event in bench.events if event["event"] == "say"]
    assert f"the image has no installer, taking {brought}" in said


def test_it_is_put_where_the_image_has_nothing(bench: Bench, brought: Path) -> None:
    del bench.images.files["install.sh"]
    bench.images.files |= {".hammer-installer": b"of the image", ".hammer-installer1": b"too"}
    bench.provision(spec_of())
    assert started(bench) == ["/.hammer-installer2"]
    assert left_in_target(bench) == {".hammer-installer", ".hammer-installer1"}


def test_it_is_gone_after_a_failure_and_told_by_the_name_it_has_here(
    bench: Bench, brought: Path
) -> None:
    del bench.images.files["install.sh"]
    bench.chroot.ended = Ended(status=7, left_behind=())
    with pytest.raises(InstallerFailed) as caught:
        bench.preserving().provision(spec_of())
    assert str(caught.value) == f"{brought} left with status 7"
    assert left_in_target(bench) == set()


def test_a_file_that_went_away_meanwhile(bench: Bench, brought: Path) -> None:
    del bench.images.files["install.sh"]
    with pytest.raises(Interrupted):
        provision(bench.machine, spec_of(), bench.journal, breaks=[Break(Step.INSTALL)])
    brought.unlink()
    with pytest.raises(FileFailed, match=f"{brought}: No such file"):
        provision(bench.machine, spec_of(), bench.journal, begin=Step.INSTALL)


def test_what_a_killed_one_left_is_taken_and_removed(bench: Bench, brought: Path) -> None:
    del bench.images.files["install.sh"]
    bench.images.files[".hammer-installer"] = SCRIPT
    bench.provision(spec_of())
    assert started(bench) == ["/.hammer-installer"]
    assert left_in_target(bench) == set()


@pytest.mark.parametrize("removed", [False, True])
def test_killed_around_its_removal_it_is_not_followed_by_another_one(
    bench: Bench, brought: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, removed: bool
) -> None:
    bench.images.files["install-go"] = SCRIPT  # beside install.sh
    bench.journal = Journal.new(tmp_path)

    class Killed(BaseException):
        pass

    def remove(machine: Machine, root: Path, path: PurePosixPath) -> NoReturn:
        if removed:
            installer.remove_installer(machine, root, path)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("hammer.sequence.remove_installer", remove)
        with pytest.raises(Killed):
            provision(bench.machine, spec_of(), bench.journal)
    journal = Journal.read(tmp_path)
    with pytest.raises(RetryUnsafe):
        beginning(journal, Step.CONTRACT)
    assert beginning(journal, None) is Step.INSTALL
    provision(bench.machine, spec_of(), journal, begin=Step.INSTALL)
    assert started(bench) == ["/install-go"]
    assert left_in_target(bench) == {"install.sh"}


def test_none_anywhere_names_all_three_places(bench: Bench) -> None:
    del bench.images.files["install.sh"]
    with pytest.raises(InstallerMissing) as caught:
        bench.provision(spec_of())
    assert str(caught.value) == (
        "no installer: the image has no /install-go and no /install.sh, the ramdisk has no "
        "/usr/lib/hammer/installer, and none was given with --installer"
    )


@pytest.mark.parametrize("name", ["install-go", "install.sh"])
def test_one_that_cannot_be_run_is_not_replaced(bench: Bench, brought: Path, name: str) -> None:
    """The image wants it to run; what else would install it is not what its author meant."""
    unpack = bench.images.unpack

    def without_permission(*args: object, **named: object) -> object:
        done = unpack(*args, **named)  # type: ignore[arg-type]
        (bench.target / name).write_bytes(SCRIPT)
        (bench.target / name).chmod(0o644)
        return done

    bench.images.unpack = without_permission  # type: ignore[method-assign,assignment]
    with pytest.raises(InstallerMissing) as caught:
        bench.provision(spec_of())
    assert str(caught.value) == (
        f"no installer: /{name} of the image is not executable; only an image without "
        "/install-go and /install.sh gets the one of the ramdisk (/usr/lib/hammer/installer) "
        "or of --installer"
    )
    assert started(bench) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is neither an ELF program nor a script that begins with #!"),
        (b"PK\x03\x04", "is neither an ELF program nor a script that begins with #!"),
        (b"#!sh\n", "names no interpreter after its #!"),
        (b"\x7fELF" + bytes(60), "is a program for machines of another kind than this one"),
        (None, "is not a file"),
    ],
)
def test_what_could_not_run_is_refused_before_the_first_write(
    bench: Bench, brought: Path, content: bytes | None, reason: str
) -> None:
    brought.unlink() if content is None else brought.write_bytes(content)
    with pytest.raises(InstallerUnusable) as caught:
        bench.provision(spec_of())
    assert str(caught.value) == f"installer {brought} {reason}"
    assert bench.log == []


def test_a_program_of_this_machine_is_taken() -> None:
    carried.check(Path("/proc/self/exe"))
