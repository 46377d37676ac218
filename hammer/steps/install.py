"""Step 8: the installer, and what it left for us."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import contract
from contract import paths
from hammer.errors import (
    BootInfoInvalid,
    BootInfoMissing,
    FileFailed,
    InstallerFailed,
    InstallerKilled,
    InstallerTimeout,
)
from hammer.host.chroot import Ended
from hammer.host.files import read, write
from hammer.host.resolv_conf import working_resolv_conf
from hammer.machine import Machine
from hammer.spec import InstallSpec
from hammer.steps.format import Volume
from hammer.steps.fstab import fstab
from hammer.steps.installer import Installer, chosen_installer

BOOT_INFO_LIMIT_BYTES = 64 * 1024


def run_installer(
    machine: Machine, spec: InstallSpec, *, volumes: Sequence[Volume], root: Path
) -> PurePosixPath:
    """Run the installer to its end, and see that it says what is to be booted; which it was.

    It is still there, if it is the image's own: it is removed when it is on file that it
    has run. fstab is written after it, because installers of old bring their own.
    """
    with chosen_installer(machine, root) as installer:
        run_to_its_end(machine, installer, root)
        read_boot_info(root)
    write(root, paths.FSTAB, fstab(spec.layout, volumes).encode(), mode=0o644)
    return installer.path


def run_to_its_end(machine: Machine, installer: Installer, root: Path) -> None:
    """Run it in the target. Raises InstallerTimeout, InstallerKilled, InstallerFailed."""
    limit_s = machine.install_limit_s
    with working_resolv_conf(root):
        ended = machine.chroot.run(root, installer.path, limit_s=limit_s, say=machine.console.say)
        if ended.left_behind:
            names = ", ".join(ended.left_behind)
            machine.console.warn(f"{installer.name} left behind, killed: {names}")
        refuse_failure(installer.name, ended, limit_s=limit_s)


def refuse_failure(installer: str, ended: Ended, *, limit_s: float) -> None:
    """Raise InstallerTimeout, InstallerKilled or InstallerFailed unless it went well."""
    if ended.status is None:
        raise InstallerTimeout(installer=installer, limit_s=limit_s)
    if ended.status < 0:
        raise InstallerKilled(installer=installer, signal=-ended.status)
    if ended.status > 0:
        raise InstallerFailed(installer=installer, status=ended.status)


def read_boot_info(root: Path) -> contract.BootInfo:
    """What the installer wrote. Raises BootInfoMissing, BootInfoInvalid."""
    path = str(paths.BOOT_INFO)
    try:
        text = read(root, paths.BOOT_INFO, limit_bytes=BOOT_INFO_LIMIT_BYTES)
    except FileFailed as failure:
        raise BootInfoInvalid(path=path, problems=(failure.reason,)) from None
    if text is None:
        raise BootInfoMissing(path=path)
    try:
        return contract.load(contract.BootInfo, text, name=path)
    except contract.ContractError as error:
        raise BootInfoInvalid(path=path, problems=error.problems) from None
