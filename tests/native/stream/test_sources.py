"""Servers that misbehave, and which error wins when several things are wrong."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from hammer.algorithm import Algorithm
from hammer.errors import (
    DigestMalformed,
    DigestMismatch,
    DigestMissing,
    HammerError,
    ImageChanged,
    ImageCorrupt,
    ImageHttpStatus,
    ImageInterrupted,
    ImageNotLz4,
    ImageNotTar,
    ImageRecoded,
    ImageStalled,
    ImageTooSlow,
    ImageTruncated,
    ImageUnreachable,
    TarCorrupt,
    TarMemberOutside,
)
from hammer.stream.digest import Digest
from hammer.stream.image import HttpImages, Offer
from tests import images
from tests.images import flipped, image, md5_file, packed, published, tar_of, truncated
from tests.native.stream.unpacking import (
    PATIENCE,
    PERSISTENT,
    install,
    install_content,
    later,
)
from tests.servers import (
    Answer,
    Chunked,
    Cut,
    Drip,
    Parts,
    Recoded,
    Redirect,
    Reset,
    Stall,
    Status,
    Then,
    WithoutLength,
    WrongLength,
    nobody,
    serve,
)

# Noise does not pack: the images are larger than the pipe to the unpacker.
NOISE = random.Random(1).randbytes(3 << 20)
TREE: dict[str, images.Entry] = {"etc/hostname": b"m1\n", "noise": NOISE, "last": b"end"}
IMAGE = image(TREE)
ANOTHER = image({**TREE, "noise": NOISE[::-1]})
HALF = len(IMAGE) // 2
DIGEST = f"{images.PATH}.md5"


@pytest.mark.parametrize(
    "answer",
    [
        IMAGE,
        Chunked(IMAGE),
        WithoutLength(IMAGE),
        Drip(IMAGE, piece=len(IMAGE) // 3 + 1, pause_s=0.3),
        Then(Status(503), IMAGE, Status(500), IMAGE),
        Redirect("/elsewhere"),
        # Broken connections, and servers that can go on or cannot.
        Then(IMAGE, Parts(IMAGE, after=HALF), Parts(IMAGE, after=HALF), Parts(IMAGE)),
        Then(IMAGE, Parts(IMAGE, after=HALF, end="reset"), Parts(IMAGE)),
        Then(IMAGE, Parts(IMAGE, after=HALF, end="stall"), Parts(IMAGE)),
        Then(IMAGE, Parts(IMAGE, after=HALF, end="drip"), Parts(IMAGE)),
        Then(IMAGE, Parts(IMAGE, after=HALF), Parts(IMAGE, lies="ignores-range")),
        Then(IMAGE, Parts(IMAGE, after=HALF), Parts(IMAGE, lies="416")),
        Then(IMAGE, Parts(IMAGE, after=HALF), Parts(IMAGE, lies="elsewhere")),
        Then(IMAGE, Parts(IMAGE, after=HALF), Parts(IMAGE, lies="no-range")),
        Then(IMAGE, Parts(IMAGE, after=HALF), Parts(IMAGE, etag='"2"')),
        Then(IMAGE, Parts(IMAGE, after=HALF), Parts(IMAGE, etag='"2"', lies="ignores-if-range")),
        Then(IMAGE, Reset(IMAGE, HALF), Status(500), Status(503, retry_after="0"), IMAGE),
        Then(IMAGE, Chunked(IMAGE[:HALF], cut=True), Chunked(IMAGE)),
        Then(IMAGE, Chunked(IMAGE, cut=True)),
        Then(IMAGE, WithoutLength(IMAGE[:-10]), WithoutLength(IMAGE)),
        Then(IMAGE, Cut(IMAGE, 0), Cut(IMAGE, len(IMAGE) - 1), IMAGE),
    ],
)
def test_an_image_arrives(answer: Answer | Then, root: Path) -> None:
    seen: list[int] = []
    answers = {**published(IMAGE), images.PATH: answer, "/elsewhere": IMAGE}
    result = install(answers, root, progress=seen.append, patience=PERSISTENT)
    assert (root / "etc/hostname").read_bytes() == b"m1\n"
    assert (root / "noise").read_bytes() == NOISE
    assert (root / "last").read_bytes() == b"end"
    assert result.members == 3
    assert result.packed_bytes == len(IMAGE) == seen[-1]
    assert result.unpacked_bytes == len(tar_of(TREE))
    assert seen == sorted(seen)


def test_what_is_asked_for_writes_nothing_and_is_remembered() -> None:
    with serve(published(IMAGE)) as server:
        offer = HttpImages(patience=PATIENCE).ask(server.url(images.PATH))
        assert offer == Offer(
            url=server.url(images.PATH),
            digest=Digest(
                algorithm=Algorithm.MD5,
                hex=md5_file(IMAGE).decode()[:32],
                source=server.url(DIGEST),
            ),
            size_bytes=len(IMAGE),
        )


def test_the_query_of_a_signed_url_stays_behind_the_digests_name() -> None:
    with serve(published(IMAGE)) as server:
        HttpImages(patience=PATIENCE).ask(server.url(f"{images.PATH}?signature=x"))


def test_an_image_in_a_file(tmp_path: Path, root: Path) -> None:
    (tmp_path / images.NAME).write_bytes(IMAGE)
    (tmp_path / f"{images.NAME}.md5").write_bytes(md5_file(IMAGE))
    agent = HttpImages()
    offer = agent.ask(f"file://{tmp_path}/{images.NAME}")
    agent.unpack(offer, root, progress=lambda _packed_bytes: None)
    assert (root / "last").read_bytes() == b"end"


@pytest.mark.parametrize("format", images.PACKERS)
def test_an_image_of_every_format_arrives_whatever_it_is_called(format: str, root: Path) -> None:
    content = images.PACKERS[format](tar_of(TREE))
    result = install_content(content, root)
    assert (root / "noise").read_bytes() == NOISE
    assert (result.members, result.packed_bytes) == (3, len(content))


@pytest.mark.parametrize("format", images.PACKERS)
def test_what_decodes_an_image_is_there_before_the_chroot(
    format: str, root: Path, tmp_path: Path
) -> None:
    """In a process that has imported nothing yet, and then finds no library below `root`."""
    content = images.PACKERS[format](tar_of(TREE))
    (tmp_path / images.NAME).write_bytes(content)
    (tmp_path / f"{images.NAME}.md5").write_bytes(md5_file(content))
    program = (
        "import sys; from pathlib import Path; from hammer.stream.image import HttpImages\n"
        "images = HttpImages(); offer = images.ask(sys.argv[1])\n"
        "images.unpack(offer, Path(sys.argv[2]), progress=lambda _: None)\n"
    )
    argv = [sys.executable, "-c", program, f"file://{tmp_path}/{images.NAME}", str(root)]
    subprocess.run(argv, check=True)
    assert (root / "last").read_bytes() == b"end"


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ({}, DigestMissing),
        ({images.PATH: IMAGE}, DigestMissing),
        ({DIGEST: md5_file(IMAGE)}, ImageHttpStatus),
        ({**published(IMAGE), images.PATH: Status(503)}, ImageHttpStatus),
        ({**published(IMAGE), DIGEST: Status(403)}, DigestMissing),
        ({**published(IMAGE), DIGEST: b""}, DigestMalformed),
        ({**published(IMAGE), DIGEST: b"<html>" * 99}, DigestMalformed),
        ({**published(IMAGE), DIGEST: bytes(70_000)}, DigestMalformed),
        ({**published(IMAGE), DIGEST: md5_file(IMAGE, "other")}, DigestMalformed),
        (published(b""), DigestMalformed),
        ({**published(b""), DIGEST: md5_file(IMAGE)}, ImageNotLz4),
        (published(b"BZh9 bzip2"), ImageNotLz4),
        ({**published(IMAGE), images.PATH: Recoded(b"\x1f\x8b" + IMAGE)}, ImageRecoded),
        ({**published(IMAGE), images.PATH: Redirect(images.PATH)}, ImageUnreachable),
        ({**published(IMAGE), images.PATH: Stall(IMAGE, 0)}, ImageStalled),
        ({**published(IMAGE), images.PATH: Cut(IMAGE, 2)}, ImageInterrupted),
    ],
)
def test_what_can_be_refused_is_refused_before_anything_is_written(
    answers: dict[str, Answer], error: type[HammerError]
) -> None:
    with serve(answers) as server, pytest.raises(error):
        HttpImages(patience=PATIENCE).ask(server.url(images.PATH))


def test_nobody_at_home() -> None:
    lines: list[str] = []
    with nobody() as address, pytest.raises(ImageUnreachable, match="Connection refused"):
        HttpImages(patience=PATIENCE, on_retry=lines.append).ask(f"{address}{images.PATH}")
    assert lines


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (Status(404), ImageHttpStatus),
        (Cut(IMAGE, len(IMAGE) - 1), ImageInterrupted),
        (Cut(IMAGE, 100), ImageInterrupted),
        (Cut(IMAGE, 0), ImageInterrupted),
        (Reset(IMAGE, len(IMAGE) // 2), ImageInterrupted),
        (Status(503), ImageHttpStatus),
        (Redirect(images.PATH), ImageUnreachable),
        (Recoded(IMAGE), ImageRecoded),
        (Parts(IMAGE, after=10, end="drip"), ImageTooSlow),
        (WrongLength(IMAGE, len(IMAGE) + 10), ImageChanged),
        (WrongLength(IMAGE, len(IMAGE) - 10), ImageChanged),
        (Chunked(IMAGE[:-1], cut=True), ImageInterrupted),
        (Chunked(IMAGE + b"more"), ImageChanged),
        (WithoutLength(IMAGE[:-10]), ImageInterrupted),
        (WithoutLength(IMAGE + b"more"), ImageChanged),
        (Stall(IMAGE, len(IMAGE) // 2), ImageStalled),
        (Stall(IMAGE, len(IMAGE) - 1), ImageStalled),
        (flipped(IMAGE, at=5000), DigestMismatch),
        (flipped(IMAGE, at=-1), DigestMismatch),
        (truncated(IMAGE), ImageChanged),
        (image({"etc": b"another image"}), ImageChanged),
        (b"<html>no lz4 any more</html>", ImageChanged),
        (b"<html>".ljust(len(IMAGE)), DigestMismatch),
        (b"", ImageChanged),
    ],
)
def test_what_goes_wrong_on_the_way(
    behaviour: Answer, error: type[HammerError], root: Path
) -> None:
    with pytest.raises(error):
        install(later(IMAGE, behaviour), root)


@pytest.mark.parametrize(
    "following",
    [
        Parts(ANOTHER, etag='"2"'),
        Parts(ANOTHER, lies="ignores-if-range"),
        ANOTHER,
        truncated(IMAGE),
    ],
)
def test_an_image_that_is_published_again_meanwhile(following: Answer, root: Path) -> None:
    answers = Then(IMAGE, Parts(IMAGE, after=HALF), following)
    with pytest.raises(ImageChanged):
        install({**published(IMAGE), images.PATH: answers}, root, patience=PERSISTENT)


@pytest.mark.parametrize(
    "behaviour",
    [
        Parts(IMAGE, after=HALF),
        Parts(IMAGE, after=HALF, end="reset"),
        Parts(IMAGE, after=HALF, end="stall"),
        Parts(IMAGE, after=HALF, end="drip"),
        Status(404),
        Status(503),
        Recoded(IMAGE),
        ANOTHER + b"longer",
    ],
)
@pytest.mark.parametrize("mirror", [IMAGE, Parts(IMAGE, etag='"mirror"')], ids=["whole", "parts"])
def test_a_mirror_goes_on(behaviour: Answer, mirror: Answer, root: Path) -> None:
    with (
        serve(later(IMAGE, behaviour)) as server,
        serve({"/cache" + images.PATH: mirror}) as cache,
    ):
        agent = HttpImages(patience=PERSISTENT, mirrors=[cache.url("/cache/")])
        offer = agent.ask(server.url(images.PATH))
        agent.unpack(offer, root, progress=lambda _packed_bytes: None)
    assert (root / "noise").read_bytes() == NOISE
    assert (root / "last").read_bytes() == b"end"


def test_a_mirror_with_a_wrong_byte_where_nobody_looked_is_found_by_the_digest(
    root: Path,
) -> None:
    stale = Parts(flipped(IMAGE, at=-9))
    with (
        serve(later(IMAGE, Parts(IMAGE, after=HALF))) as server,
        serve({images.PATH: stale}) as cache,
    ):
        agent = HttpImages(patience=PERSISTENT)
        offer = agent.ask(server.url(images.PATH), mirrors=[cache.url("/")])
        with pytest.raises(DigestMismatch):
            agent.unpack(offer, root, progress=lambda _packed_bytes: None)


def test_bytes_are_counted_in_the_error(root: Path) -> None:
    with pytest.raises(ImageInterrupted) as caught:
        install(later(IMAGE, Cut(IMAGE, 1234)), root)
    assert (caught.value.received_bytes, caught.value.expected_bytes) == (1234, len(IMAGE))


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (truncated(IMAGE), ImageTruncated),
        (truncated(IMAGE, by=4), ImageTruncated),
        (truncated(IMAGE, by=len(IMAGE) // 2), ImageTruncated),
        (flipped(IMAGE, at=-1), ImageCorrupt),
        (IMAGE + b"trailing", ImageCorrupt),
        (packed(b""), ImageNotTar),
        (packed(bytes(10240)), ImageNotTar),
        (packed(b"#!/bin/sh\n"), ImageNotTar),
        (packed(NOISE), ImageNotTar),
        (packed(tar_of(TREE)[:200_000]), TarCorrupt),
        (packed(tar_of(TREE)[:1024] + NOISE), TarCorrupt),
        (image({"../x": b""}), TarMemberOutside),
        # The archive is fine, and what follows it is not: it is read to the end.
        (packed(tar_of({"f": b""}) + bytes(5 << 20))[:-4], ImageTruncated),
        (flipped(packed(tar_of({"f": b""}) + bytes(5 << 20)), at=-1), ImageCorrupt),
    ],
)
def test_an_image_that_was_published_broken(
    content: bytes, error: type[HammerError], root: Path
) -> None:
    with pytest.raises(error):
        install_content(content, root)


def test_frames_and_padding_after_the_archive_are_part_of_the_digest(root: Path) -> None:
    first, second = tar_of({"a": NOISE})[:100_000], tar_of({"a": NOISE})[100_000:]
    result = install_content(packed(first) + packed(second) + packed(bytes(3 << 20)), root)
    assert (root / "a").read_bytes() == NOISE
    assert result.unpacked_bytes > 3 << 20


def test_the_digest_wins_over_the_complaint_and_tells_it(root: Path) -> None:
    with pytest.raises(DigestMismatch) as caught:
        install(later(IMAGE, flipped(IMAGE, at=-1)), root)
    assert "while unpacking" in caught.value.__notes__[0]
    assert isinstance(caught.value.__cause__, ImageCorrupt)


def test_the_source_wins_over_the_complaint_and_tells_it(root: Path) -> None:
    # The first member is refused at once; the connection breaks long after that.
    bad = packed(tar_of({"../x": b""}) + NOISE)
    big = bad + 4 * packed(NOISE)
    with pytest.raises(ImageInterrupted) as caught:
        install(later(big, Cut(big, len(big) - 5)), root)
    assert "leads outside" in caught.value.__notes__[0]


def test_the_whole_image_is_read_for_the_digest_after_a_complaint(root: Path) -> None:
    big = image({"../x": b""}) + packed(NOISE)
    seen: list[int] = []
    with pytest.raises(TarMemberOutside):
        install(published(big), root, progress=seen.append)
    assert seen[-1] == len(big)
