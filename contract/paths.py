"""Where the files of the contract are inside the image."""

from pathlib import PurePosixPath

METAL = PurePosixPath("/etc/metal")

INSTALL_CONFIG = METAL / "install.yaml"
BOOT_INFO = METAL / "boot-info.yaml"
DISK_JSON = METAL / "disk.json"
MACHINE_DETAILS = METAL / "machine-details.yaml"
MACHINE_ALLOCATION = METAL / "machine-allocation.yaml"
OS_INSTALLER = METAL / "os-installer.yaml"
BUILD_META = METAL / "build-meta.yaml"
USERDATA = METAL / "userdata"
PROVENANCE = METAL / "hammer-provenance.json"

FSTAB = PurePosixPath("/etc/fstab")
LVM_LOCAL = PurePosixPath("/etc/lvm/lvmlocal.conf")

# The first that is a regular file is run (metal-hammer, cmd/install.go).
INSTALLERS = (PurePosixPath("/install-go"), PurePosixPath("/install.sh"))
