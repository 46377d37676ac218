"""User data is base64 exactly when Go's decoder says so."""

import pytest

from hammer.steps.userdata import decoded


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("aGVsbG8=", b"hello"),
        ("aGVs\nbG8=\n", b"hello"),
        ("aGVs\r\nbG8=", b"hello"),
        ("test", b"\xb5\xeb-"),  # plain text that happens to be base64
        ("aGVsbG9=", b"hello"),  # spare bits that are not zero
        ("aGVsbG8", b"aGVsbG8"),  # no padding
        ("aGVsbG8=aGVs", b"aGVsbG8=aGVs"),  # more after the padding
        ("aGVsbG8==", b"aGVsbG8=="),
        ("aGVs=", b"aGVs="),
        ("=", b"="),
        ("aGVs bG8=", b"aGVs bG8="),  # white space other than CR and LF
        ("aGVs_bG8=", b"aGVs_bG8="),  # the alphabet for URLs
        ("#cloud-config\n", b"#cloud-config\n"),
        ("grün", "grün".encode()),
    ],
)
def test_decoding(text: str, written: bytes) -> None:
    assert decoded(text) == written
