"""Addresses of images in a store, apart and together again."""

import pytest

from contract.image_reference import ImageId
from contract.image_store import Address, Store, packages_url

BASE = "https://images.example.com/metal-os"


@pytest.mark.parametrize(
    ("path", "channel", "folders", "image_id"),
    [
        ("stable/debian/12", "stable", ("debian", "12"), "debian-12.0"),
        ("stable/debian/13", "stable", ("debian", "13"), "debian-13.0"),
        ("stable/ubuntu/26.04", "stable", ("ubuntu", "26.04"), "ubuntu-26.4"),
        ("stable/firewall/3.0-ubuntu", "stable", ("firewall", "3.0-ubuntu"), "firewall-ubuntu-3.0"),
        ("20241118/debian/12", "20241118", ("debian", "12"), "debian-12.0.20241118"),
        ("20241118/firewall/3.0-u-b", "20241118", ("firewall", "3.0-u-b"),
         "firewall-u-b-3.0.20241118"),
        ("stable/debian/12.0.5", "stable", ("debian", "12.0.5"), "debian-12.0.5"),
        ("20241118/debian/12.0.5", "20241118", ("debian", "12.0.5"), "debian-12.0.5"),
        ("pull_requests/123-my-branch/debian/12", "pull_requests/123-my-branch", ("debian", "12"),
         "debian-12.0"),
        ("pull_requests/7-a/b/debian/12", "pull_requests/7-a/b", ("debian", "12"), "debian-12.0"),
        ("master/debian/10", "master", ("debian", "10"), "debian-10.0"),
    ],
)  # fmt: skip
def test_an_address(path: str, channel: str, folders: tuple[str, str], image_id: str) -> None:
    url = f"{BASE}/{path}/img.tar.lz4"
    address = Address.parse(url)
    assert address == Address(BASE, channel, *folders)
    assert address.url == url
    assert address.image_id == ImageId.parse(image_id)


@pytest.mark.parametrize(
    "url",
    [
        f"{BASE}/stable/debian/12/img.tar.lz4.md5",
        f"{BASE}/stable/debian/12/packages.txt",
        f"{BASE}/nightly/debian/12/img.tar.lz4",
        f"{BASE}/2024111/debian/12/img.tar.lz4",
        f"{BASE}/stable/debian//img.tar.lz4",
        "https://host/img.tar.lz4",
        "https://[::1/stable/debian/12/img.tar.lz4",
        "",
    ],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Address.parse(url)


def test_a_directory_that_is_no_version() -> None:
    address = Address.parse(f"{BASE}/stable/debian/bookworm/img.tar.lz4")
    with pytest.raises(ValueError, match="must have a version"):
        _ = address.image_id


@pytest.mark.parametrize(
    ("url", "base", "channel"),
    [
        (BASE, BASE, None),
        (f"{BASE}/", BASE, None),
        (f"{BASE}/stable", BASE, "stable"),
        (f"{BASE}/stable/", BASE, "stable"),
        (f"{BASE}/20241118", BASE, "20241118"),
        (f"{BASE}/pull_requests/1-x/y", BASE, "pull_requests/1-x/y"),
        (f"{BASE}/pull_requests", f"{BASE}/pull_requests", None),
        ("http://host", "http://host", None),
        ("http://host/stable", "http://host", "stable"),
    ],
)
def test_base_and_channel_of_a_store(url: str, base: str, channel: str | None) -> None:
    assert Store.parse(url) == Store(base, channel)


@pytest.mark.parametrize(
    ("store", "image_id", "paths"),
    [
        ("", "debian-12", ["stable/debian/12", "stable/debian/12.0"]),
        ("/stable", "ubuntu-26.4", ["stable/ubuntu/26.04", "stable/ubuntu/26.4"]),
        ("/stable", "ubuntu-26.9", ["stable/ubuntu/26.09", "stable/ubuntu/26.9"]),
        ("/stable", "ubuntu-24.10", ["stable/ubuntu/24.10"]),
        ("/master", "debian-10", ["master/debian/10", "master/debian/10.0"]),
        ("", "firewall-ubuntu-3.0", [
            "stable/firewall/3-ubuntu", "stable/firewall/3.0-ubuntu",
            "stable/firewall-ubuntu/3", "stable/firewall-ubuntu/3.0",
        ]),
        # A build is in the channel of its date, wherever the store points to.
        ("", "debian-12.0.20241118", ["20241118/debian/12", "20241118/debian/12.0"]),
        ("/stable", "debian-12.0.20241118", ["20241118/debian/12", "20241118/debian/12.0"]),
        ("/20250101", "debian-12.0.20241118", ["20241118/debian/12", "20241118/debian/12.0"]),
        ("/20250101", "debian-12", ["20250101/debian/12", "20250101/debian/12.0"]),
        ("/pull_requests/1-x", "debian-12.1",
         ["pull_requests/1-x/debian/12.01", "pull_requests/1-x/debian/12.1"]),
        # Nothing that leaves the store.
        ("", "..-1", []),
        ("", "a/b-1", []),
        ("", "a?b-1", []),
        ("", "-1", []),
    ],
)  # fmt: skip
def test_where_an_image_may_be(store: str, image_id: str, paths: list[str]) -> None:
    found = Store.parse(BASE + store).addresses(ImageId.parse(image_id))
    assert [address.url for address in found] == [f"{BASE}/{path}/img.tar.lz4" for path in paths]


@pytest.mark.parametrize("text", ["debian-12", "ubuntu-26.4", "firewall-ubuntu-3.0.20241118"])
def test_every_place_where_an_image_may_be_is_an_address_of_it(text: str) -> None:
    wanted = ImageId.parse(text)
    for address in Store.parse(BASE).addresses(wanted):
        assert Address.parse(address.url) == address
        assert (address.image_id.os, address.image_id.version) == (wanted.os, wanted.version)


def test_what_lies_beside_an_image() -> None:
    url = f"{BASE}/stable/debian/12/img.tar.lz4?signature=x"
    assert packages_url(url) == f"{BASE}/stable/debian/12/packages.txt?signature=x"


def test_a_signed_store_keeps_its_signature() -> None:
    (address, *_) = Store.parse("https://u:p@host/os/stable?sig=1").addresses(
        ImageId.parse("debian-12")
    )
    assert address.url == "https://u:p@host/os/stable/debian/12/img.tar.lz4?sig=1"
