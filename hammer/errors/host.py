"""What this machine did not do as it was told."""

from dataclasses import dataclass
from pathlib import Path

from hammer.errors.base import HostError


@dataclass(eq=False, kw_only=True)
class NotRamdisk(HostError):
    """`hammer run` takes the whole machine over, and this one has a system of its own."""

    code = "not-ramdisk"
    hint = "install from a running system with `hammer install`"

    def __str__(self) -> str:
        return "`hammer run` is for a ramdisk, the root of this system is on a disk"


@dataclass(eq=False, kw_only=True)
class NotRoot(HostError):
    """Installing needs root, and so does looking into what is installed."""

    code = "not-root"
    hint = "run it as root"

    uid: int

    def __str__(self) -> str:
        return f"this needs root, and the user is uid {self.uid}"


@dataclass(eq=False, kw_only=True)
class AgentRunning(HostError):
    """Somebody else is installing on this machine, or at work in what is installed."""

    code = "agent-running"
    hint = "let it come to its end, or stop it"

    process: str

    def __str__(self) -> str:
        return f"hammer is at work already, process {self.process or 'unknown'}"


@dataclass(eq=False, kw_only=True)
class ProgramMissing(HostError):
    """Programs that the agent starts are not on PATH."""

    code = "program-missing"
    hint = "install them, or build the ramdisk again: its build checks for them"

    programs: tuple[str, ...]

    def __str__(self) -> str:
        return f"not on PATH: {', '.join(self.programs)}"


@dataclass(eq=False, kw_only=True)
class ProgramFailed(HostError):
    """A program left with another status than 0."""

    code = "program-failed"
    hint = "repeat the command as printed, in the shell of hammer.on_failure=shell"

    command: str
    status: int
    stderr: str

    def __str__(self) -> str:
        how = (
            f"was killed by signal {-self.status}"
            if self.status < 0
            else f"left with status {self.status}"
        )
        said = [line.strip() for line in self.stderr.splitlines() if line.strip()]
        return f"`{self.command}` {how}: {said[-1] if said else '(no message)'}"


@dataclass(eq=False, kw_only=True)
class ProgramTimeout(HostError):
    """A program did not end within its limit and was killed."""

    code = "program-timeout"
    hint = "look for a failing disk in the kernel's messages (dmesg)"

    command: str
    limit_s: float

    def __str__(self) -> str:
        return f"`{self.command}` did not end within {self.limit_s:g} s and was killed"


@dataclass(eq=False, kw_only=True)
class DiskInUse(HostError):
    """A disk of the layout is in use on this machine."""

    code = "disk-in-use"
    hint = "unmount, swapoff or stop what is listed, or take the disk out of the layout"

    uses: tuple[tuple[str, str], ...]  # device, and by what it is used

    def __str__(self) -> str:
        return "\n".join(f"{device} is in use: {use}" for device, use in self.uses)


@dataclass(eq=False, kw_only=True)
class TargetInUse(HostError):
    """The directory that the target is to be mounted on is not free."""

    code = "target-in-use"
    hint = "unmount and empty the directory, or name another one with --target"

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(eq=False, kw_only=True)
class NodeMissing(HostError):
    """A partition was made, and its device node did not appear as it should."""

    code = "node-missing"
    hint = "look at dmesg; another program may hold the disk open"

    node: str
    reason: str
    limit_s: float

    def __str__(self) -> str:
        return f"{self.node}: {self.reason} after {self.limit_s:g} s"


@dataclass(eq=False, kw_only=True)
class WipeFailed(HostError):
    """A disk was cleared, and reading it back shows that it is not clear."""

    code = "wipe-failed"
    hint = "look at dmesg for I/O errors and replace the disk"

    disk: str
    reason: str

    def __str__(self) -> str:
        return f"{self.disk}: {self.reason}"


@dataclass(eq=False, kw_only=True)
class MountFailed(HostError):
    """A filesystem could not be mounted."""

    code = "mount-failed"
    hint = "look at dmesg for what the kernel says about the filesystem"

    source: str
    where: Path
    reason: str

    def __str__(self) -> str:
        return f"cannot mount {self.source} on {self.where}: {self.reason}"


@dataclass(eq=False, kw_only=True)
class UnmountBusy(HostError):
    """A filesystem stays in use; what was written may not be on the disk."""

    code = "unmount-busy"
    hint = "end the processes that are named, then try again"

    where: str
    culprits: tuple[str, ...]

    def __str__(self) -> str:
        return f"cannot unmount {self.where}: in use by {', '.join(self.culprits) or 'unknown'}"


@dataclass(eq=False, kw_only=True)
class TargetReadOnly(HostError):
    """The installed system is mounted read-only, where it must be written to."""

    code = "target-read-only"
    hint = "look at dmesg for I/O errors; `hammer chroot --read-only` takes it as it is"

    path: Path

    def __str__(self) -> str:
        return f"{self.path} is mounted read-only"


@dataclass(eq=False, kw_only=True)
class SystemMissing(HostError):
    """No installed system was found on the disks."""

    code = "system-missing"
    hint = "install the machine, or name the root filesystem with `--root DEVICE`"

    looked_at: tuple[str, ...]  # each a device, and what it is instead

    def __str__(self) -> str:
        seen = "; ".join(self.looked_at)
        return f"no installed system here: {seen or 'no disk has a filesystem'}"


@dataclass(eq=False, kw_only=True)
class ShellMissing(HostError):
    """The target has no shell that could be started."""

    code = "shell-missing"
    hint = "is the image unpacked? `hammer chroot CMD` runs a program without a shell"

    tried: tuple[str, ...]

    def __str__(self) -> str:
        return f"no shell in the target, looked for {', '.join(self.tried)}"


@dataclass(eq=False, kw_only=True)
class FileFailed(HostError):
    """A file could not be read or written."""

    code = "file-failed"
    hint = "look at dmesg for I/O errors of the disk below"

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(eq=False, kw_only=True)
class TreeDiffers(HostError):
    """What was read back from the disk is not what the image said (`hammer.verify=tree`)."""

    code = "tree-differs"
    hint = "disk, controller or memory change data: look at dmesg, and test them"

    path: str
    reason: str

    def __str__(self) -> str:
        return f"read back, {self.path} is not as it was written: {self.reason}"


@dataclass(eq=False, kw_only=True)
class UnpackDied(HostError):
    """The process that unpacks the image ended without a word."""

    code = "unpack-died"
    hint = "look at dmesg: the kernel may have run out of memory"

    how: str

    def __str__(self) -> str:
        return f"the process that unpacks the image {self.how}"


@dataclass(eq=False, kw_only=True)
class KexecRefused(HostError):
    """The running kernel does not take the new one."""

    code = "kexec-refused"
    hint = "check Secure Boot, lockdown and memory; an image with a boot loader needs no kexec"

    kernel: str
    reason: str

    def __str__(self) -> str:
        return f"kexec of {self.kernel}: {self.reason}"


@dataclass(eq=False, kw_only=True)
class RestartRefused(HostError):
    """The running kernel does not restart the machine."""

    code = "restart-refused"
    hint = "the installed system is complete: turn the machine off and on"

    reason: str

    def __str__(self) -> str:
        return f"the machine does not restart: {self.reason}"


@dataclass(eq=False, kw_only=True)
class NetworkDown(HostError):
    """The network could not be brought up."""

    code = "network-down"
    hint = "check cable and switch port, the DHCP server, or `ip=` on the kernel command line"

    reason: str

    def __str__(self) -> str:
        return f"no network: {self.reason}"


@dataclass(eq=False, kw_only=True)
class AgentKilled(HostError):
    """The agent ended without a word, in the middle of an installation."""

    code = "agent-killed"
    hint = "look at dmesg: the kernel may have run out of memory"

    status: int

    def __str__(self) -> str:
        how = f"was killed by signal {self.status - 128}" if self.status > 128 else "ended"
        return f"the agent {how} without telling why"
