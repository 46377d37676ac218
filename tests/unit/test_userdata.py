"""User data is base64 exactly when Go's decoder says so.

The column on the right is what encoding/base64 of Go 1.26 makes of the left one
(StdEncoding.DecodeString, and the text itself where that is an error).
"""

import pytest

from hammer.steps.userdata import decoded


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("aGVsbG8=", b"hello"),
        ("aGVsbA==", b"hell"),
        ("aGVs", b"hel"),
        ("", b""),
        # CR and LF are skipped wherever they are, also in the padding.
        ("\n", b""),
        ("\r\n", b""),
        ("aGVs\nbG8=\n", b"hello"),
        ("aGVs\r\nbG8=", b"hello"),
        ("a\nGV\r\nsb\nG8=", b"hello"),
        ("aGVsbG8\n=", b"hello"),
        ("AA=\n=", b"\0"),
        ("aGVsbG8=\r\n\r\n", b"hello"),
        # Spare bits need not be zero.
        ("aGVsbG9=", b"hello"),
        ("AB==", b"\0"),
        ("AAB=", b"\0\0"),
        # Text that happens to be base64, and bytes that are no text.
        ("test", b"\xb5\xeb-"),
        ("gICA", b"\x80\x80\x80"),
        # Padding: required, once, and nothing behind it.
        ("aGVsbG8", b"aGVsbG8"),
        ("AA", b"AA"),
        ("AAA", b"AAA"),
        ("A", b"A"),
        ("AA=", b"AA="),
        ("AAAA\nAA", b"AAAA\nAA"),
        ("aGVsbG8==", b"aGVsbG8=="),
        ("aGVs=", b"aGVs="),
        ("=", b"="),
        ("====", b"===="),
        ("te=st", b"te=st"),
        ("aGVsbG8=aGVs", b"aGVsbG8=aGVs"),
        ("aGVsbG8=\n\n#x", b"aGVsbG8=\n\n#x"),
        # White space other than CR and LF, and other characters.
        (" ", b" "),
        (" aGVsbG8=", b" aGVsbG8="),
        ("aGVsbG8= ", b"aGVsbG8= "),
        ("aGVs bG8=", b"aGVs bG8="),
        ("aGVs\tbG8=", b"aGVs\tbG8="),
        ("aGVs\0bG8=", b"aGVs\0bG8="),
        ("\0", b"\0"),
        ("aGVs_bG8=", b"aGVs_bG8="),  # the alphabet for URLs
        ("aGVs-bG8=", b"aGVs-bG8="),
        ("data:;base64,aGVsbG8=", b"data:;base64,aGVsbG8="),
        ("#cloud-config\n", b"#cloud-config\n"),
        ("grün", "grün".encode()),
    ],
)
def test_decoding(text: str, written: bytes) -> None:
    assert decoded(text) == written
