"""The first process of an installer's PID namespace; started by chroot.py, never imported by it.

    unshare --pid --mount --fork  python3 -I -S chroot_init.py ROOT PROGRAM REPORT_FD PLACES

PLACES are the directories of the target for the filesystems below, in that order.

Only the standard library: it runs as a program of its own. The installer is
its child and not the first process itself, because signals that nobody
handles, SIGKILL included, do nothing to the first process of a namespace
(pid_namespaces(7)). When this process ends the kernel kills what is left in
the namespace and drops the mounts made here.
"""

import json
import os
import signal
import subprocess
import sys
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


def start(root: Path, program: str) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.chroot(root)
        os.chdir("/")
        os.execve(program, [program], ENVIRONMENT)
    except OSError as failure:
        os.write(2, f"{program}: {failure.strerror}\n".encode())
    os._exit(127 if not os.path.exists(program) else 126)  # noqa: PTH110 - as a shell has it


def wait_for(pid: int) -> int:
    """Reap everybody until `pid` ends; orphans of the installer are our children too."""
    while True:
        ended, status = os.wait()
        if ended == pid:
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


def main(root: Path, program: str, report_handle: int, places: list[Path]) -> int:
    os.set_inheritable(report_handle, False)
    # Of all signals the one that Python handles by itself; an installer may send it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        mount_kernel_filesystems(*places)
    except (OSError, subprocess.CalledProcessError) as failure:
        os.write(2, f"cannot prepare the target for its installer: {failure}\n".encode())
        return 1
    status = wait_for(start(root, program))
    left = left_behind(places[0])
    report = {"status": os.waitstatus_to_exitcode(status), "left_behind": left}
    os.write(report_handle, json.dumps(report).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), [*map(Path, sys.argv[4:])]))
