"""Which word of a digest file is the digest."""

import pytest

from hammer.stream.digest import md5_of

ONE = "0123456789abcdef0123456789abcdef"
TWO = "fedcba9876543210fedcba9876543210"
EMPTY = "d41d8cd98f00b204e9800998ecf8427e"
NAME = "img.tar.lz4"


@pytest.mark.parametrize(
    "text",
    [
        ONE,
        f"{ONE}\n",
        f"{ONE}  {NAME}\n",
        f"{ONE} *{NAME}\n",
        f"{ONE}\t{NAME}\n",
        f"{ONE}  {NAME}\r\n",
        f"{ONE.upper()}  {NAME}\n",
        f"{ONE}  ./{NAME}\n",
        f"{ONE}  /var/build/out/{NAME}\n",
        f"\n  {ONE}  {NAME}\n\n",
        f"# made by CI\n{ONE}  {NAME}\n",
        f"MD5 ({NAME}) = {ONE}\n",
        f"MD5 (/out/{NAME}) = {ONE.upper()}\n",
        f"{TWO}  other.tar.lz4\n{ONE}  {NAME}\n",
        f"MD5 (other.tar.lz4) = {TWO}\nMD5 ({NAME}) = {ONE}\n",
        f"{ONE}  {NAME}\n{ONE}  {NAME}\n",
        f"\ufeff{ONE}  {NAME}\n",
    ],
)
def test_the_digest_is_found_however_it_is_written(text: str) -> None:
    assert md5_of(text.encode(), name=NAME) == ONE


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        ("\n \n", "it is empty"),
        ("<html>not found</html>\n", "there is no md5 digest"),
        (f"{ONE}0  {NAME}\n", "there is no md5 digest"),
        (f"{ONE[:-1]}  {NAME}\n", "there is no md5 digest"),
        (f"sha256:{ONE}\n", "there is no md5 digest"),
        (f"{ONE}  other.tar.lz4\n", "it names other.tar.lz4 and not img.tar.lz4"),
        (f"{ONE}  imgXtarXlz4\n", "and not img.tar.lz4"),
        (f"{ONE}  {NAME}.old\n", "and not img.tar.lz4"),
        (f"{ONE}  {NAME}\n{TWO}  {NAME}\n", "2 different digests"),
        (f"{EMPTY}  {NAME}\n", "digest of an empty file"),
    ],
)
def test_what_is_no_digest_of_this_image_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        md5_of(text.encode(), name=NAME)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(ValueError, match="no md5 digest"):
        md5_of(b"\xff\xfe\x00" * 20, name=NAME)
