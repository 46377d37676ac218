"""From patterns to kernel modules with all they need."""

import pytest

from initramfs.errors import BuildError
from initramfs.modules import chosen, dependencies_of, globs_of

DEPENDENCIES = dependencies_of(
    """\
kernel/drivers/nvme/host/nvme.ko: kernel/drivers/nvme/host/nvme-core.ko
kernel/drivers/nvme/host/nvme-core.ko: kernel/lib/crc64.ko
kernel/lib/crc64.ko:
kernel/drivers/net/phy/realtek.ko: kernel/drivers/net/phy/libphy.ko
kernel/drivers/net/phy/libphy.ko:
kernel/drivers/net/wireless/realtek/rtw.ko:
"""
)
BUILTIN = ["kernel/fs/ext4/ext4.ko"]


def names(*globs: str) -> list[str]:
    found = chosen(globs, dependencies=DEPENDENCIES, builtin=BUILTIN)
    return [module.rpartition("/")[2] for module in found]


def test_with_all_they_need() -> None:
    assert names("nvme") == ["nvme-core.ko", "nvme.ko", "crc64.ko"]


@pytest.mark.parametrize("glob", ["nvme_core", "nvme-core", "drivers/nvme/host/nvme_core"])
def test_spelling_as_in_modprobe(glob: str) -> None:
    assert names(glob) == ["nvme-core.ko", "crc64.ko"]


def test_a_pattern_with_a_slash_is_of_paths() -> None:
    assert names("drivers/net/phy/*") == ["libphy.ko", "realtek.ko"]


def test_what_is_built_in_is_there_already() -> None:
    assert names("ext4", "crc64") == ["crc64.ko"]


def test_all_patterns_that_match_nothing_are_told() -> None:
    with pytest.raises(BuildError, match=r"no module of this kernel:\n  nmve\n  xfs$"):
        names("xfs", "nvme", "nmve")


def test_comments_and_empty_lines() -> None:
    assert globs_of("# all\n\nnvme   # disks\n  ext4\n") == ["nvme", "ext4"]
