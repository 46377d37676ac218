"""Every rule of `hammer image check`: its id, how bad it is, why, and how to fix it.

Ids are stable: pipelines name them in --skip. Rules of what the agent itself refuses have
the code of its error as id.
"""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    ERROR = "error"
    """The image will not install, or what was installed will not boot."""
    WARNING = "warning"
    """It may install, and somebody will regret it."""
    INFO = "info"
    """To know; there is nothing to do."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Something that an image should be."""

    id: str
    severity: Severity
    why: str
    """One line: what happens otherwise."""
    fix: str
    """One line, an imperative."""
    of_whole: bool = True
    """Whether it can be judged only after the image was read to its end."""


@dataclass(frozen=True)
class Finding:
    """A rule that the image breaks, and where."""

    rule: Rule
    text: str


@dataclass(frozen=True)
class Unchecked:
    """A rule that could not be judged, which is not the same as one that is kept."""

    rule: Rule
    reason: str


Outcome = Finding | Unchecked


def _error(id: str, why: str, fix: str, *, of_whole: bool = True) -> Rule:
    return Rule(id=id, severity=Severity.ERROR, why=why, fix=fix, of_whole=of_whole)


def _warning(id: str, why: str, fix: str, *, of_whole: bool = True) -> Rule:
    return Rule(id=id, severity=Severity.WARNING, why=why, fix=fix, of_whole=of_whole)


def _info(id: str, why: str, fix: str = "nothing to do", *, of_whole: bool = True) -> Rule:
    return Rule(id=id, severity=Severity.INFO, why=why, fix=fix, of_whole=of_whole)


# --- the stream: what the agent refuses while it unpacks --------------------------------------

IMAGE_NOT_LZ4 = _error(
    "image-not-lz4",
    "the agent unpacks lz4, zstd and gzip, and tar archives that are not packed, and nothing else",
    "compress the tar archive with `lz4 -9`, or pack it with `hammer image pack`",
    of_whole=False,
)
IMAGE_TRUNCATED = _error(
    "image-truncated",
    "the frame that the image is packed in does not end: the image was cut",
    "pack the image again, and compare the size before and after publishing",
    of_whole=False,
)
IMAGE_CORRUPT = _error(
    "image-corrupt",
    "a block, a checksum, or what follows the frame is wrong; padding is wrong, too",
    "pack the image again; nothing but further frames of its format may follow a frame",
    of_whole=False,
)
IMAGE_NOT_TAR = _error(
    "image-not-tar",
    "what is packed must be a tar archive of the root filesystem",
    "compress a tar archive (`hammer image pack` does)",
    of_whole=False,
)
TAR_CORRUPT = _error(
    "tar-corrupt",
    "a header is damaged, or members contradict each other: unpacking stops there",
    "make the tar archive again, from a root filesystem and not by concatenation",
    of_whole=False,
)
TAR_MEMBER_OUTSIDE = _error(
    "tar-member-outside",
    "a member with `..` would be written outside of the target, and is refused",
    "remove the member from the archive; no image needs one",
    of_whole=False,
)
TAR_MEMBER_UNSUPPORTED = _error(
    "tar-member-unsupported",
    "the member is of a kind that the agent does not restore, and never drops silently",
    "pack the image with `hammer image pack`, which writes what the agent reads",
    of_whole=False,
)
IMAGE_INTERRUPTED = _error(
    "image-interrupted",
    "the transfer ended before the image had, as it will for every machine",
    "check the image server and the network between, then check again",
    of_whole=False,
)
IMAGE_STALLED = _error(
    "image-stalled",
    "the transfer stopped in the middle, as it will for every machine",
    "check the image server and the network between, then check again",
    of_whole=False,
)
TOO_MANY_MEMBERS = _error(
    "too-many-members",
    "the check keeps a table of all members and follows their links: this takes too much of it",
    "make fewer files and fewer links to links: no root filesystem has that many",
    of_whole=False,
)
HARD_LINK_MISSING = _error(
    "hard-link-missing",
    "a hard link needs a member before it to link to; unpacking stops there",
    "make the tar archive again, without leaving out single files",
    of_whole=False,
)
MEMBER_SIZE = _error(
    "member-size",
    "ext4 holds no file of 16 TiB and more (Linux, Documentation/filesystems/ext4)",
    "remove the file, or shorten the hole at its end",
    of_whole=False,
)

MEMBER_XATTR = _error(
    "member-xattr",
    "an extended attribute that the kernel refuses ends the unpacking; none is ever dropped",
    "remove the attribute from the tree, or pack with --xattrs-exclude",
    of_whole=False,
)

# --- the stream: what the agent takes, and others may not -------------------------------------

IMAGE_FORMAT = _warning(
    "image-format",
    "metal-hammer unpacks lz4 frames and nothing else",
    "compress with `lz4 -9`, if not only this agent is to install the image",
    of_whole=False,
)
CONTENT_CHECKSUM = _info(
    "content-checksum",
    "without the frame's own checksum, damage before the digest was made stays unseen",
    "compress with the command `lz4` or `zstd`, which write one",
    of_whole=False,
)
END_MARK = _warning(
    "end-mark",
    "an archive ends with two blocks of zeros; without them it looks like one that was cut",
    "make the archive again, and see that its writer came to its end",
)
DATA_AFTER_END = _warning(
    "data-after-end",
    "what follows the end mark of the archive is never unpacked, by no tar either",
    "join trees before packing them; archives that are concatenated lose all but the first",
)
MEMBER_TWICE = _warning(
    "member-twice",
    "the last of members with the same name wins, and the others cost time and space",
    "pack from a directory, in which there is each name once",
    of_whole=False,
)
MEMBER_CHANGES_TYPE = _warning(
    "member-changes-type",
    "a file, link or directory replaces a member of another type: which one was meant?",
    "pack from a directory, in which there is each name once",
    of_whole=False,
)
MEMBER_THROUGH_LINK = _warning(
    "member-through-link",
    "members below a symbolic link land where it leads; other agents follow it out of the target",
    "pack from a directory, which gives each file its real path",
    of_whole=False,
)
MEMBER_HIDDEN = _warning(
    "member-hidden",
    "/proc, /sys, /dev, /run and /tmp are mounted over: files in them are lost",
    "leave the five directories empty (`hammer image pack` does)",
    of_whole=False,
)

# --- what is published ------------------------------------------------------------------------

IMAGE_NAME = _warning(
    "image-name",
    "metal-hammer refuses an image whose URL does not end in lz4 (cmd/image/image.go)",
    "publish the image as img.tar.lz4",
    of_whole=False,
)
DIGEST_MISSING = _error(
    "digest-missing",
    "the agent installs no image without a digest beside it",
    "publish it: `md5sum img.tar.lz4 > img.tar.lz4.md5`",
    of_whole=False,
)
DIGEST_MALFORMED = _error(
    "digest-malformed",
    "a checksum file must hold one digest of an image of this name, of the kind it is named after",
    "write it in the image's own directory: `md5sum img.tar.lz4 > img.tar.lz4.md5`",
    of_whole=False,
)
DIGEST_MISMATCH = _error(
    "digest-mismatch",
    "image and digest are not of the same build: the agent stops after unpacking",
    "publish image and digest together; a cache in between may hold an old half",
    of_whole=False,
)
MD5_MISSING = _warning(
    "md5-missing",
    "metal-hammer and the image caches of metal-stack know no digest but the .md5",
    "publish it, too: `md5sum img.tar.lz4 > img.tar.lz4.md5`",
    of_whole=False,
)
DIGEST_FORM = _warning(
    "digest-form",
    "metal-hammer compares all before the first blank, to the letter (cmd/image/image.go)",
    "write lower-case digest, two blanks, name, as md5sum does",
    of_whole=False,
)
PACKAGES_MISSING = _info(
    "packages-missing",
    "packages.txt beside an image tells which versions it holds; it is optional",
    "publish the output of `dpkg -l` (`hammer image pack` makes it of a Debian)",
    of_whole=False,
)

# --- the installer ----------------------------------------------------------------------------

INSTALLER_MISSING = _warning(
    "installer-missing",
    "an image without /install-go and /install.sh needs a ramdisk that carries an installer",
    "put an executable /install.sh into the image, or know that your ramdisk has an installer",
)
INSTALLER_NOT_EXECUTABLE = _error(
    "installer-not-executable",
    "the agent starts the installer as a program",
    "chmod 0755 before packing",
)
INSTALLER_INTERPRETER = _error(
    "installer-interpreter",
    "the kernel starts a script by the program of its first line, found inside of the image",
    "begin with `#!/bin/sh` and a line feed (no CR), and install the interpreter into the image",
)
INSTALLER_SYNTAX = _error(
    "installer-syntax",
    "the installer fails after the disks were erased; `sh -n` says it now",
    "correct the line that is named",
)
INSTALLERS_TWO = _info(
    "installers-two",
    "/install-go is run when both are there, and /install.sh stays in the installed system",
    "remove the one that is not meant",
)

# --- the kernel -------------------------------------------------------------------------------

KERNEL_MISSING = _error(
    "kernel-missing",
    "the agent boots the image's own kernel, and the installer looks for /boot/vmlinuz-*",
    "install a kernel package into the image",
)
KERNEL_FORMAT = _error(
    "kernel-format",
    "kexec on x86-64 takes a bzImage: no ELF, arm64 Image, EFI zboot or archive",
    "install the bzImage (vmlinuz) of an x86-64 kernel",
)
KERNEL_CUT = _error(
    "kernel-cut",
    "the file is shorter than its own header says: it cannot boot",
    "install the kernel package again",
)
KERNEL_KEXEC = _error(
    "kernel-kexec",
    "kexec_file_load(2) asks for a relocatable 64-bit kernel with boot protocol 2.12 or later",
    "take a kernel with CONFIG_RELOCATABLE and CONFIG_64BIT, Linux 3.8 or later",
)
KERNEL_VERSION = _warning(
    "kernel-version",
    "a kernel that is not of the version in its name finds neither initrd nor modules",
    "install the kernel package again; a copy went wrong",
)
KERNEL_EFI_STUB = _info(
    "kernel-efi-stub",
    "systemd-boot and firmware start only kernels with an EFI stub; kexec and grub need none",
    "enable CONFIG_EFI_STUB if the image boots by systemd-boot",
)
KERNEL_CONFIG = _warning(
    "kernel-config",
    "what a kernel needs to be started by kexec with an initrd, by the config that it came with",
    "enable the options that are named, or ship the config of this kernel",
)
KERNEL_LINK = _warning(
    "kernel-link",
    "boot loaders and installers follow /vmlinuz and /initrd.img, and this one leads nowhere",
    "let the link lead to the file in /boot, or remove it",
)
INITRD_MISSING = _warning(
    "initrd-missing",
    "a kernel with modules finds its root filesystem by an initrd of the same version",
    "run update-initramfs or dracut in the image, or see that the installer does",
)
INITRD_ORPHAN = _warning(
    "initrd-orphan",
    "an initrd without its kernel costs space and time, and misleads installers",
    "purge the old kernel package, or remove the file",
)
INITRD_FORMAT = _error(
    "initrd-format",
    "the kernel unpacks cpio archives: plain or packed by gzip, xz, zstd, lz4, bzip2, lzma, lzo",
    "make the initrd again; it is empty or something else",
)
SYSTEM_MAP = _info(
    "system-map",
    "installers of metal-stack require exactly one /boot/System.map-* to tell the kernel",
    "keep one kernel with its System.map, if the image is for metal-stack's installer",
)
MODULES_MISSING = _warning(
    "modules-missing",
    "a kernel without its modules has no network card and no filesystem but the built-in ones",
    "install the modules of the same version, unless the kernel has all built in",
)
MODULES_DEP = _warning(
    "modules-dep",
    "modprobe finds no module without modules.dep",
    "run `depmod VERSION` in the image",
)

# --- the system -------------------------------------------------------------------------------

INIT_MISSING = _error(
    "init-missing",
    "the kernel starts /sbin/init, and panics without it",
    "install an init, such as the package systemd-sysv",
)
SHELL_MISSING = _error(
    "shell-missing",
    "install.sh and the scripts of packages run with /bin/sh",
    "install a shell and the link /bin/sh",
)
PROGRAM_LOADER = _error(
    "program-loader",
    "a dynamic program is started by the loader that it names, as a script is by its interpreter",
    "install the C library or the interpreter that is named, for x86-64",
)
ARCHITECTURE = _error(
    "architecture",
    "programs of another machine than x86-64 do not start",
    "build the image for amd64",
)
OS_RELEASE = _warning(
    "os-release",
    "installers choose the boot loader by ID of /etc/os-release, and print VERSION_ID",
    "install the distribution's base package, or write the file (os-release(5))",
)
PASSWD_ROOT = _error(
    "passwd-root",
    "without a user root in /etc/passwd nothing that asks for names works",
    "keep root with uid 0 in /etc/passwd",
)
TOOL_USERADD = _warning(
    "tool-useradd",
    "installers make the user metal with useradd (os-installer, task `create metal user`)",
    "install the package passwd (shadow-utils)",
)
TOOL_PASSWD = _warning(
    "tool-passwd",
    "installers set the password of install.yaml with chpasswd or passwd",
    "install the package passwd (shadow-utils)",
)
TOOL_SSHD = _info(
    "tool-sshd",
    "the keys of install.yaml are of use with an ssh server",
    "install the package openssh-server",
)
BOOT_LOADER = _warning(
    "boot-loader",
    "after the first boot, which is by kexec, firmware boots the machine by a boot loader",
    "install grub-install (grub-efi) or systemd-boot",
)
MACHINE_ID = _warning(
    "machine-id",
    "machines with the same machine-id get the same DHCP lease and mix up their logs",
    "empty the file /etc/machine-id (machine-id(5)); do not remove it",
)
SSH_HOST_KEYS = _warning(
    "ssh-host-keys",
    "host keys that are in an image are known to everybody who has the image",
    "remove /etc/ssh/ssh_host_*, and let the first boot make new ones",
)
DOCKERENV = _warning(
    "dockerenv",
    "with /.dockerenv programs believe that they are in a container",
    "remove the file, which comes from `docker export`",
)
SETUID = _info("setuid", "programs that run as their owner or group, whoever starts them")
CAPABILITIES = _info("capabilities", "programs with file capabilities; a lossy packer drops them")
COMPONENTS = _info("components", "what images for metal-stack bring: FRR, go-lldpd, ignition")

PATH_IN_THE_WAY = _error(
    "path-in-the-way",
    "the agent mounts on /proc, /sys, /dev, /tmp and writes files, after the disks were erased",
    "ship a directory where one is mounted on, and none where a file is written",
)

# --- /etc/metal -------------------------------------------------------------------------------

METAL_STALE = _warning(
    "metal-stale",
    "the agent or the installer writes this file on each machine; a shipped one is of another",
    "remove it from the image; it may hold secrets of the machine that it came from",
)
METAL_DOCUMENT = _error(
    "metal-document",
    "a document in /etc/metal that breaks its own rules fails the installation",
    "correct it; `contract check FILE` shows the same problems",
)

# --- space ------------------------------------------------------------------------------------

SPACE = _info("space", "how much room the image takes where it is mounted")
LAYOUT_TOO_SMALL = _error(
    "layout-too-small",
    "unpacking ends when the filesystem is full, after the disks were erased",
    "make the partition larger in the layout, or the image smaller",
)
LAYOUT_INODES = _error(
    "layout-inodes",
    "a filesystem has a fixed number of inodes: each file and directory takes one",
    "make the partition larger, or give mkfs more with createoptions (-N)",
)
LAYOUT_VFAT = _error(
    "layout-vfat",
    "vfat holds files and directories: a link or a node on it ends the unpacking",
    "keep /boot/efi free of them, or mount another filesystem there",
)
LAYOUT_UNKNOWN = _info(
    "layout-unknown",
    "a partition of size 0 takes the rest of a disk, whose size the layout does not say",
    "give --disk-mib",
)

RULES = tuple(value for value in list(globals().values()) if isinstance(value, Rule))
BY_ID = {rule.id: rule for rule in RULES}


def listed(names: list[str], *, shown: int = 5) -> str:
    """The first names, and how many more there are."""
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {more} more" if more > 0 else "")
