"""The image index, and images named by id and store in a machine document."""

import json
from pathlib import Path

import pytest

import contract
from contract import ImageId, ImageIndex, MachineDocument
from contract.image_index import IndexedImage
from tests.contract.documents import GONE, MACHINE, as_bytes, changed, problems_of
from tests.contract.independent import schema_takes

ANSWER = Path(__file__).with_name("metal_api_images.json")
IMAGE = {"id": "debian-12.0.1", "url": "http://host/img.tar.lz4"}


def test_a_saved_answer_of_metal_api_is_an_index() -> None:
    index = contract.load_file(ImageIndex, ANSWER)
    assert [image.id for image in index.images] == [
        image["id"] for image in json.loads(ANSWER.read_text())
    ]
    assert index.images[0].expiration_date == "2025-05-18T00:00:00.000Z"


def test_with_a_key_around_the_list_it_is_the_same() -> None:
    index = contract.load_file(ImageIndex, ANSWER)
    around = as_bytes({"images": json.loads(ANSWER.read_text())})
    assert contract.load(ImageIndex, around, name="x") == index
    assert contract.load(ImageIndex, contract.dump(index).encode(), name="x") == index


@pytest.mark.parametrize("text", [b"images: null\n", b"images: []\n", b"[]\n"])
def test_an_empty_index(text: bytes) -> None:
    assert contract.load(ImageIndex, text, name="x").images == ()


def found(index: ImageIndex, text: str) -> IndexedImage | None:
    return index.find(ImageId.parse(text))


def test_neither_expiry_nor_classification_matters() -> None:
    index = contract.load_file(ImageIndex, ANSWER)
    newest = found(index, "debian-12")
    assert newest
    assert (newest.id, newest.classification) == ("debian-12.0.20250102", "deprecated")
    assert found(index, "debian-12.0.20241118") == index.images[0]
    assert found(index, "ubuntu-12") is None


@pytest.mark.parametrize(
    ("images", "problems"),
    [
        ([{**IMAGE, "id": "debian"}], [
            "images[0].id: must be an operating system and a version: debian-12.0.20241118"]),
        ([IMAGE, {**IMAGE, "id": "debian-x"}], [
            "images[1].id: must have a version as 12, 12.0 or 12.0.20241118"]),
        ([IMAGE, {**IMAGE, "id": "a-1"}, IMAGE], [
            "images[2].id: is the id of another image already"]),
        ([{"id": "a-1"}], ["images[0].url: is missing and required"]),
        ([{**IMAGE, "urll": "x"}], ["images[0].urll: unknown key, did you mean url?"]),
        (["debian-12"], ["images[0]: must be a mapping"]),
    ],
)  # fmt: skip
def test_a_broken_index(images: list[object], problems: list[str]) -> None:
    assert problems_of(ImageIndex, as_bytes(images)) == tuple(problems)
    assert problems_of(ImageIndex, as_bytes({"images": images})) == tuple(problems)


@pytest.mark.parametrize(
    ("odd", "url_problem"),
    [
        ({"url": "oci://ghcr.io/metal-stack/debian:12"}, "must be a URL with http, https or file"),
        ({"url": "img.tar.lz4"}, "must be a URL with http, https or file"),
        ({"url": "http://host/"}, "must name a file on the server"),
        ({"url": "http://[::1"}, "must be a URL"),
        ({"url": ""}, "must be a URL with http, https or file"),
        ({"url": None}, "must be a URL with http, https or file"),
        ({"classification": ""}, ""),
        ({"classification": "good"}, ""),
        ({"features": ["router"]}, ""),
    ],
)
def test_an_odd_image_is_no_reason_to_refuse_the_others(
    odd: dict[str, object], url_problem: str
) -> None:
    text = as_bytes([{**IMAGE, **odd}, {**IMAGE, "id": "debian-12.0.2"}])
    index = contract.load(ImageIndex, text, name="x")
    assert [image.url_problem for image in index.images] == [url_problem, ""]
    assert schema_takes("image-index", as_bytes({"images": [{**IMAGE, **odd}]}))


def test_a_list_is_no_other_document() -> None:
    for model in (MachineDocument, contract.FilesystemLayout, contract.BootInfo):
        assert problems_of(model, b"[]") == ("must be a mapping of keys to values",)


# --- in a machine document -----------------------------------------------------------------


def with_image(image: object) -> bytes:
    return as_bytes(changed(MACHINE, ["allocation", "image"], image))


@pytest.mark.parametrize(
    "image",
    [
        {"id": "debian-12", "store": "https://images.example.com/metal-os"},
        {"id": "debian-12", "store": "https://images.example.com"},
        {"id": "debian-12", "store": "file:///srv/images/index.yaml", "url": ""},
        {"id": "no id at all", "url": "http://host/img"},
        {"url": "http://host/img", "store": ""},
        {"id": "no id at all", "url": "http://host/img", "store": "http://host"},
    ],
)
def test_ways_to_name_an_image(image: dict[str, str]) -> None:
    assert problems_of(MachineDocument, with_image(image)) == ()


NOWHERE = "must have a url, or an id and a store, or an os_image"


@pytest.mark.parametrize(
    ("image", "problem"),
    [
        ({}, f": {NOWHERE}"),
        ({"id": "debian-12"}, f": {NOWHERE}"),
        ({"id": "debian-12", "url": None, "store": ""}, f": {NOWHERE}"),
        ({"store": "http://host/x"}, ".id: is missing and required beside store"),
        ({"id": "debian", "store": "http://host/x"},
         ".id: must be an operating system and a version: debian-12.0.20241118"),
        ({"id": "debian-12", "store": "/srv/images"},
         ".store: must be a URL with http, https or file"),
        ({"id": "debian-12", "store": "http:///x"}, ".store: must name a host"),
    ],
)  # fmt: skip
def test_an_image_that_cannot_be_found(image: object, problem: str) -> None:
    assert problems_of(MachineDocument, with_image(image)) == (f"allocation.image{problem}",)


def test_an_image_is_still_required() -> None:
    text = as_bytes(changed(MACHINE, ["allocation", "image"], GONE))
    assert problems_of(MachineDocument, text) == ("allocation.image: is missing and required",)
