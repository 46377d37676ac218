"""Step 1: everything that can be refused is refused here, before the first write."""

from collections.abc import Sequence
from dataclasses import replace

import contract
from hammer import redact
from hammer.algorithm import Algorithm
from hammer.errors import (
    DiskInUse,
    DiskMissing,
    DiskTooSmall,
    ImageAddressInvalid,
    MachineUnknown,
    NotRoot,
    ProgramMissing,
    TargetInUse,
    Unsupported,
    WrongMachine,
)
from hammer.host.carried import check as check_installer
from hammer.host.disks import MIB, Disk
from hammer.host.mounts import mount_points, refuse_full
from hammer.host.programs import Program
from hammer.machine import Machine
from hammer.spec import InstallSpec
from hammer.stream.image import Images, Offer
from hammer.stream.published import Wanted
from hammer.stream.store import Choice

TABLES_MIB = 2
"""What GPT takes: 1 MiB of alignment before the first partition, the backup at the end."""


def check(machine: Machine, spec: InstallSpec) -> Offer:
    """Refuse what cannot work on this machine; return what the image server promises.

    Nothing is written. All problems of one kind are told at once.
    """
    check_host(machine)
    check_supported(spec)
    check_identity(machine, spec)
    check_disks(machine, spec.layout)
    warn_of_kexec(machine)
    return ask_for_image(machine, spec.allocation.image)


def ask_for_image(machine: Machine, image: contract.Image) -> Offer:
    """By an OSImage, by its URL, or by its id, which is looked up now and not before.

    The control plane may have waited for days, and what is newest has changed since.
    """
    if machine.os_image is not None:
        manifest = machine.images.os_image(machine.os_image)
        return replace(ask_by_os_image(machine, manifest), described=False)
    if image.os_image is not None:
        return ask_by_os_image(machine, image.os_image, image_id=image.id, mirrors=image.mirrors)
    wanted = wanted_digest(image.digest, image.digest_type, where="the machine document")
    if image.url:
        return machine.images.ask(
            image.url, image_id=image.id, wanted=wanted, mirrors=image.mirrors
        )
    assert image.store is not None  # else the document had been refused
    choice = chosen(machine.images, image.id, image.store)
    machine.console.say(f"{image.id} is {choice.image_id}, {redact.url(choice.url)}")
    return machine.images.ask(
        choice.url, image_id=choice.image_id, wanted=wanted, mirrors=image.mirrors
    )


def chosen(images: Images, image_id: str, store: str) -> Choice:
    """The image that the id means. Raises what Images.choose does, ImageAddressInvalid."""
    choice = images.choose(image_id, store)
    if choice.listed and (reason := choice.listed.url_problem):
        raise ImageAddressInvalid(
            image_id=choice.image_id, store=store, url=choice.url, reason=reason
        )
    return choice


def ask_by_os_image(
    machine: Machine,
    manifest: contract.OsImage,
    *,
    image_id: str = "",
    mirrors: Sequence[str] = (),
) -> Offer:
    """The image of a manifest; what a machine document calls it, and where it is as well."""
    name, found = manifest.metadata.name, manifest.spec.properties
    where = f"OSImage {name}".strip()
    machine.console.say(f"{where} is {redact.url(found.image_url)}")
    wanted = wanted_digest(found.image_checksum, found.image_checksum_type, where=where)
    return machine.images.ask(
        found.image_url, image_id=image_id or name, wanted=wanted, mirrors=mirrors
    )


def wanted_digest(text: str | None, kind: str | None, *, where: str) -> Wanted | None:
    """The digest that a document names; None: it is looked for beside the image."""
    if text is None:
        return None
    return Wanted(text=text, algorithm=Algorithm(kind) if kind else None, where=where)


def check_host(machine: Machine) -> None:
    if machine.identity.uid != 0:
        raise NotRoot(uid=machine.identity.uid)
    missing = machine.programs.missing()
    if not machine.identity.efi:
        missing = [name for name in missing if name != Program.EFIBOOTMGR]
    if missing:
        raise ProgramMissing(programs=tuple(missing))
    if machine.installer is not None:
        check_installer(machine.installer)
    target = machine.target
    if any(mount.where == target or target in mount.where.parents for mount in mount_points()):
        raise TargetInUse(path=target, reason="something is mounted there")
    refuse_full(target)


def warn_of_kexec(machine: Machine) -> None:
    """Said now, not refused: whether kexec is needed is not known before the image is."""
    if machine.power is not None and (obstacle := machine.power.obstacle()):
        machine.console.warn(
            f"{obstacle}; if kexec is refused, the machine boots through its firmware, "
            "for which the image must have a boot loader"
        )


def check_supported(spec: InstallSpec) -> None:
    layout = spec.layout
    features = []
    if spec.allocation.reinstall:
        features.append("reinstall (allocation.reinstall)")
    if layout.raid:
        features.append("software RAID (filesystemlayout.raid)")
    if layout.volumegroups or layout.logicalvolumes:
        features.append("LVM (filesystemlayout.volumegroups, .logicalvolumes)")
    if features:
        raise Unsupported(features=tuple(features))


def check_identity(machine: Machine, spec: InstallSpec) -> None:
    here = machine.identity.machine_uuid
    if here is None and spec.machine_uuid is None:
        raise MachineUnknown()
    if here is not None and spec.machine_uuid is not None and here != spec.machine_uuid:
        raise WrongMachine(document_id=spec.machine_uuid, machine_id=here)


def check_disks(machine: Machine, layout: contract.FilesystemLayout) -> None:
    found = {disk.device: machine.disks.find(disk.device) for disk in layout.disks}
    missing = [(path, disk) for path, disk in found.items() if isinstance(disk, str)]
    missing += [
        (path, "is read-only")
        for path, disk in found.items()
        if isinstance(disk, Disk) and disk.read_only
    ]
    if missing:
        raise DiskMissing(disks=tuple(missing), present=tuple(machine.disks.names()))
    uses = [use for path in found for use in machine.disks.uses(path)]
    if uses:
        raise DiskInUse(uses=tuple(uses))
    too_small = [
        (wanted.device, disk.size_bytes // MIB, needed_mib(wanted))
        for wanted in layout.disks
        if isinstance(disk := found[wanted.device], Disk)
        and disk.size_bytes < needed_mib(wanted) * MIB
    ]
    if too_small:
        raise DiskTooSmall(disks=tuple(too_small))


def needed_mib(disk: contract.Disk) -> int:
    """The least a disk must hold. A partition of size 0 takes the rest, at least 1 MiB."""
    return TABLES_MIB + sum(partition.size or 1 for partition in disk.partitions)
