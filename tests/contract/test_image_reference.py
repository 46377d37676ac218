"""Image ids: parsed, ordered and chosen as metal-api does it with Masterminds/semver 3.5.0."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.image_reference import ImageId, Version, most_recent

UINT64 = 2**64


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("12", "12.0.0"),
        ("12.0", "12.0.0"),
        ("12.0.20241118", "12.0.20241118"),
        ("v12.1", "12.1.0"),
        ("20.04", "20.4.0"),
        ("0020.04.007", "20.4.7"),
        ("0", "0.0.0"),
        ("1.2.3-rc.1", "1.2.3-rc.1"),
        ("1-rc1", "1.0.0-rc1"),
        ("1.2+b.01", "1.2.0+b.01"),
        ("1.2.3-0a.-+b-1", "1.2.3-0a.-+b-1"),
        (f"{UINT64 - 1}.0.0", f"{UINT64 - 1}.0.0"),
        (f"1-{UINT64}", f"1.0.0-{UINT64}"),
        ("0" * 255 + "1", "1.0.0"),
    ],
)
def test_a_version_that_is_taken(text: str, version: str) -> None:
    assert str(Version.parse(text)) == version


@pytest.mark.parametrize(
    "text",
    ["", "v", "V1", "vv1", "1.", ".1", "1..2", "1.2.3.4", "1.x", "x", "-1", "1-", "1-a..b", "1-01",
     "1-a.00", "1+", "1+a..b", "1 ", " 1", "1\n", "1_0", "٣", "1.2.3-ü", "1e3",
     f"{UINT64}", f"1.0.{UINT64}", "0" * 256 + "1"],
)  # fmt: skip
def test_a_version_that_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must have a version"):
        Version.parse(text)


def test_versions_in_order() -> None:
    ascending = [
        "0", "1.0.0-1", "1.0.0-9", "1.0.0-10", "1.0.0--1", f"1.0.0-{UINT64}", "1.0.0-A", "1.0.0-a",
        "1.0.0-a.1", "1.0.0-a.a", "1.0.0-b", "1", "1.0.1", "1.1-rc", "1.1", "1.9", "1.10", "2",
    ]  # fmt: skip
    versions = [Version.parse(text) for text in ascending]
    for lower, higher in itertools.combinations(versions, 2):
        assert lower.precedence < higher.precedence, (str(lower), str(higher))
    assert Version.parse("1+a").precedence == Version.parse("v01.0+b").precedence


numbers = st.integers(min_value=0, max_value=UINT64 - 1)


@given(numbers, numbers, numbers)
def test_a_version_is_what_it_says(major: int, minor: int, patch: int) -> None:
    version = Version(major, minor, patch)
    assert Version.parse(str(version)) == version


@given(st.text(max_size=30))
def test_any_text_is_an_id_or_is_refused_with_a_reason(text: str) -> None:
    try:
        found = ImageId.parse(text)
    except ValueError as error:
        reason = str(error)
    else:
        reason = ""
        assert text.startswith(f"{found.os}-")
    assert not reason or reason.startswith("must ")


@pytest.mark.parametrize(
    ("text", "os", "version"),
    [
        ("debian-12", "debian", "12.0.0"),
        ("firewall-ubuntu-3.0.20250101", "firewall-ubuntu", "3.0.20250101"),
        ("ubuntu-24.04", "ubuntu", "24.4.0"),
        ("-1", "", "1.0.0"),
        ("debian-12-rc-1", "debian-12-rc", "1.0.0"),
    ],
)
def test_the_version_is_what_follows_the_last_hyphen(text: str, os: str, version: str) -> None:
    found = ImageId.parse(text)
    assert (found.text, found.os, str(found.version)) == (text, os, version)


@pytest.mark.parametrize("text", ["", "debian", "debian-", "debian-x", "debian-12-rc"])
def test_what_is_no_id(text: str) -> None:
    with pytest.raises(ValueError, match="must "):
        ImageId.parse(text)


IDS = [
    "ubuntu-24.4.20240101", "debian-12.0.20240101", "debian-12.0.20241118", "debian-12.0.9",
    "debian-12.1.20250101", "debian-13.0.20250101", "firewall-ubuntu-3.0.20250101",
    "firewall-2.0.20990101", "ubuntu-24.10.20250101", "debian-11.0", "debian-11.0.0", "arch-0.0.1",
    "arch-1.2.3",
]  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("debian-12", "debian-12.0.20241118"),
        ("debian-12.0", "debian-12.0.20241118"),
        ("debian-12.0.0", "debian-12.0.20241118"),
        ("debian-v12", "debian-12.0.20241118"),
        ("debian-12.1", "debian-12.1.20250101"),
        ("debian-12.2", None),
        ("debian-12.0.20240101", "debian-12.0.20240101"),
        ("debian-12.0.20240102", None),
        ("debian-12.00.09", "debian-12.0.9"),
        ("ubuntu-24.04", "ubuntu-24.4.20240101"),
        ("ubuntu-24", None),
        ("firewall-ubuntu-3", "firewall-ubuntu-3.0.20250101"),
        ("firewall-3", None),
        ("ubuntu-3", None),
        # Equal versions: the first one. ~0.0.0 takes everything.
        ("debian-11", "debian-11.0"),
        ("debian-0", "debian-13.0.20250101"),
        ("arch-0.0", "arch-1.2.3"),
        ("arch-1", None),
    ],
)
def test_the_most_recent_image(wanted: str, found: str | None) -> None:
    chosen = most_recent(ImageId.parse(wanted), map(ImageId.parse, IDS))
    assert (chosen.text if chosen else None) == found
    # Another order of the images is no other choice, but among equals.
    again = most_recent(ImageId.parse(wanted), map(ImageId.parse, reversed(IDS)))
    assert (again.version if again else None) == (chosen.version if chosen else None)


def test_a_build_before_a_release_is_chosen_only_when_asked_for() -> None:
    def means(wanted: str, found: str) -> bool:
        ids = [ImageId(text, "x", Version.parse(text)) for text in (wanted, found)]
        return ids[0].means(ids[1])

    assert not means("1.2", "1.2.0-rc1")
    assert not means("1.2", "1.2.3-rc1")
    assert means("1.2.0-rc1", "1.2.0-rc2")
    assert not means("1.2.0-rc2", "1.2.0-rc1")
    assert means("1.2.0-rc1", "1.2.3")
    assert means("1.2.3-rc1", "1.2.3-rc1+b")
    assert not means("1.2.3-rc1", "1.2.3")
