"""The first process of the target's PID namespace; started by chroot.py, never imported by it.

    unshare --pid --mount --fork  python3 -I -S chroot_init.py ORDER

ORDER is the JSON of the parameters of main().

Only the standard library: it runs as a program of its own. What runs in the
target is its child and not the first process itself, because signals that
nobody handles, SIGKILL included, do nothing to the first process of a namespace
(pid_namespaces(7)). When this process ends the kernel kills what is left in
the namespace and drops the mounts made here.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

EFIVARS = Path("/sys/firmware/efi/efivars")
PLACES = ("/proc", "/sys", "/dev", "/tmp")

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "TERM": "dumb",
    # The EFI system partition gets its type code when the installation is
    # complete; bootctl(1) would refuse a partition without it.
    "SYSTEMD_RELAX_ESP_CHECKS": "1",
}


def mount(where: Path, *options: str) -> None:
    where.mkdir(mode=0o755, parents=True, exist_ok=True)
    subprocess.run(["mount", *options, str(where)], check=True)


def mount_kernel_filesystems(proc: Path, sys_: Path, dev: Path, tmp: Path) -> None:
    mount(proc, "-t", "proc", "proc")
    mount(sys_, "-t", "sysfs", "sysfs")
    if EFIVARS.is_dir() and any(EFIVARS.iterdir()):
        mount(sys_ / "firmware/efi/efivars", "-t", "efivarfs", "efivarfs")
    mount(dev, "--rbind", "/dev")
    mount(tmp, "-t", "tmpfs", "-o", "mode=1777", "tmpfs")


def start(root: Path, argv: Sequence[str], environment: Mapping[str, str], terminal: bool) -> int:
    pid = os.fork()
    if pid:
        return pid
    program, status = argv[0], 126
    try:
        if terminal:
            os.setpgid(0, 0)
            give_terminal(os.getpid())
        # Python ignores the last two, we the others; a program expects to find none ignored.
        for each in (signal.SIGINT, signal.SIGTTOU, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(each, signal.SIG_DFL)
        os.chroot(root)
        os.chdir("/")
        if shutil.which(program, mode=os.F_OK, path=environment["PATH"]) is None:
            status = 127  # as a shell has it
        os.execvpe(program, [*argv], environment)
    except OSError as failure:
        os.write(2, f"{program}: {failure.strerror}\n".encode())
    os._exit(status)


def give_terminal(group: int) -> None:
    """Have Ctrl-C, Ctrl-Z and what is typed go to a process group (tcsetpgrp(3))."""
    os.tcsetpgrp(0, group)


def wait_for(pid: int, *, terminal: bool) -> int:
    """Reap everybody until `pid` ends; orphans of the target are our children too."""
    while True:
        ended, status = os.waitpid(-1, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            # Nobody could wake it: the shell outside cannot see into this namespace.
            if ended == pid and terminal:
                give_terminal(pid)
                os.killpg(pid, signal.SIGCONT)
        elif ended == pid:
            return status


def left_behind(proc: Path) -> list[str]:
    """Names of processes that are still there."""
    names = []
    for process in proc.iterdir():
        if process.name.isdigit() and process.name != "1":
            try:
                names.append((process / "comm").read_text().strip())
            except OSError:
                continue  # it has just ended
    return sorted(names)


def main(
    *,
    root: str,
    argv: Sequence[str],
    environment: Mapping[str, str],
    report: int,
    places: Sequence[str],
    terminal: bool,
) -> int:
    """Run `argv` in `root`; its end is written to the file descriptor `report` as JSON.

    `places` are the directories for the filesystems of PLACES, in that order. With
    `terminal` stdin is one, and the program gets it as its foreground process group.
    """
    os.set_inheritable(report, False)
    # Of all signals the one that Python handles by itself; a program may send it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Giving the terminal away is the right of its foreground group; others get this signal.
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    try:
        mount_kernel_filesystems(*map(Path, places))
    except (OSError, subprocess.CalledProcessError) as failure:
        os.write(2, f"cannot prepare the target: {failure}\n".encode())
        return 1
    pid = start(Path(root), argv, environment, terminal)
    status = os.waitstatus_to_exitcode(wait_for(pid, terminal=terminal))
    left = left_behind(Path(places[0]))
    os.write(report, json.dumps({"status": status, "left_behind": left}).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(**json.loads(sys.argv[1])))
