"""Each broken image breaks its rule and no other; the good one breaks none."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path, PurePosixPath

import pytest

from contract import FilesystemLayout, load, paths
from hammer.errors import ProgramFailed
from hammer.host.programs import AuthorProgram
from hammer.image.check import places, reader, space, tree
from hammer.image.check.layout import findings as fits
from hammer.image.check.lint import Report, as_url, lint
from hammer.image.check.rules import RULES, Severity
from hammer.stream.http import Patience
from tests.images import NAME, PATH, Directory, Entry, File, HardLink, Link, packed, tar_of
from tests.servers import Answer, Cut, Stall, Status, Then, serve
from tests.unit.image.check.broken_images import CASES, ELSEWHERE, GOOD, HARMLESS, Broken, published
from tests.unit.image.check.good_image import (
    ALWAYS,
    CONFIG,
    INITRD,
    INSTALLER,
    PROGRAM,
    good,
    with_,
    without,
)

PATIENCE = Patience(connect_s=5, stall_s=0.5, retry_for_s=0.1, first_pause_s=0.05)


class FakeParsers:
    """Parses nothing, and answers as told."""

    def __init__(self, syntax_error: str | None = None) -> None:
        self.syntax_error = syntax_error
        self.asked: list[tuple[str, tuple[str, ...], str]] = []

    def run(
        self, program: AuthorProgram, *args: str, stdin: str = "", timeout_s: float = 60
    ) -> str:
        self.asked.append((program.value, args, stdin))
        if self.syntax_error:
            raise ProgramFailed(command="sh -n", status=2, stderr=self.syntax_error)
        return ""


def checked(
    url: str,
    *,
    where: str = NAME,
    layout: str | None = None,
    disk_mib: int | None = None,
    skip: tuple[str, ...] = (),
    parsers: FakeParsers | None = None,
) -> Report:
    given = load(FilesystemLayout, layout.encode(), name="layout") if layout else None
    return lint(
        url,
        where=where,
        fits=partial(fits, layout=given, disk_mib=disk_mib) if given else space.findings,
        skip=skip,
        parsers=parsers or FakeParsers(),
        patience=PATIENCE,
        on_retry=lambda _: None,
    )


def checked_files(
    folder: Path,
    content: bytes,
    siblings: Mapping[str, bytes],
    *,
    name: str = NAME,
    layout: str | None = None,
    parsers: FakeParsers | None = None,
) -> Report:
    for each, text in {**siblings, name: content}.items():
        (folder / each).write_bytes(text)
    url = as_url(str(folder / name))
    return checked(url, where=name, layout=layout, parsers=parsers)


def broken(report: Report) -> set[str]:
    return {finding.rule.id for finding in report.findings}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}: {case.text}")
def test_a_broken_image_breaks_its_rule_and_no_other(case: Broken, tmp_path: Path) -> None:
    report = checked_files(
        tmp_path,
        case.content,
        case.siblings,
        name=case.name,
        layout=case.layout,
        parsers=FakeParsers(case.syntax_error),
    )
    assert broken(report) - ALWAYS == {case.rule} - ALWAYS
    texts = [finding.text for finding in report.findings if finding.rule.id == case.rule]
    assert any(case.text in text for text in texts), texts


def test_paths_are_those_of_the_contract() -> None:
    assert tuple(f"/{path}" for path in reader.INSTALLERS) == tuple(map(str, paths.INSTALLERS))
    assert f"/{reader.METAL}" == str(paths.METAL)


def test_places_are_those_where_the_agent_writes() -> None:
    named = {str(path) for path in vars(paths).values() if isinstance(path, PurePosixPath)}
    named -= {str(paths.METAL), str(paths.OS_INSTALLER)}
    assert {f"/{path}" for path in (*places.REMOVED, *places.WRITTEN, places.LVM_LOCAL)} == named


def test_every_rule_has_an_image_that_breaks_it() -> None:
    assert {rule.id for rule in RULES} == {case.rule for case in CASES} | ELSEWHERE


def test_the_good_image_breaks_no_rule(tmp_path: Path) -> None:
    parsers = FakeParsers()
    report = checked_files(tmp_path, GOOD, published(GOOD), parsers=parsers)
    assert broken(report) == ALWAYS
    assert report.unchecked == ()
    # By stdin and never executed.
    assert parsers.asked == [("sh", ("-n",), INSTALLER.decode())]


@pytest.mark.parametrize(
    ("script", "asked"),
    [
        (b"#!/usr/bin/env bash\n", ("bash", "-n")),
        (b"#!/usr/bin/env -S A=1 bash -eu\n", ("bash", "-n")),
        (b"#!/usr/bin/env /usr/bin/bash\n", ("bash", "-n")),
        (b"#!/usr/bin/env -i sh\n", None),
        (b"#!/bin/bash\nshopt -s extglob\n", ("bash", "-O", "extglob", "-n")),
        (b"#!/bin/sh\nexit\n\x1f\x8b\0\xff", None),
        (b"#!/bin/sh", ("sh", "-n")),
    ],
)
def test_how_a_script_is_parsed(
    script: bytes, asked: tuple[str, ...] | None, tmp_path: Path
) -> None:
    content = packed(tar_of(with_({"install.sh": File(script, mode=0o755)})))
    parsers = FakeParsers()
    report = checked_files(tmp_path, content, published(content), parsers=parsers)
    assert broken(report) == ALWAYS
    assert [(program, *args) for program, args, _ in parsers.asked] == ([asked] if asked else [])
    assert [each.rule.id for each in report.unchecked] == ([] if asked else ["installer-syntax"])


@pytest.mark.parametrize(
    ("installer", "unchecked"),
    [
        (File(INSTALLER, mode=0o755), {"installer-syntax"}),
        (PROGRAM, set()),
        (File(b"text", mode=0o755), {"installer-interpreter", "installer-syntax"}),
    ],
    ids=["script", "program", "neither"],
)
def test_an_installer_that_is_a_link(installer: File, unchecked: set[str], tmp_path: Path) -> None:
    """Its content was not kept when it came by: what of it is known is judged."""
    for link in (Link("opt/install"), HardLink("opt/install")):
        entries = {**without("install.sh"), "opt/install": installer, "install.sh": link}
        content = packed(tar_of(entries))
        report = checked_files(tmp_path, content, published(content))
        assert broken(report) == ALWAYS
        assert {each.rule.id for each in report.unchecked} == unchecked


def test_where_sh_is_bash_a_script_may_use_what_bash_has(tmp_path: Path) -> None:
    content = packed(tar_of(with_({"usr/bin/sh": Link("bash")})))
    parsers = FakeParsers()
    assert broken(checked_files(tmp_path, content, published(content), parsers=parsers)) == ALWAYS
    assert parsers.asked == [("bash", ("-n",), INSTALLER.decode())]


@pytest.mark.parametrize("what", HARMLESS)
def test_what_the_agent_takes_is_taken(what: str, tmp_path: Path) -> None:
    content = HARMLESS[what]
    assert broken(checked_files(tmp_path, content, published(content))) == ALWAYS


@pytest.mark.parametrize(
    ("answer", "rule"),
    [(Cut(GOOD, 400), "image-interrupted"), (Stall(GOOD, 400), "image-stalled")],
)
def test_a_transfer_that_fails(answer: Answer, rule: str) -> None:
    beside = {f"/{name}": content for name, content in published(GOOD).items()}
    answers: dict[str, Answer | Then] = {**beside, PATH: answer}
    with serve(answers) as server:
        report = checked(server.url(PATH))
    assert broken(report) == {rule}
    assert {each.rule.id for each in report.unchecked} >= {"digest-mismatch", "kernel-missing"}


def test_more_members_than_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "ENTRIES_MAX", 10)
    report = checked_files(tmp_path, GOOD, published(GOOD))
    assert broken(report) == {"too-many-members"}
    assert report.facts.md5 is not None, "the digest is of all bytes"


def test_names_longer_than_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "NAME_BYTES_MAX", 100)
    assert broken(checked_files(tmp_path, GOOD, published(GOOD))) == {"too-many-members"}


@pytest.mark.parametrize("count", [40, 41])
def test_as_many_links_are_followed_as_by_the_kernel(count: int, tmp_path: Path) -> None:
    """path_resolution(7): 40."""
    links = [(f"s{number}", Link(f"s{number + 1}")) for number in range(count)]
    content = packed(tar_of([*good().items(), (f"s{count}", Directory()), *links, ("s0/x", b"")]))
    report = checked_files(tmp_path, content, published(content))
    told = {40: "member-through-link", 41: "tar-corrupt"}[count]
    assert broken(report) - ALWAYS == {told}
    (tmp_path / f"s{count}").mkdir()
    for name, link in links:
        (tmp_path / name).symlink_to(link.target)
    assert (tmp_path / "s0/.").exists() == (count == 40)


LONG_WAYS: list[tuple[str, Entry]] = [
    ("d", Directory()),
    *((f"s{number}", Link("d/../" * 600 + f"s{number + 1}")) for number in range(39)),
    ("s39", Link("d")),
]


@pytest.mark.parametrize(
    ("more", "before"),
    [
        ([(f"s0/{number}", b"") for number in range(50)], 100),
        ([(f"h{number}", HardLink("s0/x")) for number in range(50)], 100),
        ([("d/" * 1000 + str(number), b"") for number in range(2)], 100),
        # While the rules are judged.
        ([*((f"d/initrd-{number}", b"") for number in range(50)), ("boot", Link("s0"))], 100_000),
    ],
    ids=["members", "hard links", "names", "rules"],
)
def test_longer_ways_than_are_gone(
    more: list[tuple[str, Entry]], before: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree, "STEPS_MAX", before)
    content = packed(tar_of([*LONG_WAYS, ("d/x", b""), *more]))
    report = checked_files(tmp_path, content, published(content))
    assert broken(report) == {"too-many-members"}
    assert "steps on the ways" in report.findings[0].text
    assert {each.rule.id for each in report.unchecked} >= {"kernel-missing", "init-missing"}


def test_content_beyond_the_limit_is_not_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "_KEPT_BYTES_MAX", 0)
    report = checked_files(tmp_path, GOOD, published(GOOD))
    assert broken(report) == ALWAYS
    assert {"kernel-format", "installer-syntax", "os-release"} <= {
        each.rule.id for each in report.unchecked
    }


def test_what_starts_a_program_may_not_be_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = File(PROGRAM.content[:100], mode=0o755)
    content = packed(tar_of(with_({"usr/lib/systemd/systemd": cut})))
    report = checked_files(tmp_path, content, published(content))
    assert broken(report) == ALWAYS
    assert [each.rule.id for each in report.unchecked] == ["program-loader"]
    # Each program of an image may name another one, and all of them are kept.
    monkeypatch.setattr(reader, "_STARTERS_MAX", 0)
    report = checked_files(tmp_path, GOOD, published(GOOD))
    assert broken(report) == ALWAYS
    assert [each.rule.id for each in report.unchecked] == ["program-loader"] * 2


def test_after_a_fault_what_is_known_is_told(tmp_path: Path) -> None:
    """The digest is wrong, too, and a rule about the whole is not judged either way."""
    content = GOOD[:-20]
    report = checked_files(tmp_path, content, published(GOOD))
    assert broken(report) == {"image-truncated", "digest-mismatch"}
    unchecked = {each.rule.id for each in report.unchecked}
    assert unchecked == {rule.id for rule in RULES if rule.of_whole}


def test_damage_of_the_frame_comes_before_damage_of_the_archive(tmp_path: Path) -> None:
    """As in an installation: what is broken on the way breaks the archive in it, too."""
    content = packed(b"no archive" * 100_000)[:-9]
    report = checked_files(tmp_path, content, published(content))
    assert broken(report) == {"image-truncated"}
    content = packed(b"no archive" * 100)
    assert broken(checked_files(tmp_path, content, published(content))) == {"image-not-tar"}


def test_a_kernel_without_initrd_needs_no_support_of_it(tmp_path: Path) -> None:
    entries = {**without(INITRD, "initrd.img"), CONFIG: b"CONFIG_RELOCATABLE=y\n"}
    content = packed(tar_of(entries))
    report = checked_files(tmp_path, content, published(content))
    (text,) = [each.text for each in report.findings if each.rule.id == "kernel-config"]
    assert text.endswith("lacks CONFIG_DEVTMPFS")


def test_a_server_that_has_no_siblings() -> None:
    with serve({PATH: GOOD}) as server:
        report = checked(server.url(PATH))
    assert broken(report) == ALWAYS | {"digest-missing", "packages-missing"}


def test_a_digest_that_cannot_be_asked_for() -> None:
    with serve({PATH: GOOD, f"{PATH}.md5": Status(503), "/packages.txt": b"x"}) as server:
        report = checked(server.url(PATH))
    assert broken(report) == ALWAYS | {"digest-missing"}


def test_a_skipped_rule_is_not_told(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(GOOD)
    url = as_url(str(tmp_path / NAME))
    report = checked(url, skip=("digest-missing", "packages-missing"))
    assert broken(report) == ALWAYS
    assert [rule.id for rule in report.skipped] == ["digest-missing", "packages-missing"]


def test_the_worst_is_told_first(tmp_path: Path) -> None:
    content = b"\x1f\x8b" + bytes(50)
    report = checked_files(tmp_path, content, {})
    severities = [finding.rule.severity for finding in report.findings]
    assert severities == sorted(severities, key=list(Severity).index)
    assert len(set(severities)) > 1


def test_the_rest_of_a_disk_needs_the_disk(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(GOOD)
    url = as_url(str(tmp_path / NAME))
    layout = """
disks: [{device: /dev/sda, partitions: [{number: 1, size: 4}, {number: 2, size: 0}]}]
filesystems:
  - {path: /, device: /dev/sda2, format: ext4}
  - {path: /boot, device: /dev/sda1, format: vfat}
"""
    fits = checked(url, layout=layout, disk_mib=100)
    assert "layout-too-small" not in broken(fits)
    assert any("/boot needs 1 MiB" in finding.text for finding in fits.findings)
    texts = [finding.text for finding in checked(url, layout=layout, disk_mib=3).findings]
    assert "/dev/sda has 3 MiB, its partitions take 4 MiB" in texts
