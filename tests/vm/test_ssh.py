"""SSH into the ramdisk: who is let in, what one may do beside the agent, and after it."""

import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hammer.errors import AgentRunning
from hammer.image.trial.ramdisk import Ramdisk, ramdisk_in
from initramfs import manifest
from tests.images import PATH, published
from tests.servers import Answer, serve
from tests.vm.disks import empty_disk
from tests.vm.documents import MACHINE_UUID, machine_document
from tests.vm.guest import Disk, Guest, seen_by_guest
from tests.vm.ramdisk import BUILD
from tests.vm.terminal import WITHIN_S, Terminal, at_terminal
from tests.vm.tiny_system import tiny_image

pytestmark = pytest.mark.programs

UP = "TINY-SYSTEM-IS-UP"
INIT = f"busybox mount -t devtmpfs dev /dev; echo {UP} >/dev/console"
HELD = "the installer waits"
# Until somebody writes a file into the target.
INSTALLER = f"echo {HELD}; while [ ! -e /go ]; do busybox sleep 1; done"
REFUSED = 255  # ssh(1)


@pytest.fixture(scope="module")
def ssh_ramdisk() -> Ramdisk:
    """What `initramfs/build --ssh` makes, out of the packages that are there for the other one."""
    out = BUILD / "vm" / "ssh-ramdisk"
    build = str(BUILD.parent / "initramfs/build")
    command = [sys.executable, build, "--ssh", "--out", str(out)]
    subprocess.run([*command, "--cache", str(BUILD / "ramdisk-cache")], check=True)
    assert "dropbear-bin" in {each.name for each in manifest.read(out / manifest.FILE).packages}
    return ramdisk_in(out)


class Client:
    """ssh(1) of this machine, which asks nobody and remembers nothing."""

    def __init__(self, work: Path) -> None:
        self.port = free_port()
        self._work = work
        for name in ("key", "other"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", work / name], check=True
            )

    @property
    def public_key(self) -> bytes:
        return (self._work / "key.pub").read_bytes()

    def command(self, *words: str, key: str = "key") -> list[str]:
        options = (
            *("BatchMode=yes", "IdentitiesOnly=yes", "IdentityAgent=none", "LogLevel=DEBUG1"),
            *("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "ConnectTimeout=60"),
            *("ServerAliveInterval=10", "ServerAliveCountMax=6"),
        )
        given = [word for option in options for word in ("-o", option)]
        to = ["-i", str(self._work / key), "-p", str(self.port), "root@127.0.0.1"]
        return ["ssh", "-F", "none", *given, *to, *words]

    def run(
        self, *words: str, key: str = "key", stdin: str = ""
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.command(*words, key=key),
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=WITHIN_S,
            check=False,
        )


def free_port() -> int:
    """A port of the loopback address that nobody has, and that nobody is given by chance."""
    while True:
        # Below the ports that Linux gives to clients (ip_local_port_range).
        port = random.randrange(20000, 30000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port


@pytest.fixture
def client(work: Path) -> Client:
    return Client(work)


@pytest.fixture
def guest(work: Path, ssh_ramdisk: Ramdisk, client: Client) -> Iterator[tuple[Guest, str]]:
    """A machine with an empty disk whose port 22 is that of the client, and the keys' URL."""
    answers: dict[str, Answer] = {
        **published(tiny_image(init=INIT, before=INSTALLER)),
        "/keys": b"# of the lab\n" + client.public_key,
    }
    network = f"user,model=virtio-net-pci,hostfwd=tcp:127.0.0.1:{client.port}-:22"
    with serve(answers) as server:
        document = machine_document("/dev/vda", seen_by_guest(server.url(PATH)), uefi=False)
        guest = Guest(
            work=work,
            kernel=ssh_ramdisk.kernel,
            initrd=ssh_ramdisk.with_document(document, work=work),
            disks=(Disk(path=empty_disk(work / "disk.raw", size_mib=256)),),
            uuid=MACHINE_UUID,
            macs=(),
            more=("-nic", network),
        )
        yield guest, seen_by_guest(server.url("/keys"))


def test_ssh(guest: tuple[Guest, str], client: Client) -> None:
    machine, keys = guest
    with at_terminal(machine, f"hammer.ssh_key={keys} hammer.pause_s=1") as terminal:
        fingerprint = terminal.expect(r"ssh root@10\.0\.2\.15, host key\s+(SHA256:\S{43})")[1]
        terminal.expect(HELD)
        who_is_let_in(client, fingerprint)
        beside_the_agent(client)
        after_the_agent(client, terminal)


def who_is_let_in(client: Client, fingerprint: str) -> None:
    status = client.run("hammer status")
    assert status.returncode == 0, status.stderr
    assert "hammer is at work on it, process " in status.stdout
    assert "8/10 install   begun" in status.stdout
    assert f"Server host key: ssh-ed25519 {fingerprint}\n" in status.stderr
    stranger = client.run("hammer status", key="other")
    assert stranger.returncode == REFUSED
    # Nothing but keys is offered, and no password is taken either.
    assert "Permission denied (publickey)" in stranger.stderr
    through = client.run("-W", "127.0.0.1:22")
    assert through.returncode == REFUSED
    assert "SSH-2.0" not in through.stdout


def beside_the_agent(client: Client) -> None:
    typed = "echo named $(grep -cx $$ /run/hammer/shell)\nexit\n"
    shell = client.run("-tt", stdin=typed)
    assert "hammer (running) ~# " in shell.stdout
    assert "  hammer retry [STEP] " in shell.stdout
    assert "\nnamed 1\n" in shell.stdout
    commands = ("retry", "abandon")
    refused = client.run(
        f"for each in {' '.join(commands)}; do hammer $each; echo $each: $?; done;"
        # That shell is gone, and its name with it.
        "wc -l </run/hammer/shell"
    )
    lines = refused.stdout.splitlines()
    for command in commands:
        assert f"{command}: {AgentRunning.exit_status}" in lines
    assert lines.count("FAILED [agent-running]") == len(commands)
    assert lines[-1] == "0"


def after_the_agent(client: Client, terminal: Terminal) -> None:
    """It was stopped at the console, which the server does not even notice."""
    terminal.ctrl_c()
    terminal.expect(r"^STOPPED in 8/10 install")
    terminal.expect(r"^hammer \(stopped in 8/10 install\) .*# $")
    with subprocess.Popen(
        client.command("touch /rootfs/go && hammer retry"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as retry:
        try:
            terminal.expect(UP)
        finally:
            retry.kill()
            assert retry.stdout is not None
            said = retry.stdout.read()
    assert "kexec in 1 s" in said
    # One server is enough for one boot.
    assert "no SSH" not in said
    assert "host key" not in said
    assert not [event for event in terminal.events() if event["event"] == "failed"]
