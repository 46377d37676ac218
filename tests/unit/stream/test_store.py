"""Images by id: in an index, in a store that lists, in a store that does not."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from contract import ImageId
from hammer.errors import (
    HammerError,
    ImageUnknown,
    IndexInvalid,
    IndexMissing,
    ListingInvalid,
    StoreUnreachable,
)
from hammer.stream import store as stores
from hammer.stream.http import Patience
from hammer.stream.store import Choice, Stores, nearest
from tests.servers import Answer, Cut, Redirect, Server, Silent, Status, Then, nobody, serve
from tests.unit.stream.test_listing import BOMB, LONG, SHORT, page

ANSWER = Path(__file__).parents[2] / "contract" / "metal_api_images.json"
IMAGE = b"an image"
SECRET = "hunter2"


def choose(image_id: str, store: str, *, patience: Patience = LONG) -> Choice:
    return Stores(patience=patience).choose(image_id, store)


def at(path: str) -> str:
    return f"/os/{path}/img.tar.lz4"


def chosen(answers: Mapping[str, Answer | Then], image_id: str, path: str = "/os") -> str:
    """The path of the image that was chosen, and its id."""
    with serve(answers) as server:
        choice = choose(image_id, server.url(path))
        return f"{choice.image_id} {choice.url.removeprefix(server.address)}"


def refusal(
    server: Server, image_id: str, path: str = "/os", *, patience: Patience = LONG
) -> HammerError:
    with pytest.raises(HammerError) as caught:
        choose(image_id, server.url(path), patience=patience)
    return caught.value


# --- in an index ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["/images.json", "/images.yaml", "/x.yml", "/metal/v1/image"])
def test_an_index_by_url(name: str) -> None:
    with serve({name: ANSWER}) as server:
        choice = choose("firewall-ubuntu-3", server.url(name))
    assert choice.image_id == "firewall-ubuntu-3.0.20241118"
    assert choice.url.endswith("/20241118/firewall/3.0-ubuntu/img.tar.lz4")
    assert choice.listed
    assert choice.listed.classification == "preview"


def test_an_index_by_path() -> None:
    assert choose("debian-12", ANSWER.as_uri()).image_id == "debian-12.0.20250102"


def test_an_index_that_is_elsewhere_or_late() -> None:
    answers: dict[str, Answer | Then] = {
        "/index.json": Redirect("/there"),
        "/there": Then(Status(503), ANSWER.read_bytes()),
    }
    assert chosen(answers, "debian-12", "/index.json").startswith("debian-12.0.20250102 ")


def test_an_id_that_the_index_does_not_know() -> None:
    with serve({"/index.json": ANSWER}) as server:
        error = refusal(server, "debian-13", "/index.json")
    assert isinstance(error, ImageUnknown)
    assert str(error).splitlines() == [
        f"no image debian-13 in {server.url('/index.json')}",
        "there is debian-12.0.20250102, debian-12.0.20241118",
    ]


@pytest.mark.parametrize("status", [403, 404, 410])
def test_an_index_that_is_not_there(status: int) -> None:
    with serve({"/index.json": Status(status)}) as server:
        error = refusal(server, "debian-12", "/index.json")
    assert isinstance(error, IndexMissing)
    assert str(error) == (
        f"image index {server.url('/index.json')}: the server answers with HTTP status {status}"
    )


def test_an_index_that_is_no_file(tmp_path: Path) -> None:
    for name, reason in (("none.yaml", "No such file"), ("folder.yaml", "Is a directory")):
        (tmp_path / "folder.yaml").mkdir(exist_ok=True)
        with pytest.raises(IndexMissing, match=reason):
            choose("debian-12", (tmp_path / name).as_uri())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"", "must be a mapping"),
        (b"<html>", "must be a mapping"),
        (b'{"images": [}', "line 1: "),
        (json.dumps([{"id": "debian", "url": f"{SECRET}://x"}]).encode(), "images[0].id: must be"),
        (b"[]" + b" " * stores.INDEX_BYTES, "it is larger than 4194304 bytes"),
    ],
)
def test_an_index_that_is_none(text: bytes, problem: str) -> None:
    with serve({"/index.json": text}) as server:
        error = refusal(server, "debian-12", "/index.json")
    assert isinstance(error, IndexInvalid)
    assert problem in str(error)
    assert SECRET not in str(error)


@pytest.mark.parametrize("answer", [Status(500), Status(401), Silent(), Cut(b"[]   ", 3)])
def test_the_server_of_an_index_that_is_away(answer: Answer) -> None:
    with serve({"/index.json": answer}) as server:
        assert isinstance(
            refusal(server, "debian-12", "/index.json", patience=SHORT), StoreUnreachable
        )


@pytest.mark.parametrize("answer", [Status(500), Status(401), Silent()])
def test_the_server_of_a_store_that_is_away(answer: Answer) -> None:
    with serve({"/": Status(403), at("stable/debian/12"): answer}) as server:
        assert isinstance(refusal(server, "debian-12", patience=SHORT), StoreUnreachable)
    with serve({"/": Silent(), at("stable/debian/12"): IMAGE}) as server:
        assert isinstance(refusal(server, "debian-12", patience=SHORT), StoreUnreachable)


@pytest.mark.parametrize("path", ["/index.json", "/os"])
def test_nobody_is_there(path: str) -> None:
    with nobody() as address, pytest.raises(StoreUnreachable, match="refused"):
        choose("debian-12", f"{address}{path}", patience=SHORT)


# --- in a store that does not list ---------------------------------------------------------


@pytest.mark.parametrize(
    ("image_id", "path", "found"),
    [
        ("debian-12", "/os", "debian-12.0 /os/stable/debian/12/img.tar.lz4"),
        ("debian-12", "/os/", "debian-12.0 /os/stable/debian/12/img.tar.lz4"),
        ("debian-12", "/os/stable/", "debian-12.0 /os/stable/debian/12/img.tar.lz4"),
        ("ubuntu-26.4", "/os", "ubuntu-26.4 /os/stable/ubuntu/26.04/img.tar.lz4"),
        ("firewall-ubuntu-3.0", "/os",
         "firewall-ubuntu-3.0 /os/stable/firewall/3.0-ubuntu/img.tar.lz4"),
        ("debian-12.0.20241118", "/os",
         "debian-12.0.20241118 /os/20241118/debian/12/img.tar.lz4"),
        ("debian-12", "/os/20241118", "debian-12.0.20241118 /os/20241118/debian/12/img.tar.lz4"),
        ("debian-13", "/os/pull_requests/7-x",
         "debian-13.0 /os/pull_requests/7-x/debian/13.0/img.tar.lz4"),
    ],
)  # fmt: skip
def test_the_directories_of_a_store(image_id: str, path: str, found: str) -> None:
    folders = ["stable/debian/12", "stable/ubuntu/26.04", "stable/firewall/3.0-ubuntu",
               "20241118/debian/12", "pull_requests/7-x/debian/13.0"]  # fmt: skip
    assert chosen({at(folder): IMAGE for folder in folders}, image_id, path) == found


def test_the_directories_of_a_file_store(tmp_path: Path) -> None:
    path = tmp_path / at("stable/debian/12.0").lstrip("/")
    path.parent.mkdir(parents=True)
    path.write_bytes(IMAGE)
    assert choose("debian-12", (tmp_path / "os").as_uri()).url == path.as_uri()
    with pytest.raises(ImageUnknown):
        choose("debian-13", (tmp_path / "os").as_uri())


@pytest.mark.parametrize("status", [403, 404, 410])
def test_every_address_that_was_tried_is_told(status: int) -> None:
    with serve({at("stable/debian/13"): Status(status)}) as server:
        error = refusal(server, "debian-13")
    assert str(error).splitlines() == [
        f"no image debian-13 in {server.url('/os')}",
        f"tried {server.url(at('stable/debian/13'))}",
        f"tried {server.url(at('stable/debian/13.0'))}",
    ]


def test_an_id_that_fits_into_no_path_is_tried_nowhere() -> None:
    with serve({}) as server:
        error = refusal(server, "../../etc-1")
    assert isinstance(error, ImageUnknown)
    assert error.tried == ()
    assert {request.path for request in server.requests} == {"/"}


def test_a_build_is_never_replaced_by_another() -> None:
    answers = {at(folder): IMAGE for folder in ("stable/debian/12", "20250101/debian/12")}
    with serve(answers) as server:
        assert isinstance(refusal(server, "debian-12.0.20241118"), ImageUnknown)


def test_secrets_of_the_address_are_in_no_error() -> None:
    with serve({}) as server:
        store = f"{server.address}/os?signature={SECRET}"
        with pytest.raises(ImageUnknown) as caught:
            choose("debian-12", store.replace("http://", f"http://me:{SECRET}@"))
    assert SECRET not in str(caught.value)


# --- in a store that lists -----------------------------------------------------------------


def keys(*folders: str) -> list[str]:
    return [f"os/{folder}/img.tar.lz4{end}" for folder in folders for end in ("", ".md5")]


LISTING = page(
    [
        *keys("stable/debian/12", "stable/debian/12.0.7", "stable/debian/11.0", "stable/x/y"),
        *keys("stable/firewall/3-ubuntu", "stable/firewall/3.01-ubuntu", "20241118/debian/12"),
        *("os/stable/index.html", "os/stable/debian/", "os/stable/debian/12/packages.txt"),
    ]
)


@pytest.mark.parametrize(
    ("image_id", "found"),
    [
        ("debian-12", "debian-12.0.7 /os/stable/debian/12.0.7/img.tar.lz4"),
        ("debian-11", "debian-11.0 /os/stable/debian/11.0/img.tar.lz4"),
        ("firewall-ubuntu-3.1", "firewall-ubuntu-3.1 /os/stable/firewall/3.01-ubuntu/img.tar.lz4"),
        ("debian-12.0.20241118", "debian-12.0.20241118 /os/20241118/debian/12/img.tar.lz4"),
    ],
)
def test_what_is_listed_is_taken_without_trying(image_id: str, found: str) -> None:
    assert chosen({"/": LISTING}, image_id) == found


def test_what_is_there_and_not_listed_is_found_all_the_same() -> None:
    answers = {"/": LISTING, at("stable/ubuntu/24.04"): IMAGE}
    assert chosen(answers, "ubuntu-24.4") == "ubuntu-24.4 /os/stable/ubuntu/24.04/img.tar.lz4"


@pytest.mark.parametrize(
    ("image_id", "near"),
    [
        ("debian-13", "debian-12.0.7, debian-12.0, debian-11.0"),
        ("debian-12.0.20250101", "debian-12.0.7, debian-12.0, debian-11.0"),
        ("firewal-ubuntu-3", "firewall-ubuntu-3.1, firewall-ubuntu-3.0"),
        (
            "arch-1",
            "debian-12.0.7, debian-12.0, debian-11.0, firewall-ubuntu-3.1, firewall-ubuntu-3.0",
        ),
    ],
)
def test_what_is_there_instead(image_id: str, near: str) -> None:
    with serve({"/": LISTING}) as server:
        assert str(refusal(server, image_id)).splitlines()[-1] == f"there is {near}"


def test_a_listing_that_is_nonsense() -> None:
    with serve({"/": BOMB, at("stable/debian/12"): IMAGE}) as server:
        error = refusal(server, "debian-12")
    assert isinstance(error, ListingInvalid)
    assert str(error).startswith(f"listing of {server.url('/os/stable')}: ")


def test_not_more_than_five_are_named() -> None:
    ids = [ImageId.parse(f"debian-{major}") for major in range(30)]
    assert nearest(ImageId.parse("debian-99"), ids) == tuple(
        f"debian-{major}" for major in range(29, 24, -1)
    )
    assert nearest(ImageId.parse("zzz-1"), []) == ()
