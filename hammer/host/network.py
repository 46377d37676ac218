"""The network of the ramdisk: links up, an address by `ip=` or DHCP, a name server.

Only `hammer run` uses it: on a running Linux the network is somebody else's.
"""

import ipaddress
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hammer.errors import NetworkDown, ProgramFailed, ProgramTimeout
from hammer.host.programs import Programs, RamdiskProgram
from hammer.host.pulse import NoPulse, Pulse

log = logging.getLogger(__name__)

ADDRESS_LIMIT_S = 90.0
"""A switch port with spanning tree has a carrier at once and forwards after 30 s to 50 s."""

LEASE_LIMIT_S = 60.0
CARRIER_POLL_S = 0.1
LEASES = Path("/run/hammer")
RESOLV_CONF = Path("/etc/resolv.conf")
NET = Path("/sys/class/net")
ARPHRD_ETHER = "1"  # linux/if_arp.h


@dataclass(frozen=True, kw_only=True)
class Address:
    """What an interface gets."""

    interface: str
    address: ipaddress.IPv4Interface
    gateway: ipaddress.IPv4Address | None
    dns: tuple[str, ...]
    ntp: tuple[str, ...] = ()
    """Time servers that the lease names."""


@dataclass(frozen=True, kw_only=True)
class IpOption:
    """The `ip=` of the kernel command line (admin-guide/nfs/nfsroot.rst of Linux)."""

    autoconf: bool
    off: bool = False
    interface: str | None = None
    address: ipaddress.IPv4Interface | None = None
    gateway: ipaddress.IPv4Address | None = None
    dns: tuple[str, ...] = ()


OFF = ("off", "none")
DHCP = ("dhcp", "on", "any", "both")


def parse_ip(text: str | None) -> IpOption:
    """`ip=`, or its absence, which means DHCP. Raises NetworkDown for what makes no sense.

    The forms are `dhcp` and `CLIENT:SERVER:GATEWAY:NETMASK:HOST:DEVICE:AUTOCONF:DNS0:DNS1`.
    The kernel itself reads the word too, but only with its network driver built in.
    """
    if text is None or text in DHCP:
        return IpOption(autoconf=True)
    if text in OFF:
        return IpOption(autoconf=False, off=True)
    fields = [*text.split(":"), *[""] * 9][:9]
    client, _, gateway, netmask, _, interface, autoconf = fields[:7]
    if autoconf not in ("", *OFF, *DHCP):
        raise NetworkDown(reason=f"ip={text}: nobody knows the autoconfiguration {autoconf}")
    if not client:
        return IpOption(autoconf=autoconf not in OFF, interface=interface or None)
    try:
        return IpOption(
            autoconf=False,
            interface=interface or None,
            address=ipaddress.IPv4Interface(f"{client}/{netmask}" if netmask else client),
            gateway=ipaddress.IPv4Address(gateway) if gateway else None,
            dns=tuple(str(ipaddress.IPv4Address(each)) for each in fields[7:] if each),
        )
    except ValueError as problem:
        raise NetworkDown(reason=f"ip={text}: {problem}") from None


def bring_up(programs: Programs, ip: str | None, *, pulse: Pulse | None = None) -> Address | None:
    """Configure one interface and the resolver; None when `ip=off`. Raises NetworkDown.

    With several interfaces the first one that has a carrier and, for DHCP,
    gets a lease is taken, in the order of their names.
    """
    option = parse_ip(ip)
    if option.off:
        return None
    names = [option.interface] if option.interface else ethernet_interfaces()
    if not names:
        raise NetworkDown(reason="this machine has no Ethernet interface with a driver")
    with (pulse or NoPulse()).within(ADDRESS_LIMIT_S + LEASE_LIMIT_S):
        _set_up(names)
        found = _first_address(programs, names, option)
    _apply(found)
    _write_resolv_conf(found.dns)
    return found


def ethernet_interfaces() -> list[str]:
    """Names of Ethernet interfaces, in alphabetical order."""
    return sorted(
        link.name
        for link in NET.iterdir()
        if (link / "type").read_text().strip() == ARPHRD_ETHER and link.name != "lo"
    )


def _first_address(programs: Programs, names: Sequence[str], option: IpOption) -> Address:
    tried: list[str] = []
    deadline = time.monotonic() + ADDRESS_LIMIT_S
    while time.monotonic() < deadline:
        for name in filter(_has_carrier, names):
            if option.address is not None:
                return Address(
                    interface=name,
                    address=option.address,
                    gateway=option.gateway,
                    dns=option.dns,
                )
            lease = _lease(programs, name)
            if lease is not None:
                return lease
            tried.append(name)
        time.sleep(CARRIER_POLL_S)
    dark = [name for name in names if name not in tried]
    no_carrier = f"no carrier on {', '.join(dark)}" if dark else ""
    no_lease = f"no DHCP answer on {', '.join(sorted(set(tried)))}" if tried else ""
    raise NetworkDown(reason="; ".join(filter(None, [no_carrier, no_lease])))


def _has_carrier(name: str) -> bool:
    try:
        return (NET / name / "carrier").read_text().strip() == "1"
    except OSError:  # EINVAL while the link is down, ENOENT when it is gone
        return False


def _lease(programs: Programs, name: str) -> Address | None:
    try:
        # -q: leave after the lease; -n: leave without one. Four requests, 3 s apart.
        programs.run(
            RamdiskProgram.UDHCPC,
            "-i",
            name,
            "-q",
            "-n",
            "-t",
            "4",
            "-T",
            "3",
            "-O",
            "ntpsrv",
            timeout_s=LEASE_LIMIT_S,
        )
        text = (LEASES / f"lease.{name}").read_text()
        return read_lease(name, text)
    except (ProgramFailed, ProgramTimeout, OSError, ValueError, KeyError) as failure:
        log.debug("no lease on %s: %s", name, failure)
        return None


def read_lease(name: str, text: str) -> Address:
    """What initramfs/udhcpc-script wrote: KEY=VALUE lines with udhcpc's own names."""
    values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    routers = values.get("router", "").split()
    return Address(
        interface=name,
        address=ipaddress.IPv4Interface(f"{values['ip']}/{values.get('subnet') or 32}"),
        gateway=ipaddress.IPv4Address(routers[0]) if routers else None,
        dns=tuple(values.get("dns", "").split()),
        ntp=tuple(values.get("ntpsrv", "").split()),
    )


def _set_up(names: Sequence[str]) -> None:
    # Imported late: it takes more than a second where the processor is emulated,
    # and an installation from a running system never needs it.
    from pyroute2 import IPRoute, NetlinkError

    with IPRoute() as ip:
        for name in ["lo", *names]:
            found = ip.link_lookup(ifname=name)
            if not found:
                raise NetworkDown(reason=f"there is no interface {name}")
            try:
                ip.link("set", index=found[0], state="up")
            except NetlinkError as failure:
                raise NetworkDown(reason=f"{name} does not come up: {failure}") from None


def _apply(found: Address) -> None:
    from pyroute2 import IPRoute, NetlinkError

    with IPRoute() as ip:
        index = ip.link_lookup(ifname=found.interface)[0]
        try:
            ip.addr(
                "replace",
                index=index,
                address=str(found.address.ip),
                prefixlen=found.address.network.prefixlen,
            )
            if found.gateway is not None:
                ip.route("replace", dst="default", gateway=str(found.gateway), oif=index)
        except NetlinkError as failure:
            reason = f"{found.interface} does not take {found.address}: {failure}"
            raise NetworkDown(reason=reason) from None


def _write_resolv_conf(dns: Sequence[str]) -> None:
    RESOLV_CONF.write_text("".join(f"nameserver {each}\n" for each in dns))
