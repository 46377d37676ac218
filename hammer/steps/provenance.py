"""What the system was installed from, kept in it: the last file that is written."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import contract
from contract import paths
from contract.provenance import (
    ComparedDigest,
    InstalledDisk,
    InstalledFilesystem,
    InstalledImage,
    InstalledLayout,
    InstalledPartition,
)
from hammer import VERSION, redact
from hammer.host.files import write
from hammer.machine import Machine
from hammer.step import Step
from hammer.steps.format import Volume
from hammer.stream.image import Offer, Unpacked

SECRET = 0o600


def write_provenance(
    machine: Machine,
    layout: contract.FilesystemLayout,
    *,
    volumes: Sequence[Volume],
    offer: Offer,
    unpacked: Unpacked,
    seconds: Mapping[Step, float],
    root: Path,
) -> None:
    """Write hammer-provenance.json; the target must still be mounted.

    `seconds` are those of the steps that are over. Raises TargetFull, FileFailed.
    """
    told = contract.Provenance(
        agent=VERSION,
        image=installed_image(offer, unpacked),
        layout=InstalledLayout(
            disks=tuple(installed_disk(machine, disk) for disk in layout.disks),
            filesystems=tuple(map(installed_filesystem, volumes)),
        ),
        seconds={step.value: taken for step, taken in seconds.items()},
    )
    write(root, paths.PROVENANCE, f"{contract.dump_json(told)}\n".encode(), mode=SECRET)


def installed_image(offer: Offer, unpacked: Unpacked) -> InstalledImage:
    """What was unpacked, and what its bytes were compared with."""
    return InstalledImage(
        id=offer.image_id,
        url=redact.url(unpacked.url),
        digest=ComparedDigest(
            algorithm=offer.digest.algorithm.value,
            value=offer.digest.hex,
            source_=offer.digest.source,
        ),
        packed_bytes=unpacked.packed_bytes,
        unpacked_bytes=unpacked.unpacked_bytes,
        members=unpacked.members,
    )


def installed_disk(machine: Machine, disk: contract.Disk) -> InstalledDisk:
    """A disk as the kernel sees it now: a partition of size 0 took what was left."""
    return InstalledDisk(
        device=disk.device,
        size_bytes=machine.disks.size_bytes(disk.device),
        partitions=tuple(
            InstalledPartition(
                device=node,
                number=partition.number,
                label=partition.label or "",
                gpttype=partition.gpttype or "",
                size_bytes=machine.disks.size_bytes(node),
            )
            for partition in disk.partitions
            for node in (contract.partition_device(disk.device, partition.number),)
        ),
    )


def installed_filesystem(volume: Volume) -> InstalledFilesystem:
    """A filesystem with the UUID that it got."""
    return InstalledFilesystem(
        device=volume.device,
        format=volume.format,
        uuid=volume.uuid,
        label=volume.label,
        path=str(volume.path) if volume.path else None,
    )
