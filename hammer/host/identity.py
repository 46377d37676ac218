"""Which machine this is, as its firmware says, and what the agent takes of it."""

import os
import resource
import uuid
from dataclasses import dataclass
from pathlib import Path

from hammer.host.mounts import mount_points

PRODUCT_UUID = Path("/sys/class/dmi/id/product_uuid")
EFI = Path("/sys/firmware/efi")
IN_MEMORY = ("rootfs", "ramfs", "tmpfs")
STATUS = Path("/proc/self/status")


@dataclass(frozen=True, kw_only=True)
class Identity:
    """This machine and our rights on it."""

    uid: int
    machine_uuid: str | None
    """SMBIOS system UUID, lower case (DMTF DSP0134, type 1); None where firmware has none."""
    efi: bool


def identity() -> Identity:
    return Identity(uid=os.geteuid(), machine_uuid=_system_uuid(), efi=EFI.is_dir())


def in_ramdisk() -> bool:
    """Whether the root of this system is in memory, as that of an initramfs is."""
    return any(str(at.where) == "/" and at.fstype in IN_MEMORY for at in mount_points())


def _system_uuid() -> str | None:
    try:
        return str(uuid.UUID(PRODUCT_UUID.read_text().strip()))
    except (OSError, ValueError):
        return None


@dataclass(frozen=True, kw_only=True)
class PeakMemory:
    """The most that was resident at any moment, in MiB."""

    agent_mib: int
    child_mib: int
    """The largest of all children that have ended."""


def peak_memory() -> PeakMemory:
    """What this process and its children have taken so far.

    Our own from VmHWM (proc_pid_status(5)), because ru_maxrss starts with what
    our parent had; that of a child is at least what we had when it was started.
    """
    status = dict(line.split(":", 1) for line in STATUS.read_text().splitlines() if ":" in line)
    return PeakMemory(
        agent_mib=int(status["VmHWM"].split()[0]) // 1024,
        child_mib=resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
    )
