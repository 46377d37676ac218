"""Which word of a checksum text is the digest, and what is none."""

import hashlib
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.image_digest import algorithm_of
from hammer.algorithm import Algorithm
from hammer.stream.digest import Digest, of_text, of_value

MD5, SHA256, SHA512 = Algorithm.MD5, Algorithm.SHA256, Algorithm.SHA512
ONE = {each: "0123456789abcdef" * (each.hex_digits // 16) for each in Algorithm}
TWO = {each: "fedcba9876543210" * (each.hex_digits // 16) for each in Algorithm}
NOTHING = {
    MD5: "d41d8cd98f00b204e9800998ecf8427e",
    SHA256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    SHA512: (
        "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
        "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"
    ),
}
SHA1 = "0123456789abcdef0123456789abcdef01234567"
NAME = "img.tar.lz4"
EVERY = pytest.mark.parametrize("algorithm", Algorithm)

# {one} is the digest, {two} another one, {TAG} the algorithm.
TEXTS = [
    "{one}",
    "{one}\n",
    "{one}  img.tar.lz4\n",
    "{one} *img.tar.lz4\n",
    "{one} img.tar.lz4\n",
    "{one}   img.tar.lz4\n",
    "{one}\timg.tar.lz4\n",
    "{one}  img.tar.lz4\r\n",
    "{two}  other.tar.lz4\r{one}  img.tar.lz4\r",
    "{ONE}  img.tar.lz4\n",
    "{one}  ./img.tar.lz4\n",
    "{one} *./out/img.tar.lz4\n",
    "{one}  /var/build/out/img.tar.lz4\n",
    "{one}  \n",
    "{one}  -\n",
    "{one} *-\n",
    "\n  {one}  img.tar.lz4\n\n",
    "# made by CI\n; also for mirrors\n{one}  img.tar.lz4\n",
    "\\{one}  img.tar.lz4\n",
    "{TAG} (img.tar.lz4) = {one}\n",
    "{TAG}(img.tar.lz4)= {one}\n",
    "{TAG} (/out/img.tar.lz4) = {ONE}\n",
    "\\{TAG} (a\\nb/img.tar.lz4) = {one}\n",
    "{tag}:{one}\n",
    "{TAG}:{ONE}  img.tar.lz4\n",
    "{two}  other.tar.lz4\n{one}  img.tar.lz4\n",
    "{two}  old.img.tar.lz4\n{one}  img.tar.lz4\n{two}  img.tar.lz4.old\n",
    "{TAG} (other.tar.lz4) = {two}\n{TAG} (img.tar.lz4) = {one}\n",
    "{one}  img.tar.lz4\n{ONE} *./img.tar.lz4\n",
    "{one}\n{one}  img.tar.lz4\n",
    "\ufeff{one}  img.tar.lz4\n",
    "0123456789abcdef0123456789abcdef01234567  img.tar.lz4\n{one}  img.tar.lz4\n",
    "SHA1 (img.tar.lz4) = 0123456789abcdef0123456789abcdef01234567\n{TAG} (img.tar.lz4) = {one}\n",
    "{two}  img.tar.lz4\n-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n"
    "{one}  img.tar.lz4\n-----BEGIN PGP SIGNATURE-----\n\n{two}\n-----END PGP SIGNATURE-----\n",
    "-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\n# what follows\r\n\r\n"
    "{one}  img.tar.lz4\r\n-----BEGIN PGP SIGNATURE-----\r\n\r\niQIzBAEB=\r\n",
    "-----BEGIN PGP SIGNED MESSAGE-----\n\n- {one}  img.tar.lz4\n",
]


def filled(text: str, algorithm: Algorithm) -> bytes:
    values = {
        "one": ONE[algorithm],
        "ONE": ONE[algorithm].upper(),
        "two": TWO[algorithm],
        "tag": algorithm.value,
        "TAG": algorithm.value.upper(),
    }
    return text.format(**values).encode()


@EVERY
@pytest.mark.parametrize("text", TEXTS)
def test_the_digest_is_found_however_it_is_written(text: str, algorithm: Algorithm) -> None:
    found = Digest(algorithm=algorithm, hex=ONE[algorithm], source="here")
    assert of_text(filled(text, algorithm), name=NAME, source="here") == found
    named = of_text(filled(text, algorithm), name=NAME, algorithm=algorithm, source="here")
    assert named == found


REFUSED = [
    ("", "it is empty"),
    ("\n \n", "it is empty"),
    ("<html>not found</html>\n", "there is no md5, sha256 or sha512 digest in it"),
    ("{one}0  img.tar.lz4\n", "there is no md5, sha256 or sha512 digest"),
    ("{one}  other.tar.lz4\n", "it names other.tar.lz4 and not img.tar.lz4"),
    ("{one}  imgXtarXlz4\n", "and not img.tar.lz4"),
    ("{one}  img.tar.lz4.old\n", "and not img.tar.lz4"),
    ("{one}  img.tar.lz4/other\n", "and not img.tar.lz4"),
    ("{one}  IMG.tar.lz4\n", "and not img.tar.lz4"),
    ("{one}  *img.tar.lz4\n", "and not img.tar.lz4"),
    ("{TAG} (other) = {one}\n", "it names other and not"),
    ("{one}  img.tar.lz4\n{two}  img.tar.lz4\n", "2 different {tag} digests"),
    ("{one}  a/img.tar.lz4\n{two}  b/img.tar.lz4\n", "2 different {tag} digests"),
    ("{two}\n{one}  img.tar.lz4\n", "2 different {tag} digests"),
    ("{one}\n{two}\n", "2 different {tag} digests"),
    ("{TAG} (img.tar.lz4) = {one}00\n", "a {tag} digest has .* digits, and the one there has"),
    ("{tag}:0123456789abcdef\n", "a {tag} digest has .* digits, and the one there has 16"),
    (f"{SHA1}  img.tar.lz4\n", "it is a sha1 digest; md5, sha256 and sha512 are known"),
    (f"SHA1 (img.tar.lz4) = {SHA1}\n", "it is a sha1 digest; md5, sha256 and sha512 are known"),
    ("BLAKE2b (img.tar.lz4) = {one}\n", "it is a blake2b digest"),
    ("SHA512/256 (img.tar.lz4) = {one}\n", "it is a sha512/256 digest"),
    ("sha3-256:{one}\n", "it is a sha3-256 digest"),
]


@EVERY
@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_what_is_no_digest_of_this_image_is_refused(
    text: str, reason: str, algorithm: Algorithm
) -> None:
    with pytest.raises(ValueError, match=reason.format(tag=algorithm.value)):
        of_text(filled(text, algorithm), name=NAME, source="here")


@EVERY
@pytest.mark.parametrize(
    "text",
    ["{nothing}", "{nothing}  img.tar.lz4\n", "{tag}:{nothing}", "{TAG} (img.tar.lz4) = {nothing}"],
)
def test_the_digest_of_an_empty_file_is_refused_by_name(text: str, algorithm: Algorithm) -> None:
    tag = algorithm.value
    written = text.format(nothing=NOTHING[algorithm].upper(), tag=tag, TAG=tag.upper())
    reason = f"{NOTHING[algorithm]} is the {algorithm} digest of an empty file"
    with pytest.raises(ValueError, match=reason):
        of_text(written.encode(), name=NAME, source="here")
    if NAME not in text:
        with pytest.raises(ValueError, match=reason):
            of_value(written, source="here")


def test_the_strongest_is_taken_unless_another_is_asked_for() -> None:
    text = "".join(f"{ONE[each]}  {NAME}\n" for each in Algorithm).encode()
    assert of_text(text, name=NAME, source="x").algorithm is SHA512
    assert of_text(text, name=NAME, algorithm=MD5, source="x").hex == ONE[MD5]


@pytest.mark.parametrize("text", [ONE[SHA256], f"{ONE[SHA256]}  {NAME}", f"sha256:{ONE[SHA256]}"])
def test_another_algorithm_than_the_one_that_is_told_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="it is a sha256 digest, and not an md5 one"):
        of_text(text.encode(), name=NAME, algorithm=MD5, source="x")
    if NAME not in text:
        with pytest.raises(ValueError, match="it is a sha256 digest, and not a sha512 one"):
            of_value(text, algorithm=SHA512, source="x")


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(ValueError, match="no md5 digest"):
        of_text(b"\xff\xfe\x00" * 20, name=NAME, algorithm=MD5, source="x")


@EVERY
def test_a_value_is_a_digest_and_nothing_else(algorithm: Algorithm) -> None:
    one = ONE[algorithm]
    for text in (one, one.upper(), f"{algorithm}:{one}", f"{algorithm.upper()}:{one}", f" {one}\n"):
        assert of_value(text, source="x") == Digest(algorithm=algorithm, hex=one, source="x")
    for text in ("", "x", one[1:], f"{one}  {NAME}", f"{one}\n{one}", f":{one}", f"{one}:"):
        with pytest.raises(ValueError, match="this is no digest; md5, sha256 and sha512 are known"):
            of_value(text, source="x")
    with pytest.raises(ValueError, match="it is a sha1 digest"):
        of_value(SHA1, source="x")


@given(
    st.builds(
        "{}{}{}{}".format,
        st.sampled_from(["", "md5:", "SHA256:", "sha512:", "sha1:", ":", "http://h/", "x"]),
        st.sampled_from([*ONE.values(), *NOTHING.values(), SHA1, "", "0" * 31]),
        st.sampled_from(["", "0", "f", "g", ":", " x"]),
        st.sampled_from(["", "SHA256SUMS"]),
    )
)
def test_the_contract_takes_the_same_values(text: str) -> None:
    """It has a grammar of its own: `contract check` is there without the agent."""
    try:
        algorithm = algorithm_of(text)
    except ValueError:
        with pytest.raises(ValueError, match="digest"):
            of_value(text, source="x")
        return
    if algorithm is None:
        assert text.startswith("http://")
    else:
        assert of_value(text, source="x").algorithm == algorithm


# --- what the commands write is read again ------------------------------------------------

# What may stand in a URL's last part, once it is unquoted: no slash, and not a directory's name.
NAMES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=20
).filter(lambda name: name.strip() == name and name not in (".", ".."))
ODD = st.sampled_from(
    ["a+b.tar.lz4", "img[1].tar.lz4", "a b", "a\\b", "*x", "#x", "(x) = y", "$^."]
)
CONTENT = st.binary(min_size=1, max_size=8)


def gnu(name: str, value: str) -> str:
    """A line as coreutils writes it (md5sum(1): names with a backslash or a line end)."""
    escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return ("\\" if escaped != name else "") + f"{value}  {escaped}\n"


def bsd(name: str, value: str, algorithm: Algorithm) -> str:
    """A line of `sha256sum --tag`."""
    escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return ("\\" if escaped != name else "") + f"{algorithm.upper()} ({escaped}) = {value}\n"


@given(
    files=st.dictionaries(NAMES | ODD, CONTENT, min_size=1, max_size=4),
    algorithm=st.sampled_from(Algorithm),
    tagged=st.booleans(),
    folder=st.sampled_from(["", "./", "/srv/a b/"]),
    data=st.data(),
)
def test_what_the_commands_write_is_read_again(
    files: dict[str, bytes], algorithm: Algorithm, tagged: bool, folder: str, data: st.DataObject
) -> None:
    digests = {name: hashlib.new(algorithm, content).hexdigest() for name, content in files.items()}
    lines = [
        bsd(folder + name, value, algorithm) if tagged else gnu(folder + name, value)
        for name, value in digests.items()
    ]
    text = "".join(data.draw(st.permutations(lines))).encode()
    for name, value in digests.items():
        assert of_text(text, name=name, source="x").hex == value
        assert of_text(text, name=name, algorithm=algorithm, source="x").hex == value


@pytest.mark.programs
@EVERY
@pytest.mark.parametrize("option", ["--text", "--binary", "--tag"])
def test_what_coreutils_really_write(algorithm: Algorithm, option: str, tmp_path: Path) -> None:
    names = ["img.tar.lz4", "a+b [1].tar.lz4", "a\\b", "a\nb", "*x", "-", "(x) = y", "\u00fc"]
    for name in names:
        (tmp_path / name).write_text(name)
    command = [f"{algorithm}sum", option, "--", *(f"./{name}" for name in names)]
    text = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True).stdout
    for name in names:
        expected = hashlib.new(algorithm, name.encode()).hexdigest()
        assert of_text(text, name=name, source="x").hex == expected


@given(st.binary(max_size=400), st.sampled_from([None, *Algorithm]))
def test_no_bytes_are_a_bug(text: bytes, algorithm: Algorithm | None) -> None:
    try:
        found = of_text(text, name=NAME, algorithm=algorithm, source="x")
    except ValueError:
        return
    assert len(found.hex) == found.algorithm.hex_digits


SOUP = st.lists(
    st.sampled_from(
        [
            *(*ONE.values(), *NOTHING.values(), NAME, "SHA256", "md5:"),
            *("./", "*", "\\", " ", "  ", "\t", "\n", "\n\n", "\r\n", " (", ") = ", "#"),
            "-----BEGIN PGP SIGNED MESSAGE-----\n",
        ]
    )
)


@given(SOUP)
def test_a_digest_that_is_found_stands_in_the_text(words: list[str]) -> None:
    text = "".join(words)
    try:
        found = of_text(text.encode(), name=NAME, source="x")
    except ValueError:
        return
    assert found.hex in text
    assert found.hex not in NOTHING.values()
