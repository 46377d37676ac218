"""This machine with nothing faked, and who gives it orders."""

from pathlib import Path

from hammer import cmdline
from hammer.cmdline import Settings, Verify
from hammer.console import Console
from hammer.control.protocol import ControlPlane
from hammer.control.report_server import ReportServer
from hammer.control.spec_file import SpecFile
from hammer.errors import ControlUnsupported
from hammer.host.carried import CARRIED_INSTALLER
from hammer.host.chroot import HostChroot
from hammer.host.disks import HostDisks
from hammer.host.firmware import EfiFirmware, NoFirmware
from hammer.host.guard import ALIVE, RUN, grace_s
from hammer.host.identity import identity, in_ramdisk
from hammer.host.memory import EfiMemory, NoMemory
from hammer.host.mounts import HostMounts
from hammer.host.power import HostPower
from hammer.host.programs import HostPrograms
from hammer.host.pulse import HostPulse, NoPulse, Pulse
from hammer.machine import Machine
from hammer.stream.http import Patience
from hammer.stream.image import HttpImages
from hammer.stream.trust import MoreCa
from hammer.stream.way import Proxies, Way

TARGET = Path("/rootfs")
DEFAULT_CONSOLE = "ttyS0"

CA_RETRY_S = 5.0
"""Whoever needs the CA tries again anyway, with a longer patience."""


def this_machine(
    console: Console,
    settings: Settings,
    *,
    target: Path = TARGET,
    kexec: bool = True,
    installer: Path | None = None,
) -> Machine:
    """Every seam for real. In the ramdisk this process gives signs of life from now on."""
    pulse = signs_of_life(settings)
    programs = HostPrograms(pulse=pulse)
    who = identity()
    return Machine(
        identity=who,
        console=console,
        programs=programs,
        disks=HostDisks(programs, pulse=pulse),
        mounts=HostMounts(programs),
        images=HttpImages(
            patience=patience(settings, pulse),
            on_retry=console.say,
            min_digest=settings.min_digest,
            mirrors=settings.mirrors,
            readback=settings.verify is Verify.TREE,
        ),
        chroot=HostChroot(pulse=pulse),
        firmware=EfiFirmware(programs) if who.efi else NoFirmware(),
        # A machine with a system of its own is not tried again and again.
        memory=EfiMemory(tell=console.warn) if who.efi and in_ramdisk() else NoMemory(),
        power=HostPower() if kexec else None,
        target=target,
        serial_console=settings.console or DEFAULT_CONSOLE,
        installer=installer or carried_installer(),
        install_limit_s=settings.install_limit_s,
        preserve=settings.preserve,
        os_image=settings.os_image,
        pulse=pulse,
    )


def signs_of_life(settings: Settings) -> Pulse:
    """For the guard, which the ramdisk has."""
    if not in_ramdisk():
        return NoPulse()
    pulse = HostPulse(RUN / ALIVE, grace_s=grace_s(settings.watchdog_s))
    pulse.start()
    return pulse


def carried_installer() -> Path | None:
    """The installer that the ramdisk carries, if we are in one that does."""
    return CARRIED_INSTALLER if in_ramdisk() and CARRIED_INSTALLER.exists() else None


def patience(settings: Settings, pulse: Pulse) -> Patience:
    return Patience(
        retry_for_s=settings.retry_s,
        min_bytes_per_s=settings.min_rate_kib_s << 10,
        waiting=pulse.within,
        way=way_of(settings, pulse),
    )


def way_of(settings: Settings, pulse: Pulse | None = None) -> Way:
    """Proxies, and a CA of one's own, as the command line says."""
    proxies = Proxies(
        http=settings.proxy or settings.http_proxy,
        https=settings.proxy or settings.https_proxy,
        not_for=settings.no_proxy,
    )
    if settings.ca is None:
        return Way(proxies=proxies)
    patience = Patience(
        retry_for_s=CA_RETRY_S,
        waiting=(pulse or NoPulse()).within,
        way=Way(proxies=proxies),
    )
    return Way(proxies=proxies, more_ca=MoreCa(settings.ca, patience=patience))


def spec_file(settings: Settings, console: Console, pulse: Pulse) -> SpecFile:
    return SpecFile(
        settings.spec,
        patience=patience(settings, pulse),
        on_retry=console.say,
        server=report_server(settings, console),
    )


def report_server(settings: Settings, console: Console) -> ReportServer | None:
    """The server of hammer.report=, if there is one."""
    if settings.report is None:
        return None
    machine = identity().machine_uuid
    return ReportServer(
        settings.report, machine=machine, on_trouble=console.warn, way=way_of(settings)
    )


def control_plane(settings: Settings, console: Console, pulse: Pulse) -> ControlPlane:
    """Who gives the orders. A document named on the command line, or built in, decides."""
    embedded = settings.spec == cmdline.EMBEDDED_SPEC
    if settings.pixie_api_url and embedded and not Path(settings.spec).exists():
        raise ControlUnsupported(name="PIXIE_API_URL (metal-api)")
    return spec_file(settings, console, pulse)
