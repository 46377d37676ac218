"""The target's /etc/fstab (fstab(5)), from the layout and the UUIDs."""

from collections.abc import Sequence
from pathlib import PurePosixPath

import contract
from hammer import VERSION
from hammer.steps.format import Volume


def fstab(layout: contract.FilesystemLayout, volumes: Sequence[Volume]) -> str:
    """One line per filesystem with a path, parents first.

    Fields are set apart by one space, as metal-hammer's pkg/storage writes them
    and installers of old parse them.
    """
    uuids = {volume.device: volume.uuid for volume in volumes}
    lines = [f'# created by metal-hammer: "{VERSION}"']
    with_path = [each for each in layout.filesystems if each.path]
    for each in sorted(with_path, key=lambda each: len(PurePosixPath(each.path or "").parts)):
        tmpfs = each.format == "tmpfs"
        spec = "tmpfs" if tmpfs else f"UUID={uuids[each.device]}"
        options = ",".join(each.mountoptions) or "defaults"
        # The order of fsck(8): the root first, then all others.
        passno = 0 if tmpfs else 1 if each.path == "/" else 2
        lines.append(f"{spec} {each.path} {each.format} {options} 0 {passno}")
    return "\n".join(lines) + "\n"
