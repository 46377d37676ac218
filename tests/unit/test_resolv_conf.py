"""The target's own resolv.conf is back, whatever happens in between and however often."""

from pathlib import Path

import pytest

from hammer.errors import FileFailed, InstallerFailed
from hammer.host import resolv_conf
from hammer.host.files import failing
from hammer.host.resolv_conf import put_back, working_resolv_conf

OURS = b"nameserver 192.0.2.53\n"
LINK = "../run/systemd/resolve/stub-resolv.conf"


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours runs any more."""


@pytest.fixture(autouse=True)
def _ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ours").write_bytes(OURS)
    monkeypatch.setattr(resolv_conf, "OURS", tmp_path / "ours")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "rootfs/etc").mkdir(parents=True)
    return tmp_path / "rootfs"


def prepare(root: Path, own: str) -> None:
    place = root / "etc/resolv.conf"
    if own == "link":
        place.symlink_to(LINK)
    elif own == "file":
        place.write_text("of the image")
    elif own == "same":
        place.write_bytes(OURS)


def found(root: Path) -> str:
    """What is in the target's /etc, in words; no other file may be left there."""
    left = [path.name for path in (root / "etc").iterdir()]
    if not left:
        return "none"
    assert left == ["resolv.conf"]
    place = root / "etc/resolv.conf"
    if place.is_symlink():
        assert str(place.readlink()) == LINK
        return "link"
    text = place.read_bytes()
    return {b"of the image": "file", OURS: "same"}.get(text, text.decode())


OWN = pytest.mark.parametrize("own", ["link", "file", "none", "same"])


@OWN
def test_ours_is_there_meanwhile_and_its_own_afterwards(own: str, root: Path) -> None:
    prepare(root, own)
    with working_resolv_conf(root):
        place = root / "etc/resolv.conf"
        assert place.read_bytes() == OURS
        assert not place.is_symlink()
        assert place.stat().st_mode & 0o777 == 0o644 or own == "same"
    assert found(root) == own


@OWN
def test_after_a_failure_as_well(own: str, root: Path) -> None:
    prepare(root, own)
    with pytest.raises(InstallerFailed), working_resolv_conf(root):
        raise InstallerFailed(installer="/install.sh", status=7)
    assert found(root) == own


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("own", ["link", "file", "none"])
def test_what_somebody_wrote_there_stays(own: str, root: Path, *, fails: bool) -> None:
    prepare(root, own)
    try:
        with working_resolv_conf(root):
            (root / "etc/resolv.conf").write_text("of the installer")
            if fails:
                raise Killed
    except Killed:
        pass
    assert found(root) == "of the installer"


@pytest.mark.parametrize("own", ["link", "file", "none"])
def test_what_somebody_removed_stays_away(own: str, root: Path) -> None:
    prepare(root, own)
    with working_resolv_conf(root):
        (root / "etc/resolv.conf").unlink()
    assert found(root) == "none"


@OWN
def test_what_a_killed_one_left_is_put_back(
    own: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(root, own)
    leave_behind(root, monkeypatch)
    put_back(root)
    assert found(root) == own
    put_back(root)
    assert found(root) == own


@OWN
def test_the_next_one_puts_it_back_as_well(
    own: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(root, own)
    leave_behind(root, monkeypatch)
    # The ramdisk has other name servers now; those of before are still not the image's.
    resolv_conf.OURS.write_text("nameserver 198.51.100.1\n")
    with working_resolv_conf(root):
        assert (root / "etc/resolv.conf").read_text() == "nameserver 198.51.100.1\n"
    assert found(root) == own


def leave_behind(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As SIGKILL leaves it, in the middle of the work."""
    with monkeypatch.context() as patched:
        patched.setattr(resolv_conf, "_take_back", lambda root: None)
        with pytest.raises(Killed), working_resolv_conf(root):
            raise Killed


def test_killed_between_the_two_renames(root: Path) -> None:
    prepare(root, "link")
    (root / "etc" / resolv_conf.LENT).write_bytes(OURS)
    (root / "etc/resolv.conf").rename(root / "etc" / resolv_conf.IMAGE)
    put_back(root)
    assert found(root) == "link"


def test_an_aside_without_a_copy_of_ours_is_put_back(root: Path) -> None:
    """Left by an agent that kept no copy."""
    prepare(root, "link")
    (root / "etc/resolv.conf").rename(root / "etc" / resolv_conf.IMAGE)
    (root / "etc/resolv.conf").write_bytes(OURS)
    put_back(root)
    assert found(root) == "link"


def test_a_target_without_etc_and_a_system_without_name_servers(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with working_resolv_conf(tmp_path / "empty"):
        assert list((tmp_path / "empty").iterdir()) == []
    (tmp_path / "rootfs/etc").mkdir(parents=True)
    prepare(tmp_path / "rootfs", "link")
    resolv_conf.OURS.unlink()
    with working_resolv_conf(tmp_path / "rootfs"):
        assert found(tmp_path / "rootfs") == "link"


def test_a_failure_to_put_back_does_not_hide_the_cause(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(_: Path) -> None:
        with failing(resolv_conf.RESOLV_CONF):
            raise OSError(30, "Read-only file system")

    monkeypatch.setattr(resolv_conf, "_take_back", read_only)
    with pytest.raises(InstallerFailed) as caught, working_resolv_conf(root):
        raise InstallerFailed(installer="/install.sh", status=7)
    assert caught.value.__notes__ == ["/etc/resolv.conf: Read-only file system"]
    for left in (root / "etc").iterdir():
        left.unlink()
    with pytest.raises(FileFailed), working_resolv_conf(root):
        pass
