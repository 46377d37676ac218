"""Which filesystems of this machine have no place for owners and modes."""

import os
import re
from pathlib import Path

# mountinfo's names of them (proc_pid_mountinfo(5)); the ESP is the one that counts.
_OWNERLESS = {"vfat", "msdos", "exfat"}
_LINE = re.compile(r"\S+ \S+ (?P<major>\d+):(?P<minor>\d+) .* - (?P<fstype>\S+) ")


def ownerless_devices(mountinfo: Path = Path("/proc/self/mountinfo")) -> frozenset[int]:
    """The device numbers (st_dev) of the mounted filesystems that know no owners."""
    found = (_LINE.match(line) for line in mountinfo.read_text(errors="replace").splitlines())
    return frozenset(
        os.makedev(int(match["major"]), int(match["minor"]))
        for match in found
        if match and match["fstype"] in _OWNERLESS
    )
