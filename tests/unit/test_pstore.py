"""Words for the next boot: left where there is a place, and read once."""

from pathlib import Path

from hammer.host.pstore import WORDS_BYTES_MAX, leave_words, records, words_left

TEXT = "FAILED [wipe-failed]\n  /dev/sda: not zero"


def test_what_is_left_is_read_once(tmp_path: Path) -> None:
    pmsg = tmp_path / "pmsg-ramoops-0"
    pmsg.touch()
    assert leave_words(TEXT, pmsg)
    assert words_left(tmp_path) == TEXT
    assert not pmsg.exists()
    assert words_left(tmp_path) == ""


def test_the_newest_of_several_and_without_what_others_wrote(tmp_path: Path) -> None:
    pmsg = tmp_path / "pmsg-ramoops-0"
    pmsg.touch()
    assert leave_words("older words", pmsg)
    older = pmsg.read_bytes()
    assert leave_words(TEXT, pmsg)
    pmsg.write_bytes(b"\xff\0of somebody else" + older + pmsg.read_bytes() + b"\0\0")
    assert words_left(tmp_path) == TEXT


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    for name in ("pmsg-ramoops-0", "dmesg-efi-1"):
        (tmp_path / name).write_text("hammer of somebody else")
    assert words_left(tmp_path) == ""
    assert len(list(tmp_path.iterdir())) == 2
    assert records(tmp_path).splitlines()[:2] == ["--- dmesg-efi-1", "hammer of somebody else"]


def test_without_a_place_nothing_is_made(tmp_path: Path) -> None:
    assert not leave_words(TEXT, tmp_path / "pmsg0")
    assert list(tmp_path.iterdir()) == []
    assert words_left(tmp_path / "nothing") == ""


def test_long_words_are_cut(tmp_path: Path) -> None:
    pmsg = tmp_path / "pmsg-ramoops-0"
    pmsg.touch()
    assert leave_words("x" * 5000, pmsg)
    assert pmsg.stat().st_size <= WORDS_BYTES_MAX + 1
    assert set(words_left(tmp_path)) == {"x"}
