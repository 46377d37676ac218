"""The seams a step may use on this machine, passed by hand."""

from dataclasses import dataclass, field
from pathlib import Path

from hammer.console import Console
from hammer.host.chroot import Chroot
from hammer.host.disks import Disks
from hammer.host.firmware import Firmware
from hammer.host.identity import Identity
from hammer.host.memory import Memory
from hammer.host.mounts import Mounts
from hammer.host.power import Power
from hammer.host.programs import Programs
from hammer.host.pulse import NoPulse, Pulse
from hammer.stream.image import Images


@dataclass(frozen=True, kw_only=True)
class Machine:
    """This machine: for real in commands.py, recorded in the unit tests."""

    identity: Identity
    console: Console
    programs: Programs
    disks: Disks
    mounts: Mounts
    images: Images
    chroot: Chroot
    firmware: Firmware
    memory: Memory
    """What outlives a restart."""
    power: Power | None
    """None: the kernel is checked but not loaded (`hammer install --no-kexec`)."""
    target: Path
    """Where the target is mounted while it is made."""
    serial_console: str
    """Value of the last `console=`; install.yaml gets it."""
    installer: Path | None
    """A file of this system: the installer for images that have none."""
    install_limit_s: float
    preserve: bool
    """Leave the disks as they are after a failure."""
    os_image: str | None = None
    """URL of an OSImage, which then names the image, whatever the machine document does."""
    pulse: Pulse = field(default_factory=NoPulse)
    """Whoever waits longer than a minute for something says so here."""
