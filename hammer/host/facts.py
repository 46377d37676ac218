"""What this machine says of itself, for whoever looks into a failure later."""

import errno
import os
from pathlib import Path

from hammer.errors import ProgramFailed
from hammer.host.programs import Program, Programs, ReportProgram

KMSG = Path("/dev/kmsg")
RECORD_BYTES = 8192  # the longest record of /dev/kmsg (CONSOLE_EXT_LOG_MAX of kernel/printk)
PROC = Path("/proc")
BLOCK = Path("/sys/class/block")
BLOCK_DEVICES_MAX = 128
SECTOR_BYTES = 512  # the unit of sysfs, whatever the disk's own (Documentation/block/stat.rst)
RESOLV_CONF = Path("/etc/resolv.conf")
PROGRAM_LIMIT_S = 4.0

LSBLK_COLUMNS = "NAME,TYPE,SIZE,RO,RM,ROTA,MODEL,SERIAL,FSTYPE,LABEL,UUID,MOUNTPOINTS"

# Of a block device, below /sys/class/block/NAME; what is not there is left out.
BLOCK_ATTRIBUTES = (
    *("ro", "removable", "partition", "start"),
    *("device/model", "device/serial", "device/state", "device/vendor"),
    *("queue/rotational", "queue/logical_block_size", "queue/physical_block_size"),
    *("queue/discard_max_bytes", "queue/scheduler", "dm/name", "md/level", "loop/backing_file"),
)

Facts = dict[str, object]


def kernel_messages(kmsg: Path = KMSG) -> str:
    """The kernel's ring as lines `[seconds] text`, oldest first. OSError when it is closed to us.

    The format of a record: Documentation/ABI/testing/dev-kmsg of Linux.
    """
    lines = []
    handle = os.open(kmsg, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        while True:
            try:
                record = os.read(handle, RECORD_BYTES)
            except OSError as failure:
                if failure.errno == errno.EPIPE:  # overwritten while we read: the next is newer
                    continue
                if failure.errno == errno.EAGAIN:
                    break
                raise
            if not record:
                break
            lines.append(_message(record.decode(errors="replace")))
    finally:
        os.close(handle)
    return "".join(lines)


def _message(record: str) -> str:
    head, _, rest = record.partition(";")
    try:
        seconds = int(head.split(",")[2]) / 1e6
    except (IndexError, ValueError):
        return record
    # What follows the first line is for programs: SUBSYSTEM=, DEVICE=.
    return f"[{seconds:12.6f}] {rest.partition(chr(10))[0]}\n"


def block_devices(block: Path = BLOCK) -> list[Facts]:
    """Every block device as sysfs describes it, at most BLOCK_DEVICES_MAX. OSError."""
    return [_block_device(path) for path in sorted(block.iterdir())[:BLOCK_DEVICES_MAX]]


def _block_device(path: Path) -> Facts:
    facts: Facts = {"name": path.name}
    if (sectors := _line(path / "size")).isdigit():
        facts["size_bytes"] = int(sectors) * SECTOR_BYTES
    facts |= {name: said for name in BLOCK_ATTRIBUTES if (said := _line(path / name))}
    for links in ("holders", "slaves"):
        if names := sorted(each.name for each in _entries(path / links)):
            facts[links] = names
    return facts


def _line(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:  # many devices lack many attributes
        return ""


def _entries(path: Path) -> list[Path]:
    try:
        return list(path.iterdir())
    except OSError:
        return []


def tree_of_disks(programs: Programs) -> str:
    return programs.run(ReportProgram.LSBLK, "-o", LSBLK_COLUMNS, timeout_s=PROGRAM_LIMIT_S)


def filesystems(programs: Programs) -> str:
    """What blkid(8) finds on all devices, probed now and not from its cache."""
    try:
        return programs.run(Program.BLKID, "-c", "/dev/null", timeout_s=PROGRAM_LIMIT_S)
    except ProgramFailed as failure:
        if failure.status == 2 and not failure.stderr.strip():  # it found nothing (blkid(8))
            return ""
        raise


def mounts(proc: Path = PROC) -> str:
    return (proc / "self/mounts").read_text(errors="replace")


def memory(proc: Path = PROC) -> str:
    return "".join(
        f"{name} {(proc / name).read_text(errors='replace')}" for name in ("uptime", "loadavg")
    ) + (proc / "meminfo").read_text(errors="replace")


def network(programs: Programs) -> str:
    """Addresses, routes and name servers."""
    told = [
        programs.run(ReportProgram.IP, what, timeout_s=PROGRAM_LIMIT_S / 2)
        for what in ("addr", "route")
    ]
    return "\n".join([*told, _line(RESOLV_CONF), ""])
