"""What this machine does to the unpacker: full disks, signals, filesystems without owners."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType

import pytest

from hammer.errors import (
    FileFailed,
    TargetFull,
    TarMemberUnsupported,
    UnpackDied,
)
from hammer.stream import unpack
from hammer.stream.reading import PIECE_BYTES, PIECES_WAITING, Reading
from hammer.stream.unpacker import Written, unpacking
from tests import images
from tests.images import Directory, File, Link, image, published
from tests.native.stream.conftest import Disk
from tests.native.stream.limits import each
from tests.native.stream.unpacking import (
    PATIENCE,
    children,
    install,
    install_entries,
    later,
)
from tests.servers import Stall

NOISE = os.urandom(1 << 20)
EXT4 = ("mkfs.ext4", "-q", "-F")


def test_a_full_target_is_said_at_once(disk: Disk) -> None:
    target = disk(size_mib=8, mkfs=EXT4)
    # More than may wait between the download and the writer, 24 MiB packed and 16 unpacked.
    big: images.Entries = {f"data/{n}": NOISE for n in range(80)}
    content = image(big)
    seen: list[int] = []
    with pytest.raises(TargetFull, match="while writing /data/"):
        install(published(content), target, progress=seen.append)
    assert seen[-1] < len(content), "the rest was not downloaded"


def test_a_target_without_inodes_is_full_too(disk: Disk) -> None:
    target = disk(size_mib=8, mkfs=(*EXT4, "-N", "64"))
    with pytest.raises(TargetFull):
        install_entries({f"f{n}": b"" for n in range(500)}, target)


@pytest.mark.parametrize("size", [5000, 70_000])
@pytest.mark.parametrize("kind", [File, Directory])
def test_an_attribute_that_is_too_large_is_no_full_disk(
    kind: type[File] | type[Directory], size: int, disk: Disk
) -> None:
    target = disk(size_mib=16, mkfs=(*EXT4, "-b", "4096", "-O", "^ea_inode"))
    large = kind(pax={"SCHILY.xattr.user.x": "v" * size})
    with pytest.raises(
        TarMemberUnsupported, match=rf"member d: .* {size} bytes .*\(xattr user.x\)"
    ):
        install_entries({"d": large}, target)


def test_what_is_kept_to_the_end_has_a_limit(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "MAX_KEPT_BYTES", 1 << 20)
    few = {f"{n:04}": Directory() for n in range(1000)}
    install_entries(few, root)
    attribute = {"SCHILY.xattr.user.x": "v" * 3000}
    acl = {"SCHILY.acl.access": f"user::rwx,group::r-x,other::r-x{' ' * 3000}"}
    names = {f"SCHILY.xattr.user.{n:03}": "" for n in range(100)}
    holes = {"GNU.sparse.size": "0", "GNU.sparse.map": ",".join(["0,0"] * 1000)}
    for many in (
        {f"{n:04}": Directory() for n in range(3000)},
        {f"{n:04}": Directory(pax=names) for n in range(100)},
        {f"{n:04}": Directory(pax=holes) for n in range(10)},
        {f"{n:04}": File(pax={**holes, **acl}) for n in range(10)},
        {f"{n:04}": Directory(pax=attribute) for n in range(1000)},
        {f"{n:04}": File(pax=acl) for n in range(1000)},
        {f"{n}/" + "d/" * 300 + "f": b"" for n in range(10)},
    ):
        with pytest.raises(TarMemberUnsupported, match="are over 1 MiB"):
            install_entries(many, root)


def test_a_target_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileFailed, match="No such file"):
        install_entries({"f": b""}, tmp_path / "nowhere")


def test_a_target_that_cannot_be_written(disk: Disk) -> None:
    target = disk(size_mib=8, mkfs=EXT4)
    subprocess.run(["mount", "-o", "remount,ro", target], check=True)
    with pytest.raises(FileFailed, match="/f: Read-only file system"):
        install_entries({"f": b""}, target)


def test_a_killed_unpacker_is_an_error_of_this_machine(root: Path) -> None:
    content = image({f"f{n}": NOISE for n in range(30)})

    def kill(_packed_bytes: int) -> None:
        for pid in children():
            os.kill(int(pid), signal.SIGKILL)

    with pytest.raises(UnpackDied, match="was killed by signal 9"):
        install(published(content), root, progress=kill)


def test_an_interrupted_agent_takes_the_unpacker_along(root: Path) -> None:
    content = image({f"f{n}": NOISE for n in range(5)})
    waiting = threading.Event()

    def interrupt() -> None:
        waiting.wait()
        os.kill(os.getpid(), signal.SIGINT)

    # A shell starts what is in its background with the signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    person = threading.Thread(target=interrupt)
    person.start()
    with pytest.raises(KeyboardInterrupt):
        install(
            later(content, Stall(content, 2 << 20)),
            root,
            progress=lambda _bytes: waiting.set(),
            patience=replace(PATIENCE, stall_s=60),
        )
    person.join()
    signal.signal(signal.SIGINT, before)
    assert children() == []


def test_a_signal_while_the_agent_waits_leaves_nothing_locked(root: Path) -> None:
    """It raises between any two instructions of the main thread, also in Python's own locks."""
    content = image({"f": b""})
    waits = {Reading.feed.__code__, Reading.end.__code__}
    left = 0

    def at_instruction(_frame: FrameType, event: str, _: object) -> Callable[..., object]:
        nonlocal left
        left -= event == "opcode"
        if not left:
            sys.settrace(None)
            raise KeyboardInterrupt
        return at_instruction

    def at_call(frame: FrameType, _event: str, _: object) -> Callable[..., object] | None:
        caller: FrameType | None = frame
        while caller is not None and caller.f_code not in waits:
            caller = caller.f_back
        in_lock = caller is frame or frame.f_code.co_filename == threading.__file__
        frame.f_trace_opcodes = caller is not None and in_lock
        return at_instruction if frame.f_trace_opcodes else None

    def moments() -> Iterator[int]:
        moment = 1
        while left <= 0:  # else the last one was behind the end
            yield moment
            moment += 1
        assert moment > 30

    def interrupted(moment: int) -> None:
        nonlocal left
        left = moment
        signal.alarm(20)
        with (
            suppress(KeyboardInterrupt),
            unpacking(root, url="file:///i", ownerless=()) as unpacker,
        ):
            sys.settrace(at_call)  # type: ignore[arg-type]
            unpacker.feed(content)
            unpacker.result()
        sys.settrace(None)
        assert children() == []

    each(moments(), interrupted)


def test_an_agent_that_fails_takes_the_unpacker_along(root: Path) -> None:
    def fail(_packed_bytes: int) -> None:
        raise RuntimeError("a bug elsewhere")

    with pytest.raises(RuntimeError, match="elsewhere"):
        install(published(image({"f": NOISE})), root, progress=fail)
    assert children() == []


def test_the_unpacker_hears_no_ctrl_c_and_holds_nothing_of_the_agents(root: Path) -> None:
    content = image({f"f{n}": NOISE for n in range(5)})
    facts: list[tuple[int, set[str]]] = []

    def look(packed_bytes: int) -> None:
        if packed_bytes > 1 << 20 and not facts:
            time.sleep(0.2)
            for pid in children():
                links = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
                facts.append((os.getsid(int(pid)), links))

    install(published(content), root, progress=look)
    assert len(facts) == 2
    for session, links in facts:
        assert session != os.getsid(0)
        assert not [link for link in links if link.startswith("socket:")]


def test_a_chunk_may_be_larger_than_all_that_waits(root: Path) -> None:
    waiting_bytes = PIECES_WAITING * PIECE_BYTES
    count = waiting_bytes // len(NOISE) + 1
    content = image({f"f{n}": NOISE for n in range(count)})
    assert len(content) > waiting_bytes
    with unpacking(root, url="http://images/img.tar.lz4", ownerless=()) as unpacker:
        assert unpacker.feed(content)
        result = unpacker.result()
    assert isinstance(result, Written)
    assert result.members == count


def test_only_what_unpacks_works_as_batch(root: Path) -> None:
    """What the agent does and starts afterwards is scheduled as it was before."""
    before = os.sched_getscheduler(0)
    policies: set[int] = set()

    def look(_packed_bytes: int) -> None:
        policies.update(os.sched_getscheduler(int(pid)) for pid in ["0", *children()])

    install(published(image({"f": NOISE})), root, progress=look)
    assert policies == {os.SCHED_BATCH}
    assert before == os.sched_getscheduler(0) == os.SCHED_OTHER


def test_a_file_left_open_does_not_reach_the_unpacker(root: Path, tmp_path: Path) -> None:
    low = os.open(tmp_path, os.O_RDONLY)
    high = os.dup2(low, 700)
    seen: list[bool] = []

    def look(_packed_bytes: int) -> None:
        if not seen:
            time.sleep(0.2)
            seen.extend(Path(f"/proc/{pid}/fd/{high}").exists() for pid in children())

    try:
        install(published(image({"f": NOISE, "g": NOISE})), root, progress=look)
    finally:
        os.close(high)
        os.close(low)
    assert seen == [False, False]


# --- the ESP ---------------------------------------------------------------------------------

VFAT = ("mkfs.vfat", "-F", "32")
needs_vfat = pytest.mark.skipif(
    "vfat" not in Path("/proc/filesystems").read_text(), reason="this kernel has no vfat"
)


@needs_vfat
def test_vfat_holds_content_and_no_owners(root: Path, disk: Disk) -> None:
    disk(size_mib=40, mkfs=VFAT, at=root / "boot/efi")
    entries: images.Entries = {
        "boot": Directory(),
        "boot/efi": Directory(mode=0o700, uid=7),
        "boot/efi/EFI": Directory(mode=0o750),
        "boot/efi/EFI/grub.efi": File(
            b"MZ", mode=0o4640, uid=3, gid=4, pax={"SCHILY.xattr.user.a": "b"}
        ),
        "etc/f": File(b"x", uid=3, gid=4),
    }
    install_entries(entries, root)
    assert (root / "boot/efi/EFI/grub.efi").read_bytes() == b"MZ"
    assert (root / "etc/f").stat().st_uid == 3


@needs_vfat
def test_vfat_refuses_links_by_name(root: Path, disk: Disk) -> None:
    disk(size_mib=40, mkfs=VFAT, at=root / "boot/efi")
    with pytest.raises(TarMemberUnsupported, match="cannot hold a symlink"):
        install_entries({"boot/efi/link": Link("x")}, root)


def test_what_a_fresh_filesystem_and_other_mounts_bring_is_kept(disk: Disk) -> None:
    target = disk(size_mib=16, mkfs=EXT4)
    disk(size_mib=16, mkfs=EXT4, at=target / "var")
    (target / "var/old").mkdir()
    install_entries(
        {"./": Directory(mode=0o711), "var": Directory(mode=0o2775, gid=8), "var/f": b"x"}, target
    )
    assert (target / "lost+found").is_dir()
    assert (target / "var/old").is_dir()
    assert (target / "var/f").read_bytes() == b"x"
    assert (target / "var").stat().st_mode & 0o7777 == 0o2775
    assert target.stat().st_mode & 0o7777 == 0o711
