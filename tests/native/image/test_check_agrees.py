"""The check and the unpacker agree on an image: the same faults, the same tree."""

import os
import random
import stat
from pathlib import Path

import pytest

from hammer.errors import HammerError
from hammer.image.check.lint import Report, as_url
from hammer.stream.http import Patience
from hammer.stream.image import HttpImages
from hammer.stream.member import Kind
from tests.images import (
    NAME,
    PACKERS,
    Directory,
    Entry,
    File,
    HardLink,
    Link,
    flipped,
    md5_file,
    packed,
    tar_of,
    truncated,
)
from tests.unit.image.check.broken_images import CASES, HARMLESS, PLAIN, Broken
from tests.unit.image.check.test_rules import checked_files

# Of these the unpacker says the same, before or while it writes.
REFUSED = {
    "image-not-lz4",
    "image-truncated",
    "image-corrupt",
    "image-not-tar",
    "tar-corrupt",
    "tar-member-outside",
    "tar-member-unsupported",
    "hard-link-missing",
    "member-xattr",
    "digest-missing",
    "digest-malformed",
    "digest-mismatch",
}
# Whether this is refused depends on the filesystem below.
DEPENDS = {"member-size"}
PATIENCE = Patience(retry_for_s=0.1)
ROUNDS = 200 if os.environ.get("HAMMER_SOAK") is None else 20_000
KINDS = {
    Kind.FILE: stat.S_IFREG,
    Kind.DIRECTORY: stat.S_IFDIR,
    Kind.SYMLINK: stat.S_IFLNK,
    Kind.CHARACTER: stat.S_IFCHR,
    Kind.BLOCK: stat.S_IFBLK,
    Kind.FIFO: stat.S_IFIFO,
}


@pytest.fixture(autouse=True)
def _needs_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("unpacking chroots: needs root")


def unpack(folder: Path, root: Path, *, name: str = NAME) -> HammerError | None:
    """Unpack as an installation does; returns why it failed."""
    root.mkdir()
    agent = HttpImages(patience=PATIENCE)
    try:
        offer = agent.ask(as_url(str(folder / name)))
        agent.unpack(offer, root, progress=lambda _: None)
    except HammerError as error:
        return error
    return None


def tree_of(root: Path) -> dict[bytes, tuple[int, int, bytes]]:
    """Type and mode, size, target of every path."""
    found = {}
    for folder, folders, files in os.walk(os.fsencode(root)):
        for name in [*folders, *files]:
            path = folder + b"/" + name
            status = os.lstat(path)
            link = stat.S_ISLNK(status.st_mode)
            size = status.st_size if stat.S_ISREG(status.st_mode) else 0
            mode = stat.S_IFLNK if link else status.st_mode
            target = os.readlink(path) if link else b""  # noqa: PTH115 - bytes
            found[os.path.relpath(path, os.fsencode(root))] = (mode, size, target)
    return found


def tree_in(report: Report) -> dict[bytes, tuple[int, int, bytes]]:
    return {
        path: (
            KINDS[entry.kind] | (0 if entry.kind is Kind.SYMLINK else entry.mode),
            entry.size,
            entry.target,
        )
        for path, entry in report.facts.tree.entries.items()
        if path
    }


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.rule not in DEPENDS],
    ids=lambda case: f"{case.rule}: {case.text}",
)
def test_they_refuse_the_same_images(case: Broken, tmp_path: Path) -> None:
    report = checked_files(tmp_path, case.content, case.siblings, name=case.name)
    failure = unpack(tmp_path, tmp_path / "rootfs", name=case.name)
    assert (failure is not None) == (case.rule in REFUSED), failure
    if failure is None:
        assert tree_of(tmp_path / "rootfs") == tree_in(report)
    elif case.rule not in {"hard-link-missing", "member-xattr"} and case.content:
        assert failure.code == case.rule


@pytest.mark.parametrize("what", HARMLESS)
def test_they_take_the_same_images(what: str, tmp_path: Path) -> None:
    content = HARMLESS[what]
    report = checked_files(tmp_path, content, {f"{NAME}.md5": md5_file(content)})
    assert unpack(tmp_path, tmp_path / "rootfs") is None
    assert tree_of(tmp_path / "rootfs") == tree_in(report)


@pytest.mark.parametrize("format", PACKERS)
def test_they_take_every_format(format: str, tmp_path: Path) -> None:
    content = PACKERS[format](PLAIN)
    report = checked_files(tmp_path, content, {f"{NAME}.md5": md5_file(content)})
    assert unpack(tmp_path, tmp_path / "rootfs") is None
    assert tree_of(tmp_path / "rootfs") == tree_in(report)
    told = {finding.rule.id for finding in report.findings}
    assert ("image-format" in told) == (format not in {"lz4", "lz4 legacy"})
    assert ("content-checksum" in told) == (format in {"lz4 legacy", "tar"})


@pytest.mark.parametrize("format", PACKERS)
@pytest.mark.parametrize("damage", ["cut", "bit", "tail"])
def test_they_judge_damage_of_every_format_alike(format: str, damage: str, tmp_path: Path) -> None:
    content = PACKERS[format](PLAIN)
    damaged = {
        "cut": truncated(content, by=len(content) // 2 + 7),
        "bit": flipped(content, at=len(content) // 2),
        "tail": content + b"more",
    }[damage]
    report = checked_files(tmp_path, damaged, {f"{NAME}.md5": md5_file(damaged)})
    told = {finding.rule.id for finding in report.findings} & REFUSED
    failure = unpack(tmp_path, tmp_path / "rootfs")
    assert (failure is not None) == bool(told), (told, failure)
    if failure is None:
        assert tree_of(tmp_path / "rootfs") == tree_in(report)
        # Without a checksum nobody can tell; behind the end mark of an archive nobody looks.
        assert damage == "bit" or (format, damage) == ("tar", "tail")
    else:
        assert failure.code in told


def test_they_refuse_a_member_that_replaces_a_link_on_its_own_way(tmp_path: Path) -> None:
    content = packed(tar_of([("l", Link(".")), ("k", Link("l")), ("k/l", File(b""))]))
    report = checked_files(tmp_path, content, {f"{NAME}.md5": md5_file(content)})
    failure = unpack(tmp_path, tmp_path / "rootfs")
    assert failure is not None
    assert failure.code == "tar-corrupt"
    assert "tar-corrupt" in {finding.rule.id for finding in report.findings}


def test_a_directory_keeps_its_mode_when_its_name_leads_nowhere_any_more(tmp_path: Path) -> None:
    entries: list[tuple[str, Entry]] = [
        ("d", Directory()),
        ("l", Link("d")),
        ("l/c", Directory(mode=0o1777)),
        ("l", File(b"x")),
    ]
    content = packed(tar_of(entries))
    report = checked_files(tmp_path, content, {f"{NAME}.md5": md5_file(content)})
    assert unpack(tmp_path, tmp_path / "rootfs") is None
    assert (tmp_path / "rootfs/d/c").stat().st_mode & 0o7777 == 0o1777
    assert tree_of(tmp_path / "rootfs") == tree_in(report)


def members(chance: random.Random) -> list[tuple[str, Entry]]:
    """A few members with few names, so that they meet, replace and link to each other."""
    names = ["a", "b", "c", "a/b", "a/c", "b/a", "b/c/a", "a/b/c", "c/a/b/c"]
    targets = [*names, "/a", "/b/c", "../a", "../../b", ".", "..", "/", "a/../b", "./c", "gone"]
    made: list[tuple[str, Entry]] = []
    for _ in range(chance.randint(1, 9)):
        name = chance.choice(names)
        entries: list[Entry] = [
            File(b"x" * chance.randint(0, 9), mode=chance.choice([0o644, 0o4755])),
            Directory(mode=chance.choice([0o755, 0o1777])),
            Link(chance.choice(targets)),
            Link(chance.choice(targets)),
            HardLink(chance.choice(names)),
        ]
        made.append((name, chance.choice(entries)))
    return made


@pytest.mark.soak
@pytest.mark.parametrize("block", range(10))
def test_members_that_meet(block: int, tmp_path: Path) -> None:
    """Links over directories, files below links, hard links to what was replaced: all of it."""
    refused = taken = 0
    for number in range(block * ROUNDS // 10, (block + 1) * ROUNDS // 10):
        folder = tmp_path / str(number)
        folder.mkdir()
        entries = members(random.Random(number))
        content = packed(tar_of(entries))
        report = checked_files(folder, content, {f"{NAME}.md5": md5_file(content)})
        told = {finding.rule.id for finding in report.findings} & REFUSED
        failure = unpack(folder, folder / "rootfs")
        assert (failure is not None) == bool(told), (number, entries, told, failure)
        if failure is None:
            taken += 1
            assert tree_of(folder / "rootfs") == tree_in(report), (number, entries)
        else:
            refused += 1
    assert refused
    assert taken
