"""`hammer chroot`: into the installed system, with all that a system needs around it."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from hammer.console import Console, text_sink
from hammer.errors import FileFailed, JournalMissing, ShellMissing
from hammer.host import chroot_init
from hammer.host.chroot import Chroot, Ended, HostChroot
from hammer.host.disks import HostDisks
from hammer.host.files import inside, read
from hammer.host.guard import SHELL
from hammer.host.lock import only_agent
from hammer.host.mounts import HostMounts
from hammer.host.programs import HostPrograms
from hammer.journal import Journal
from hammer.life import RUN_DIRECTORY
from hammer.report import Subparsers, ignore_signals, raise_on_signals, reported
from hammer.shell.target import Seams, held_target
from hammer.steps.format import Volume
from hammer.this_machine import TARGET

PASSWD = PurePosixPath("/etc/passwd")
PASSWD_LIMIT_BYTES = 1024 * 1024
SHELLS = ("/bin/bash", "/bin/sh")
SIGNALLED = 128
"""Added to the signal that killed a program, as shells do (sh(1))."""


def add_to(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("chroot", help="a shell, or a command, in the installed system")
    parser.add_argument(
        "--root", metavar="DEVICE", help="its root filesystem (default: it is looked for)"
    )
    parser.add_argument(
        "--target", type=Path, default=TARGET, help="where it is mounted (default %(default)s)"
    )
    parser.add_argument(
        "--read-only", action="store_true", help="write nothing; names do not resolve then"
    )
    parser.add_argument(
        "argv", nargs=argparse.REMAINDER, metavar="CMD", help="run it instead of a shell"
    )
    parser.set_defaults(command=chroot_command)


def chroot_command(arguments: argparse.Namespace) -> int:
    # Beside the output of the program, which may be read by another one.
    console = Console([text_sink(sys.stderr.write)])
    argv = arguments.argv[1:] if arguments.argv[:1] == ["--"] else arguments.argv
    raise_on_signals()
    status = 0

    def life() -> None:
        nonlocal status
        with only_agent():
            programs = HostPrograms()
            seams = Seams(
                console=console,
                programs=programs,
                disks=HostDisks(programs),
                mounts=HostMounts(programs),
            )
            target = arguments.target.resolve()
            with held_target(
                seams,
                target,
                volumes=known_volumes(target),
                device=arguments.root,
                read_only=arguments.read_only,
            ) as root:
                status = enter(HostChroot(), console, root, argv)
                ignore_signals()  # what is left to do is to leave it as it was

    return reported(console, life) or status


def known_volumes(target: Path) -> Sequence[Volume]:
    """The filesystems of the installation that this ramdisk is at, if it is at one."""
    if target != TARGET:
        return ()
    try:
        return Journal.read(RUN_DIRECTORY).volumes
    except JournalMissing:
        return ()


def enter(chroot: Chroot, console: Console, root: Path, argv: Sequence[str]) -> int:
    """Run a command, or a shell, in the target; returns its exit status. Raises ShellMissing."""
    shell = None if argv else login_shell(root)
    if shell:
        console.say(f"{shell} in {root}; `exit` leaves it")
    tell_guard()
    ended = chroot.enter(
        root, argv or [shell or ""], environment=environment(root, os.environ.get("TERM"))
    )
    if ended.left_behind:
        console.warn(f"left behind, killed: {', '.join(ended.left_behind)}")
    return status_of(ended)


def tell_guard() -> None:
    """Have the watchdog fed for us: who comes by `ssh HOST hammer chroot` has no other shell."""
    # Without a guard there is no such directory.
    with suppress(OSError), (RUN_DIRECTORY / SHELL).open("a") as file:
        file.write(f"{os.getpid()}\n")


def status_of(ended: Ended) -> int:
    """As a shell tells it."""
    assert ended.status is not None, "nobody gave it a limit"
    return ended.status if ended.status >= 0 else SIGNALLED - ended.status


def environment(root: Path, term: str | None) -> Mapping[str, str]:
    """Of what a person runs in the target; nothing else of ours gets there."""
    return {
        **chroot_init.ENVIRONMENT,
        "TERM": term or chroot_init.ENVIRONMENT["TERM"],
        # Two ways to see where one is: Debian's bash.bashrc shows the first.
        "debian_chroot": root.name,
        "PS1": f"({root.name}) # ",
        # What was typed here is no part of the installed system.
        "HISTFILE": "/tmp/.history",
    }


def login_shell(root: Path) -> str:
    """The shell of the target's root user, or the usual ones. Raises ShellMissing."""
    text = (read(root, PASSWD, limit_bytes=PASSWD_LIMIT_BYTES) or b"").decode(errors="replace")
    fields = [line.split(":") for line in text.splitlines()]
    roots = [entry[6] for entry in fields if len(entry) == 7 and entry[2] == "0" and entry[6]]
    tried = tuple(dict.fromkeys((*roots[:1], *SHELLS)))
    for shell in tried:
        # An account may be closed with one of these; the person here is let in already.
        if PurePosixPath(shell).name not in ("nologin", "false") and _can_run(root, shell):
            return shell
    raise ShellMissing(tried=tried)


def _can_run(root: Path, program: str) -> bool:
    try:
        where = inside(root, PurePosixPath(program))
    except FileFailed:
        return False
    return where.is_file() and os.access(where, os.X_OK)
