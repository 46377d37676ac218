"""Where an image is as well: bases and whole URLs."""

import pytest

from hammer.stream.sources import places_of

URL = "https://me:hunter2@images.test/metal-os/stable/debian/12/img.tar.lz4?sig=hunter3"


@pytest.mark.parametrize(
    ("mirror", "place"),
    [
        ("http://cache", "http://cache/metal-os/stable/debian/12/img.tar.lz4"),
        ("http://cache/", "http://cache/metal-os/stable/debian/12/img.tar.lz4"),
        ("http://cache:3000/a/b/", "http://cache:3000/a/b/metal-os/stable/debian/12/img.tar.lz4"),
        ("http://u:p@cache/", "http://u:p@cache/metal-os/stable/debian/12/img.tar.lz4"),
        ("http://cache/img.tar.lz4", "http://cache/img.tar.lz4"),
        ("http://cache/img?v=1", "http://cache/img?v=1"),
        ("file:///mnt/", "file:///mnt/metal-os/stable/debian/12/img.tar.lz4"),
    ],
)
def test_a_mirror_is_a_base_or_a_url(mirror: str, place: str) -> None:
    assert places_of(URL, [mirror]) == (URL, place)


def test_the_order_stays_and_nothing_is_tried_twice() -> None:
    assert places_of("http://a/x", ["http://b/", "http://a/", "http://c/y", "http://b/x"]) == (
        "http://a/x",
        "http://b/x",
        "http://c/y",
    )
