"""SSH for the lab: which keys are taken, how the server is started, and what is in the way."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hammer import ssh
from hammer.cmdline import parse
from hammer.console import Console, text_sink
from hammer.errors import CmdlineInvalid
from hammer.host import ssh as server
from hammer.host.programs import AnyProgram, LabProgram
from hammer.public_keys import public_keys
from hammer.stream.http import Patience
from tests.servers import Answer, Stall, Status, serve

# Of nobody: the private halves were never kept.
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEzZfNfEAtkZWHow+msynHzFk1N1Fb1VLMPuuaVrD3mx me@home"
ECDSA = (
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBM8jbMNzmbIqzCxNIMGC"
    "Gg+2LntmgYBxHHUNQ9CT3EqXJpmjO/klKBHWiaFcS6hEDwKsuXA9SOanpLp3hjZK5g4="
)
PRIVATE = "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n"
FINGERPRINT = "SHA256:FMRibL/S5Y1aKq4eiKshRjvtWE/rvGenQiQq/q8mJmU"


# --- keys -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key", [KEY, ECDSA, f'from="10.0.0.0/8",command="echo hi" {KEY}', KEY.replace(" ", "  ", 1)]
)
def test_keys(key: str) -> None:
    assert public_keys(f"# mine\n\n  {key}\n{KEY}") == (key, KEY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# none\n",
        "hello",
        f"{KEY}\nhello",
        KEY.split()[1],  # without its kind
        KEY.replace("ssh-ed25519", "ssh-rsa"),
        " ".join(KEY.split()[:2])[:-4],  # lost its end
        ECDSA[:-40],
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",  # nothing but its kind
        "ssh-ed25519 AAAA",
    ],
)
def test_what_is_no_key(text: str) -> None:
    with pytest.raises(ValueError, match=r"^holds something else than public keys, or nothing$"):
        public_keys(text)


def test_the_word_of_the_command_line() -> None:
    assert parse(f'hammer.ssh_key="{KEY}" quiet').ssh_key == KEY
    for url in ("http://10.0.0.1/keys", "https://lab.test/k?sig=1", "file:///etc/keys"):
        assert parse(f"hammer.ssh_key={url}").ssh_key == url
    assert parse("quiet").ssh_key is None


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("ssh-ed25519", "holds something else"),
        (f'"{KEY[:40]}"', "holds something else"),
        ("ftp://10.0.0.1/keys", "holds something else"),
        ("http://", "holds something else"),
        ("/etc/keys", "holds something else"),
        ("", "holds something else"),
        ('"-----BEGIN OPENSSH PRIVATE KEY----- hunter2"', "is a private key"),
    ],
)
def test_a_word_that_is_refused(value: str, why: str) -> None:
    with pytest.raises(CmdlineInvalid, match=r"hammer\.ssh_key: must be a public key") as caught:
        parse(f"hammer.ssh_key={value}")
    assert why in str(caught.value)
    assert "hunter2" not in str(caught.value)


# --- the server -------------------------------------------------------------------------------


class Dropbear:
    """Keeps what was started; makes keys whose fingerprint is FINGERPRINT."""

    def __init__(self) -> None:
        self.commands: list[tuple[str, ...]] = []

    def run(
        self, program: AnyProgram, *args: str | Path, stdin: str = "", timeout_s: float = 60
    ) -> str:
        self.commands.append((program.value, *map(str, args)))
        made = program is LabProgram.DROPBEARKEY
        return f"Public key portion is:\nssh-ed25519 AAAA\nFingerprint: {FINGERPRINT}\n" * made

    def missing(self) -> list[str]:
        return []


def test_only_keys_let_anybody_in(tmp_path: Path) -> None:
    programs, host_key = Dropbear(), tmp_path / "host_key"
    host_key.write_text("of another boot")
    (tmp_path / "ssh").mkdir()
    (tmp_path / "ssh/authorized_keys").write_text("of somebody else")
    told = server.start(
        programs,
        [KEY, ECDSA],
        directory=tmp_path / "ssh",
        host_key=host_key,
        pid_file=tmp_path / "pid",
    )
    assert told == FINGERPRINT
    keys = tmp_path / "ssh/authorized_keys"
    assert keys.read_text() == f"{KEY}\n{ECDSA}\n"
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    assert not host_key.exists()
    make, run = programs.commands
    assert make == ("dropbearkey", "-t", "ed25519", "-f", str(host_key))
    assert run[0] == "dropbear"
    assert {"-s", "-j", "-k"} <= set(run)
    assert not {"-B", "-a", "-e"} & set(run)


def test_a_server_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pid_file = tmp_path / "pid"
    monkeypatch.setattr(server, "PROC", tmp_path)
    assert not server.is_running(pid_file=pid_file)
    pid_file.write_text("123\n")
    assert not server.is_running(pid_file=pid_file)
    (tmp_path / "123").mkdir()
    (tmp_path / "123/comm").write_text("dropbear\n")
    assert server.is_running(pid_file=pid_file)
    (tmp_path / "123/comm").write_text("bash\n")
    assert not server.is_running(pid_file=pid_file)


# --- offering it ------------------------------------------------------------------------------


class Offered:
    """A ramdisk with a server, where it is offered."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.keys: list[str] = []
        self.said = ""
        self.running, self.built = False, True
        monkeypatch.setattr(server, "is_running", lambda: self.running)
        monkeypatch.setattr(server, "has_server", lambda: self.built)
        monkeypatch.setattr(server, "start", self._start)
        monkeypatch.setattr(ssh, "PATIENCE", Patience(retry_for_s=0))

    def _start(self, programs: object, keys: tuple[str, ...]) -> str:
        self.running = True
        self.keys += keys
        return FINGERPRINT

    def offer(self, ssh_key: str, *, network: str = "eth0 10.0.2.15/24") -> None:
        def write(text: str) -> None:
            self.said += text

        ssh.offer(Console([text_sink(write)]), Dropbear(), ssh_key, network=network)


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> Offered:
    return Offered(monkeypatch)


@contextmanager
def keys_at(answer: Answer) -> Iterator[str]:
    with serve({"/keys": answer}) as http:
        yield http.url("/keys")


def test_a_key_of_the_command_line(offered: Offered) -> None:
    offered.offer(KEY)
    assert offered.keys == [KEY]
    assert offered.said.split() == f"ssh root@10.0.2.15, host key {FINGERPRINT}".split()


def test_an_address_that_nobody_knows(offered: Offered) -> None:
    offered.offer(KEY, network="off")
    assert offered.said.split() == f"ssh as root, host key {FINGERPRINT}".split()


def test_once_in_a_boot(offered: Offered) -> None:
    offered.offer(KEY)
    offered.offer(ECDSA)
    assert offered.keys == [KEY]
    assert offered.said.count("host key") == 1


def test_keys_of_a_server(offered: Offered) -> None:
    with keys_at(f"# lab\n{KEY}\n\n{ECDSA}\n".encode()) as url:
        offered.offer(url)
    assert offered.keys == [KEY, ECDSA]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Status(404), "the server answers with HTTP status 404"),
        (Status(503), "the server answers with HTTP status 503"),
        (b"<html>hunter2</html>", "holds something else than public keys, or nothing"),
        (PRIVATE.encode(), "is a private key"),
        (f"{KEY}\n".encode() * 1000, "it is larger than 65536 bytes"),
    ],
    ids=["404", "503", "html", "private", "large"],
)
def test_a_server_without_keys_is_a_warning(offered: Offered, answer: Answer, said: str) -> None:
    with keys_at(answer) as url:
        offered.offer(f"{url}?signature=hunter2")
    assert not offered.keys
    words = " ".join(offered.said.split())
    assert words.startswith("WARNING no SSH: http://127.0.0.1:")
    assert said in words
    assert "hunter2" not in words


def test_a_server_that_is_away_is_a_warning(offered: Offered) -> None:
    with keys_at(b"") as url:
        pass
    offered.offer(url)
    assert "WARNING no SSH" in offered.said
    assert not offered.keys


def test_a_server_that_never_comes_to_its_end_is_a_warning(
    offered: Offered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh, "KEYS_LIMIT_S", 0.5)
    with keys_at(Stall(f"{KEY}\n".encode(), after=5)) as url:
        offered.offer(f"{url}?signature=hunter2")
    assert "not done within 0.5 s" in " ".join(offered.said.split())
    assert "hunter2" not in offered.said
    assert not offered.keys


def test_a_ramdisk_without_a_server_is_a_warning(offered: Offered) -> None:
    offered.built = False
    offered.offer(KEY)
    assert "`initramfs/build --ssh` adds one" in " ".join(offered.said.split())
    assert not offered.keys


def test_programs_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not server.has_server()
    for name in LabProgram:
        (tmp_path / name).touch(0o755)
    assert server.has_server()
    (tmp_path / "dropbear").unlink()
    assert not server.has_server()
