"""Two processes write an image: the tree is the one that a single process writes, however slow."""

import os
import random
import tarfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest

from hammer.errors import FileFailed, HammerError, TarCorrupt, TargetFull, UnpackDied
from hammer.stream import acl, orders, unpack
from hammer.stream.helping import MOST_MESSAGES
from hammer.stream.orders import RUN_MEMBERS, SLOT_BYTES, SLOTS, Item, Message, Told
from tests import images
from tests.images import Directory, Entry, File, HardLink, Link, Node, packed, tar_of
from tests.manifest import differences, manifest
from tests.native.stream.conftest import Disk
from tests.native.stream.unpacking import install_content, install_entries

SEEDS = 300 if os.environ.get("HAMMER_SOAK") is None else 20_000
BLOCKS = 10
INHERITED = acl.xattr_value(
    b"user::rwx,user:7:rw-,group::r-x,mask::rwx,other::---", uid_of=int, gid_of=int
)
ACL = "user::rwx,user:7:rw-,group::r-x,mask::rwx,other::-"
HelperWaits = Callable[[Callable[[], float]], None]
MANY: images.Entries = {"d": Directory(), **{f"d/{n:03}": b"x" * (n % 300) for n in range(1000)}}


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of four files are passed on already."""
    monkeypatch.setattr(orders, "FEWEST_FILES", 4)


@pytest.fixture
def helper_waits(monkeypatch: pytest.MonkeyPatch) -> HelperWaits:
    """Called with what tells how long the helper waits before each run that it makes, in s."""

    def wait(pause_s: Callable[[], float]) -> None:
        def slow(tree: unpack.Tree, message: Message, *, memory: memoryview) -> bool:
            time.sleep(pause_s())
            return make_run(tree, message, memory=memory)

        make_run = unpack.Tree.make_run
        monkeypatch.setattr(unpack.Tree, "make_run", slow)

    return wait


def tree_of(content: bytes, root: Path, *, readback: bool) -> dict[str, object] | str:
    """What the image becomes, or the error that it ends in; with readback without a helper."""
    root.mkdir()
    # Of some, the root has a list that files below it inherit: no directory in it is a plain one.
    if len(content) % 3 == 0:
        os.setxattr(root, acl.DEFAULT, INHERITED)
    try:
        install_content(content, root, readback=readback)
    except HammerError as failure:
        return failure.code
    tree = manifest(root)
    # The directory of the test's own, of which the image says nothing.
    return {path: entry for path, entry in tree.items() if path != "."}


# What is said of a file or a directory besides; of most nothing.
SAID: list[Mapping[str, str]] = [
    *[{}] * 8,
    {"mtime": "1700000000.5"},
    {"SCHILY.xattr.user.x": "value"},
    {"SCHILY.acl.access": ACL},
]
HOLED = {"GNU.sparse.size": "9000", "GNU.sparse.numblocks": "1", "GNU.sparse.map": "5000,4"}
# Of files; two directories have such names as well, which most archives that hold both contradict.
LETTERS = ("efghijkl", "efghijkl", "efghijkl", "cdefghij")


def members(chance: random.Random) -> list[tuple[str, Entry]]:
    """Runs of files in few directories, and between them what meets their names and ways."""
    directories = ["a", "b", "a/c", "a/c/d"]
    names = [f"{directory}/{name}" for directory in directories for name in "efgh"]
    everything = [*directories, *names]
    targets = [*everything, "/a", "../b", ".", "gone"]
    made: list[tuple[str, Entry]] = [(name, Directory()) for name in directories]
    run = "a"
    for _ in range(chance.randint(4, 14)):
        run = chance.choice([run, run, *directories])
        mtime = 1_700_000_000 + chance.randint(0, 9)
        mode = chance.choice((0o644, 0o755, 0o4755))
        if chance.random() < 0.5:
            size, uid = chance.randint(0, 3000), chance.choice((0, 0, 7))
            made += [
                (
                    f"{run}/{name}",
                    File(
                        bytes([size % 256]) * size,
                        mode=mode,
                        uid=uid,
                        mtime=mtime,
                        pax=chance.choice(SAID),
                    ),
                )
                for name in chance.sample(chance.choice(LETTERS), k=chance.randint(4, 8))
            ]
            continue
        directory_mode = chance.choice((0o755, 0o2775, 0o1777))
        others: list[Entry] = [
            Directory(
                mode=directory_mode,
                uid=chance.choice((0, 7)),
                mtime=mtime,
                pax=chance.choice(SAID),
            ),
            File(b"single", mode=mode, uid=chance.choice((0, 7)), mtime=mtime),
            File(b"data", mode=mode, mtime=mtime, pax=HOLED),
            Link(chance.choice(targets)),
            HardLink(chance.choice(names)),
            Node(tarfile.FIFOTYPE),
        ]
        made.append(
            (chance.choice(chance.choice((names, names, everything))), chance.choice(others))
        )
    return made


@pytest.mark.soak
@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("block", range(BLOCKS))
def test_the_tree_is_the_same_with_a_helper(
    block: int, tmp_path: Path, helper_waits: HelperWaits
) -> None:
    helper_waits(lambda: random.choice((0, 0, 0.004)))  # the writer is far ahead of it, or not
    taken = 0
    for seed in range(block * SEEDS // BLOCKS, (block + 1) * SEEDS // BLOCKS):
        entries = members(random.Random(seed))
        content = packed(tar_of(entries))
        folder = tmp_path / str(seed)
        folder.mkdir()
        with_helper = tree_of(content, folder / "two", readback=False)
        alone = tree_of(content, folder / "one", readback=True)
        if isinstance(alone, str) or isinstance(with_helper, str):
            assert with_helper == alone, (seed, entries)
            continue
        taken += 1
        assert not differences(alone, with_helper), (seed, entries)  # type: ignore[arg-type]
    assert taken


@pytest.mark.usefixtures("few")
def test_a_name_that_the_helper_has_twice(
    root: Path, helper_waits: HelperWaits, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer waits for both, though it has heard of the first one."""

    def remove_slowly(tree: unpack.Tree, name: bytes) -> None:
        remove(tree, name)
        time.sleep(0.4)

    def take_later(tree: unpack.Tree, message: Message, *, memory: memoryview) -> bool:
        time.sleep(0.1)
        return take(tree, message, memory=memory)

    remove, take = unpack.Tree._remove, unpack.Tree.take
    helper_waits(lambda: 0.22)
    monkeypatch.setattr(unpack.Tree, "_remove", remove_slowly)
    monkeypatch.setattr(unpack.Tree, "take", take_later)
    fifo = Node(tarfile.FIFOTYPE)  # ends a run
    entries: list[tuple[str, Entry]] = [("a", Directory()), ("b", Directory())]
    for at, directory in enumerate("aab"):
        entries += [(f"{directory}/{name}", File(b"file")) for name in "efgh"]
        entries.append((f"{at}", fifo))
    install_entries([*entries, ("a/e", Link("f"))], root)
    assert (root / "a/e").is_symlink()


def test_the_helper_makes_files(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the tests here test it."""

    def broken(_tree: unpack.Tree, _message: Message, *, memory: memoryview) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(unpack.Tree, "make_run", broken)
    with pytest.raises(UnpackDied, match="left with status 1"):
        install_entries(MANY, root)


TIMED: dict[str, Entry] = {f"d{n:03}": Directory(mtime=1_000_000 + n) for n in range(1000)}


def test_directories_have_their_times_whoever_sets_them(root: Path) -> None:
    install_entries(TIMED, root)
    times = [(root / name).stat().st_mtime for name in TIMED]
    assert times == list(range(1_000_000, 1_001_000))


def test_the_helper_sets_times_of_directories(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(tree: unpack.Tree, directories: Iterable[Item]) -> None:
        if tree._helper is None:
            raise FileFailed(path=f"/{next(iter(directories))[2].decode()}", reason="broken")

    monkeypatch.setattr(unpack.Tree, "set_times", broken)
    with pytest.raises(FileFailed, match="/d000: broken"):
        install_entries(TIMED, root)


def test_the_writer_makes_files_too_when_the_helper_is_slow(
    root: Path, helper_waits: HelperWaits, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(tree: unpack.Tree, told: Told) -> int:
        count = write_all(tree, told)
        (Path("/writer")).write_text(f"{made}")
        return count

    made = 0

    def counted(tree: unpack.Tree, name: bytes, mode: int) -> int:
        nonlocal made
        made += 1
        return new_file(tree, name, mode)

    write_all, new_file = unpack.Tree.write_all, unpack.Tree._new_file
    helper_waits(lambda: 0.2)
    monkeypatch.setattr(unpack.Tree, "write_all", told)
    monkeypatch.setattr(unpack.Tree, "_new_file", counted)
    files = 2 * MOST_MESSAGES * RUN_MEMBERS  # more than the helper may have at once
    result = install_entries({"d": Directory(), **{f"d/{n}": b"x" for n in range(files)}}, root)
    assert result.members == files + 1
    assert 0 < int((root / "writer").read_text()) < files


def test_what_the_helper_complains_of_is_told(disk: Disk) -> None:
    target = disk(size_mib=8, mkfs=("mkfs.ext4", "-q", "-F"))
    noise = random.Random(1).randbytes(100_000)
    with pytest.raises(TargetFull, match="while writing /d/"):
        install_entries({"d": Directory(), **{f"d/{n}": noise for n in range(200)}}, target)


def test_a_helper_that_fails_while_nothing_is_left_to_be_told(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has all slots, so that there are no more orders for the writer, who waits for them."""

    def fail(_tree: unpack.Tree, _message: Message, *, memory: memoryview) -> None:
        time.sleep(2)
        raise FileFailed(path="/d/x", reason="Input/output error")

    monkeypatch.setattr(unpack.Tree, "make_run", fail)
    large = random.Random(3).randbytes(SLOT_BYTES)
    entries: dict[str, Entry] = {"d": Directory(), **{f"d/{n}": b"x" for n in range(64)}}
    entries |= {"p": Directory(), **{f"p/{n}": large for n in range(4 * SLOTS)}}
    with pytest.raises(FileFailed, match="/d/x"):
        install_entries(entries, root)


LISTED = File(b"q", pax={"SCHILY.acl.access": ACL})
FIFO = Node(tarfile.FIFOTYPE)  # ends a run
RUN: list[tuple[str, Entry]] = [(f"d/{name}", b"of the run") for name in "efgh"]
DIRECTORIES: list[tuple[str, Entry]] = [("d", Directory()), ("x", Directory())]


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    "entries",
    [
        [*DIRECTORIES, ("d/e", LISTED), *RUN],
        [*DIRECTORIES, *RUN, ("d", Link("x"))],
        [*DIRECTORIES, ("d", Link("x")), *RUN, ("fifo", FIFO), ("x/e", b"later")],
        [*DIRECTORIES, ("l", Link("d")), *RUN, ("fifo", FIFO), ("l/e", b"later")],
    ],
    ids=["had a list", "not empty", "no plain directory any more", "by a link"],
)
def test_what_a_slow_helper_has(
    entries: list[tuple[str, Entry]], tmp_path: Path, helper_waits: HelperWaits
) -> None:
    helper_waits(lambda: 0.25)
    content = packed(tar_of(entries))
    alone = tree_of(content, tmp_path / "one", readback=True)
    with_helper = tree_of(content, tmp_path / "two", readback=False)
    if isinstance(alone, str) or isinstance(with_helper, str):
        assert with_helper == alone
    else:
        assert not differences(alone, with_helper)  # type: ignore[arg-type]


def test_the_earliest_complaint_counts(root: Path, helper_waits: HelperWaits) -> None:
    """The helper has it, and those who are ahead of it have ended with another one."""
    helper_waits(lambda: 0.25)
    names = [f"d/{n:03}" for n in range(3 * RUN_MEMBERS)]
    names[-RUN_MEMBERS // 2] = f"d/{'x' * 256}"
    archive = tar_of({"d": Directory(), **dict.fromkeys(names, b"x")})
    with pytest.raises(TarCorrupt, match="File name too long"):
        install_content(packed(archive.rstrip(b"\0") + b"\xee" * 4096), root)


@pytest.mark.parametrize(
    "entries",
    [
        [("d/f", b"x"), ("l", Link(".")), ("l/d", Directory(mode=0o700, uid=7))],
        [("d", Directory()), ("l", Link(".")), ("l/d", Directory(mode=0o700, uid=7))],
        [
            ("x", Directory()),
            ("l", Link("x")),
            ("l/d", Directory(mode=0o2700, uid=7)),
            ("l", Link(".")),
        ],
    ],
    ids=["made by no member", "made before", "of another directory"],
)
def test_a_directory_whose_mode_is_told_by_two_names(
    entries: list[tuple[str, Entry]], root: Path
) -> None:
    """The last one that names it wins."""
    install_entries([*entries, ("d", Directory(mode=0o755))], root)
    status = (root / "d").stat()
    assert (status.st_mode & 0o7777, status.st_uid) == (0o755, 0)


def test_data_stays_until_the_helper_has_it(root: Path, helper_waits: HelperWaits) -> None:
    """Slots are given back in their order, whoever is done with one first."""
    helper_waits(lambda: 0.01)
    chance = random.Random(2)
    files: dict[str, Entry] = {"d": Directory()}
    files |= {f"d/{n:04}": chance.randbytes(chance.choice((0, 9, 90_000))) for n in range(1500)}
    assert SLOTS * SLOT_BYTES < 1500 * 30_000
    install_entries(files, root)
    wrong = [n for n, entry in files.items() if isinstance(entry, bytes)
             and (root / n).read_bytes() != entry]  # fmt: skip
    assert wrong == []
