"""Step 7: the contract: what the installer finds in /etc/metal."""

import re
import secrets
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr

import contract
from contract import paths
from contract.disk_json import LABELS
from contract.document import shown
from hammer.host.files import inside, remove, write
from hammer.host.lvm import LVMLOCAL_CONF
from hammer.machine import Machine
from hammer.spec import InstallSpec
from hammer.steps.format import Volume
from hammer.steps.machine_allocation import machine_allocation
from hammer.steps.machine_details import machine_details
from hammer.steps.mount import mount_order
from hammer.steps.userdata import decoded
from hammer.stream.image import Offer

SECRET = 0o600
DEFAULT_SPEED = 115200  # bits per second


def write_contract(
    machine: Machine, spec: InstallSpec, *, volumes: Sequence[Volume], offer: Offer, root: Path
) -> contract.InstallConfig:
    """Write every file that an installer may read; returned is what install.yaml says."""
    config = install_config(machine, spec, volumes)
    write(root, paths.INSTALL_CONFIG, contract.dump(config).encode(), mode=SECRET)
    write_v2(machine, spec, config, offer=offer, root=root)
    write(root, paths.DISK_JSON, contract.dump_json(disk_json(volumes)).encode(), mode=SECRET)
    # What an image was built with must not be taken for this machine's.
    for left_over in (paths.BOOT_INFO, paths.USERDATA, paths.BUILD_META, paths.PROVENANCE):
        remove(root, left_over)
    user_data = spec.allocation.user_data
    if user_data is not None and user_data.get_secret_value():
        write(root, paths.USERDATA, decoded(user_data.get_secret_value()), mode=SECRET)
    if inside(root, paths.LVM_LOCAL.parent).is_dir():  # an image without LVM has none
        write(root, paths.LVM_LOCAL, LVMLOCAL_CONF.encode(), mode=SECRET)
    return config


def write_v2(
    machine: Machine,
    spec: InstallSpec,
    config: contract.InstallConfig,
    *,
    offer: Offer,
    root: Path,
) -> None:
    """Write what os-installer reads in place of install.yaml."""
    details = machine_details(config)
    write(root, paths.MACHINE_DETAILS, contract.dump(details).encode(), mode=SECRET)
    allocation, left_out = machine_allocation(spec, offer)
    name = paths.MACHINE_ALLOCATION.name
    for place, reason in left_out:
        machine.console.warn(f"{name}: without {place[0]}, {shown(place)}: {reason}")
    write(root, paths.MACHINE_ALLOCATION, contract.dump(allocation).encode(), mode=SECRET)


def install_config(
    machine: Machine, spec: InstallSpec, volumes: Sequence[Volume]
) -> contract.InstallConfig:
    """install.yaml, from the machine document and from what was made."""
    allocation = spec.allocation
    return contract.InstallConfig(
        hostname=allocation.hostname,
        networks=allocation.networks,
        machineuuid=spec.machine_uuid or machine.identity.machine_uuid or "",
        sshpublickey="\n".join(key.strip() for key in allocation.ssh_pub_keys),
        password=console_password(),
        console=complete_console(machine.serial_console),
        timestamp=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        nics=tuple(nic for nic in spec.nics if has_neighbours(nic)),
        vpn=allocation.vpn,
        role=allocation.role,
        raidenabled=bool(spec.layout.raid),
        root_uuid=root_uuid(volumes),
        firewall_rules=allocation.firewall_rules,
        dns_servers=allocation.dns_servers,
        ntp_servers=allocation.ntp_servers,
    )


def console_password() -> SecretStr:
    """16 characters of base64 for the user `metal`, as metal-hammer's cmd/root.go makes it."""
    return SecretStr(b64encode(secrets.token_bytes(16)).decode()[:16])


# A serial port, and of its options those that mean: no parity, eight bits, no flow control
# (Linux, admin-guide/serial-console.rst).
_SERIAL_PORT = re.compile(r"(ttyS[0-9]+)(?:,([0-9]*)(?:n8?)?)?")


def complete_console(console: str) -> str:
    """A serial port as `ttyS1,115200n8`: installers read port and speed from just that form.

    Missing options are filled in. Others (parity, flow control, another driver) stay
    as they are: to change them would be to lie about the line.
    """
    port = _SERIAL_PORT.fullmatch(console)
    return f"{port[1]},{port[2] or DEFAULT_SPEED}n8" if port else console


def has_neighbours(nic: contract.Nic) -> bool:
    """Whether install.yaml lists the interface: it has neighbours, and all have an address.

    The filter of metal-hammer (cmd/install.go): an interface without a known
    neighbour leads nowhere, and installers would configure it all the same.
    """
    return bool(nic.neighbors) and all(neighbour.mac for neighbour in nic.neighbors)


def root_uuid(volumes: Sequence[Volume]) -> str:
    """UUID of the filesystem at `/`; what its label is does not matter."""
    return next(volume.uuid for volume in volumes if volume.path and str(volume.path) == "/")


def disk_json(volumes: Sequence[Volume]) -> contract.DiskJson:
    """disk.json, for installers older than 2022: three labels, in mount order."""
    known = [volume for volume in mount_order(volumes) if volume.label in LABELS]
    return contract.DiskJson(
        partitions=tuple(
            contract.DiskPartition(
                label=volume.label,
                filesystem=volume.format,
                properties=contract.Properties(uuid=volume.uuid),
            )
            for volume in known
        ),
    )
