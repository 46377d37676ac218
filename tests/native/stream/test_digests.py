"""What an image is compared by: the digest beside it, or one that a document names."""

from pathlib import Path

import pytest

from hammer.algorithm import Algorithm
from hammer.errors import (
    DigestMalformed,
    DigestMismatch,
    DigestMissing,
    DigestWeak,
    HammerError,
    ImageInterrupted,
    ImageUnreachable,
)
from hammer.stream.digest import Digest
from hammer.stream.http import Patience
from hammer.stream.image import HttpImages, Offer
from hammer.stream.published import SIDE_CARS, Wanted
from tests.images import NAME, PATH, checksum_file, image
from tests.native.stream.unpacking import PATIENCE, PERSISTENT
from tests.servers import (
    Answer,
    Cut,
    Redirect,
    Reset,
    Server,
    Silent,
    Stall,
    Status,
    Then,
    nobody,
    serve,
)

IMAGE = image({"etc/hostname": b"m1\n"})
OTHER = image({"etc/hostname": b"m2\n"})
MD5, SHA256, SHA512 = Algorithm.MD5, Algorithm.SHA256, Algorithm.SHA512
VALUE = {each: checksum_file(IMAGE, each).decode().split()[0] for each in Algorithm}
WRONG = {each: checksum_file(OTHER, each).decode().split()[0] for each in Algorithm}
SUMS = checksum_file(IMAGE, SHA512)

Answers = dict[str, Answer | Then]


def with_side_cars(*suffixes: str) -> Answers:
    """The image with right digests beside it."""
    return {
        PATH: IMAGE,
        **{f"{PATH}{suffix}": checksum_file(IMAGE, SIDE_CARS[suffix]) for suffix in suffixes},
    }


def asked(server: Server, wanted: Wanted | None = None, *, min_digest: Algorithm = MD5) -> Offer:
    agent = HttpImages(patience=PATIENCE, min_digest=min_digest)
    return agent.ask(server.url(PATH), wanted=wanted)


def named(text: str, algorithm: Algorithm | None = None) -> Wanted:
    return Wanted(text=text, algorithm=algorithm, where="the machine document")


# --- beside the image ---------------------------------------------------------------------


@pytest.mark.parametrize("suffix", SIDE_CARS)
def test_every_side_car_is_taken(suffix: str, root: Path) -> None:
    with serve(with_side_cars(suffix)) as server:
        agent = HttpImages(patience=PATIENCE)
        offer = agent.ask(server.url(PATH))
        assert offer.digest.algorithm is SIDE_CARS[suffix]
        assert offer.digest.hex == VALUE[SIDE_CARS[suffix]]
        assert offer.digest.source == server.url(f"{PATH}{suffix}")
        agent.unpack(offer, root, progress=lambda _packed_bytes: None)
    assert (root / "etc/hostname").read_bytes() == b"m1\n"


@pytest.mark.parametrize("suffix", SIDE_CARS)
def test_every_algorithm_is_compared(suffix: str, root: Path) -> None:
    answers: Answers = {**with_side_cars(suffix), PATH: Then(IMAGE, OTHER)}
    with serve(answers) as server:
        agent = HttpImages(patience=PATIENCE)
        offer = agent.ask(server.url(PATH))
        with pytest.raises(DigestMismatch) as caught:
            agent.unpack(offer, root, progress=lambda _packed_bytes: None)
    algorithm = SIDE_CARS[suffix]
    assert str(caught.value).endswith(
        f"{PATH}{suffix} says {algorithm} {VALUE[algorithm]}, received was {WRONG[algorithm]}"
    )


def test_the_strongest_wins_and_the_others_are_not_asked_for() -> None:
    with serve(with_side_cars(*SIDE_CARS)) as server:
        assert asked(server).digest.algorithm is SHA512
        assert [request.path for request in server.requests] == [f"{PATH}.sha512", PATH]


def test_what_the_default_of_metal_stack_costs() -> None:
    with serve(with_side_cars(".md5")) as server:
        assert asked(server).digest.algorithm is MD5
        paths = [request.path for request in server.requests]
    assert paths == [*(f"{PATH}{suffix}" for suffix in SIDE_CARS), PATH]


@pytest.mark.parametrize("status", [403, 404, 410])
def test_what_is_absent_leads_to_the_next(status: int) -> None:
    answers = {**with_side_cars(".md5"), **{f"{PATH}.sha512": Status(status)}}
    with serve(answers) as server:
        assert asked(server).digest.algorithm is MD5


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Status(500), DigestMissing),
        (Status(401), DigestMissing),
        (Cut(checksum_file(IMAGE, SHA512), 10), ImageInterrupted),
        (b"", DigestMalformed),
        (b"<html>not found</html>", DigestMalformed),
        (checksum_file(IMAGE, MD5), DigestMalformed),
        (checksum_file(IMAGE, SHA512, "other"), DigestMalformed),
        (bytes(70_000), DigestMalformed),
    ],
)
def test_a_strong_one_that_fails_is_not_replaced_by_a_weak_one(
    answer: Answer, error: type[HammerError]
) -> None:
    answers = {**with_side_cars(".md5"), f"{PATH}.sha512": answer}
    with serve(answers) as server, pytest.raises(error):
        asked(server)


def test_a_cache_that_sends_to_a_server_that_is_away() -> None:
    with nobody() as address:
        answers = {**with_side_cars(".md5"), f"{PATH}.sha512": Redirect(f"{address}/x")}
        with serve(answers) as server, pytest.raises(ImageUnreachable):
            asked(server)


def test_none_at_all_names_all_that_were_looked_for() -> None:
    with serve({PATH: IMAGE}) as server, pytest.raises(DigestMissing) as caught:
        asked(server)
    assert str(caught.value).endswith(
        f"{NAME}.md5: the server answers with HTTP status 404; "
        "nor is there .sha512, .sha512sum, .sha256, .sha256sum"
    )


def test_files_beside_a_file(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(IMAGE)
    (tmp_path / f"{NAME}.sha256sum").write_bytes(checksum_file(IMAGE, SHA256))
    assert HttpImages().ask(f"file://{tmp_path}/{NAME}").digest.hex == VALUE[SHA256]


def test_a_query_stays_behind_the_path_and_out_of_sight() -> None:
    with serve(with_side_cars(".sha256")) as server:
        url = f"{server.url(PATH)}?key=hunter2".replace("//", "//me:hunter2@")
        offer = HttpImages(patience=PATIENCE).ask(url)
    assert offer.digest.source == f"{server.url(PATH)}.sha256?..."


# --- beside the image at a mirror ---------------------------------------------------------


def asked_with_mirrors(
    url: str, *mirrors: str, patience: Patience = PATIENCE, lines: list[str] | None = None
) -> Digest:
    on_retry = None if lines is None else lines.append
    return HttpImages(patience=patience, on_retry=on_retry).ask(url, mirrors=mirrors).digest


@pytest.mark.parametrize(
    "answer",
    [Status(503), Status(429), Silent(), Stall(SUMS, 10), Cut(SUMS, 10), Reset(SUMS, 10)],
)
def test_a_mirror_has_the_digest_of_a_server_that_is_away(answer: Answer) -> None:
    lines: list[str] = []
    with (
        serve({f"{PATH}.sha512": answer, PATH: IMAGE}) as server,
        serve(with_side_cars(".md5")) as mirror,
    ):
        digest = asked_with_mirrors(server.url(PATH), mirror.url("/"), lines=lines)
        assert digest.hex == VALUE[MD5]
        assert digest.source == mirror.url(f"{PATH}.md5")
        # One that is away for the first name is not asked for the others.
        assert [request.path for request in server.requests] == [f"{PATH}.sha512", PATH]
    (line,) = lines
    assert line.startswith(f"{server.url(PATH)}.sha512: ")
    assert line.endswith(f", on to {mirror.address.removeprefix('http://')}")


def test_mirrors_are_asked_in_their_order_and_the_secrets_of_their_urls_are_not_told() -> None:
    lines: list[str] = []
    with (
        nobody() as away,
        serve({}) as without,
        serve({f"{PATH}.sha512": b"<html>"}) as portal,
        serve(with_side_cars(".sha256")) as mirror,
    ):
        urls = [f"{each.url(PATH)}?sig=hunter2" for each in (without, portal, mirror)]
        urls = [url.replace("//", "//me:hunter2@") for url in urls]
        digest = asked_with_mirrors(f"{away}{PATH}", *urls, lines=lines)
        assert digest.source == f"{mirror.url(PATH)}.sha256?..."
        assert (without.asked(f"{PATH}.md5"), portal.asked(f"{PATH}.sha512sum")) == (1, 0)
    assert "hunter2" not in "".join(lines)


def test_a_mirror_that_is_busy_is_asked_again() -> None:
    answers = {**with_side_cars(".sha512"), f"{PATH}.sha512": Then(Status(503), SUMS)}
    with nobody() as away, serve(answers) as mirror:
        url = f"{away}{PATH}"
        assert asked_with_mirrors(url, mirror.url("/"), patience=PERSISTENT).hex == VALUE[SHA512]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Status(404), DigestMissing),
        (Status(401), DigestMissing),
        (b"<html>", DigestMalformed),
        (Redirect("/"), ImageUnreachable),
    ],
)
def test_what_the_publisher_says_no_mirror_mends(answer: Answer, error: type[HammerError]) -> None:
    answers: Answers = {PATH: IMAGE, f"{PATH}.sha512": answer, "/": Redirect("/")}
    with serve(answers) as server, serve(with_side_cars(".sha512")) as mirror:
        with pytest.raises(error):
            asked_with_mirrors(server.url(PATH), mirror.url("/"))
        assert mirror.requests == []


def test_when_no_place_has_it_the_error_is_that_of_the_first_with_notes_on_the_others() -> None:
    with nobody() as away, serve({f"{PATH}.sha512": Status(503)}) as busy, serve({}) as without:
        with pytest.raises(ImageUnreachable) as caught:
            asked_with_mirrors(f"{away}{PATH}", busy.url("/"), without.url("/"))
        assert caught.value.url == f"{away}{PATH}.sha512"
        # What has none is not asked again.
        assert busy.asked(f"{PATH}.sha512") > without.asked(f"{PATH}.sha512") == 1
        assert caught.value.__notes__ == [
            f"mirror {busy.url(PATH)}.sha512: the server answers with HTTP status 503",
            f"mirror {without.url(PATH)}.md5: the server answers with HTTP status 404; "
            "nor is there .sha512, .sha512sum, .sha256, .sha256sum",
        ]


# --- named by a document ------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_value_needs_no_file(algorithm: Algorithm) -> None:
    with serve({PATH: IMAGE}) as server:
        for text in (VALUE[algorithm].upper(), f"{algorithm}:{VALUE[algorithm]}"):
            digest = asked(server, named(text)).digest
            assert (digest.algorithm, digest.hex) == (algorithm, VALUE[algorithm])
            assert digest.source == "the machine document"
        assert {request.path for request in server.requests} == {PATH}


def test_a_checksum_file_of_a_whole_mirror() -> None:
    sums = b"".join(
        [
            b"# 2 images\n",
            checksum_file(OTHER, SHA256, "other/img.tar.lz4.old"),
            checksum_file(IMAGE, SHA256, f"./debian/12/{NAME}"),
            b"0" * 100_000 + b"\n",
        ]
    )
    with serve({PATH: IMAGE, "/SHA256SUMS": sums}) as server:
        digest = asked(server, named(server.url("/SHA256SUMS?key=hunter2"))).digest
        assert digest.hex == VALUE[SHA256]
        assert digest.source == server.url("/SHA256SUMS?...")
        assert [request.path for request in server.requests] == ["/SHA256SUMS", PATH]


@pytest.mark.parametrize(
    ("sums", "algorithm", "error", "reason"),
    [
        (None, None, DigestMissing, "HTTP status 404"),
        (Status(500), None, DigestMissing, "HTTP status 500"),
        (bytes(5 << 20), None, DigestMalformed, "larger than"),
        (checksum_file(IMAGE, SHA256, "other"), None, DigestMalformed, "names other and not"),
        (checksum_file(IMAGE, SHA256), SHA512, DigestMalformed, "a sha256 digest, and not a sha"),
        (checksum_file(b"", SHA256), None, DigestMalformed, "digest of an empty file"),
        (
            checksum_file(IMAGE, SHA256) + checksum_file(OTHER, SHA256),
            None,
            DigestMalformed,
            "2 different sha256 digests",
        ),
        (b"\0" * 40, None, DigestMalformed, "there is no md5, sha256 or sha512 digest"),
    ],
)
def test_a_named_file_that_does_not_do(
    sums: Answer | None, algorithm: Algorithm | None, error: type[HammerError], reason: str
) -> None:
    answers: Answers = with_side_cars(".md5")  # which must not stand in for it
    if sums is not None:
        answers["/SUMS"] = sums
    with serve(answers) as server, pytest.raises(error, match=reason):
        asked(server, named(server.url("/SUMS"), algorithm))


@pytest.mark.parametrize(
    ("text", "algorithm", "reason"),
    [
        ("x" * 32, None, "this is no digest"),
        ("0" * 40, None, "it is a sha1 digest; md5, sha256 and sha512 are known"),
        (VALUE[MD5], SHA256, "it is an md5 digest, and not a sha256 one"),
        (f"sha256:{VALUE[MD5]}", None, "a sha256 digest has 64 digits, and the one there has 32"),
    ],
)
def test_a_value_that_is_none(text: str, algorithm: Algorithm | None, reason: str) -> None:
    with serve(with_side_cars(".md5")) as server, pytest.raises(DigestMalformed, match=reason):
        asked(server, named(text, algorithm))


def test_a_named_file_whose_server_is_away() -> None:
    with serve(with_side_cars(".md5")) as server, nobody() as address:
        agent = HttpImages(patience=PATIENCE, mirrors=[server.url("/")])
        with pytest.raises(ImageUnreachable):
            agent.ask(f"{address}{PATH}", wanted=named(f"{address}{PATH}.md5"))
        assert server.requests == []


# --- not weaker than asked ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("suffix", "least", "told"),
    [
        (".md5", SHA256, "has its md5, and hammer.min_digest= asks for sha256"),
        (".md5", SHA512, "has its md5, and hammer.min_digest= asks for sha512"),
        (".sha256", SHA512, "has its sha256, and hammer.min_digest= asks for sha512"),
    ],
)
def test_a_weaker_one_is_refused(suffix: str, least: Algorithm, told: str) -> None:
    with serve(with_side_cars(suffix)) as server:
        with pytest.raises(DigestWeak, match=told):
            asked(server, min_digest=least)
        with pytest.raises(DigestWeak, match=told):
            asked(server, named(server.url(f"{PATH}{suffix}")), min_digest=least)
        with pytest.raises(DigestWeak, match=told):
            asked(server, named(VALUE[SIDE_CARS[suffix]]), min_digest=least)


@pytest.mark.parametrize("least", Algorithm)
def test_what_is_strong_enough_is_taken(least: Algorithm) -> None:
    with serve(with_side_cars(".sha512")) as server:
        assert asked(server, min_digest=least).digest.algorithm is SHA512
