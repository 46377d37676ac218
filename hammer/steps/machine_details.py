"""machine-details.yaml, from what install.yaml tells."""

import contract


def machine_details(config: contract.InstallConfig) -> contract.MachineDetails:
    """What os-installer is told beside the allocation; the password is that of install.yaml."""
    return contract.MachineDetails(
        id=config.machineuuid,
        nics=tuple(_nic(nic) for nic in config.nics),
        password=config.password,
        console=config.console,
        raidenabled=config.raidenabled,
        root_uuid=config.root_uuid,
    )


def _nic(nic: contract.Nic) -> contract.MachineNic:
    """An interface with its first neighbour, as metal-hammer v0.15 hands it on."""
    first = nic.neighbors[:1]
    return contract.MachineNic(
        mac=nic.mac or "",
        name=nic.name or "",
        identifier=nic.identifier,
        neighbors=tuple(
            contract.MachineNic(mac=neighbour.mac or "", name=neighbour.name or "")
            for neighbour in first
        ),
    )
