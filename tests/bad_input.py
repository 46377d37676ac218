"""Every kind of bad input that a test gives to the agent, and the error it must get.

docs/errors.md shows the table; tests/native and tests/vm have a case for each row.
"""

from dataclasses import dataclass

from hammer import errors
from hammer.errors import HammerError


@dataclass(frozen=True, kw_only=True)
class Row:
    """A kind of bad input."""

    name: str
    what: str
    error: type[HammerError] | None
    """None: the installation succeeds all the same, and what was bad did no harm."""
    disk_unchanged: bool = False
    """Refused before the first write: every byte of the disk is as it was."""


def _refused(name: str, what: str, error: type[HammerError]) -> Row:
    return Row(name=name, what=what, error=error, disk_unchanged=True)


def _failed(name: str, what: str, error: type[HammerError]) -> Row:
    return Row(name=name, what=what, error=error)


def _harmless(name: str, what: str) -> Row:
    return Row(name=name, what=what, error=None)


ROWS = (
    _refused("document-missing", "machine document that is not there", errors.DocumentMissing),
    _refused("document-not-yaml", "machine document that is not YAML", errors.DocumentInvalid),
    _refused("document-unknown-key", "key that nobody knows", errors.DocumentInvalid),
    _refused("document-wrong-type", "text where a number belongs", errors.DocumentInvalid),
    _refused("document-device", "filesystem on a device nobody provides", errors.DocumentInvalid),
    _refused("document-size-0", "partition of size 0 that is not the last", errors.DocumentInvalid),
    _refused("document-relative-path", "relative mount path", errors.DocumentInvalid),
    _refused("document-no-root", "no filesystem at /", errors.DocumentInvalid),
    _refused("document-no-image", "image without URL and without store", errors.DocumentInvalid),
    _refused("document-raid", "layout with RAID or LVM, or a reinstallation", errors.Unsupported),
    _refused("document-other-machine", "document of another machine", errors.WrongMachine),
    _refused("spec-unreachable", "server of the document that is away", errors.SpecUnreachable),
    _refused("disk-absent", "disk of the layout that is not there", errors.DiskMissing),
    _refused("disk-too-small", "disk of the layout that is too small", errors.DiskTooSmall),
    _refused("disk-mounted", "disk of the layout that is mounted", errors.DiskInUse),
    _refused("disk-behind-loop", "disk of the layout behind a loop device", errors.DiskInUse),
    _refused("disk-swap", "disk of the layout that is swap space", errors.DiskInUse),
    _refused("disk-opened-alone", "disk that a program holds for itself", errors.DiskInUse),
    _refused("target-not-empty", "target directory with files in it", errors.TargetInUse),
    _refused("program-missing", "program that is not on PATH", errors.ProgramMissing),
    _refused("installer-unusable", "--installer that is no program", errors.InstallerUnusable),
    _refused("image-unknown", "id of an image that the store does not have", errors.ImageUnknown),
    _refused("index-missing", "image index that is not there", errors.IndexMissing),
    _refused("index-invalid", "image index that is none", errors.IndexInvalid),
    _refused(
        "index-oci", "image that its index has behind an oci:// URL", errors.ImageAddressInvalid
    ),
    _refused("store-unreachable", "server of a store that is away", errors.StoreUnreachable),
    _refused("listing-invalid", "listing of a store with a document type", errors.ListingInvalid),
    _refused("store-no-digest", "image of a store without its .md5", errors.DigestMissing),
    _refused("image-404", "image URL that the server does not know", errors.ImageHttpStatus),
    _refused("image-refused", "image server that refuses connections", errors.ImageUnreachable),
    _refused("md5-missing", "no .md5 beside the image", errors.DigestMissing),
    _refused("md5-empty", ".md5 without a byte", errors.DigestMalformed),
    _refused("md5-no-digest", ".md5 without a digest", errors.DigestMalformed),
    _refused("md5-of-nothing", ".md5 of an empty file", errors.DigestMalformed),
    _refused("digest-weak", ".md5 alone, with --min-digest sha256", errors.DigestWeak),
    _refused("digest-type", "digest of another type than digest_type", errors.DocumentInvalid),
    _refused("digest-of-nothing", "digest of an empty file", errors.DocumentInvalid),
    _refused("sums-missing", "checksum file that is not there", errors.DigestMissing),
    _refused("sums-of-others", "checksum file of other images", errors.DigestMalformed),
    _refused("os-image-missing", "OSImage that is not there", errors.OsImageMissing),
    _refused("os-image-invalid", "OSImage without the URL of an image", errors.OsImageInvalid),
    _failed("sha512-mismatch", "image that is not what its .sha512 says", errors.DigestMismatch),
    _refused("image-not-lz4", "image that is not lz4", errors.ImageNotLz4),
    _failed("digest-mismatch", "image that is not what its .md5 says", errors.DigestMismatch),
    _failed("image-truncated", "image cut before its .md5 was made", errors.ImageTruncated),
    _failed("server-closes", "server that closes early", errors.ImageInterrupted),
    _failed("image-not-tar", "lz4 of something that is not tar", errors.ImageNotTar),
    _failed("tar-dotdot", "tar member with `..`", errors.TarMemberOutside),
    _harmless("tar-absolute", "tar member with an absolute path: it lands inside"),
    _harmless("tar-symlink", "tar member through a symbolic link out: it lands inside"),
    _failed("target-full", "image larger than its filesystem", errors.TargetFull),
    _failed("no-installer", "no installer in image and ramdisk", errors.InstallerMissing),
    _failed("installer-exits-7", "installer that leaves with status 7", errors.InstallerFailed),
    _failed("installer-killed", "installer that is killed", errors.InstallerKilled),
    _failed("installer-hangs", "installer that hangs past its limit", errors.InstallerTimeout),
    _failed("installer-prints-for-ever", "installer that never stops", errors.InstallerTimeout),
    _failed("target-read-only", "installer that remounts the root read-only", errors.FileFailed),
    _failed("boot-info-missing", "no boot-info.yaml but the image's own", errors.BootInfoMissing),
    _failed("boot-info-not-yaml", "boot-info.yaml that is not YAML", errors.BootInfoInvalid),
    _failed("kernel-missing", "kernel of boot-info.yaml that is not there", errors.BootFileMissing),
    _failed("kernel-invalid", "kernel of boot-info.yaml that is none", errors.KernelInvalid),
    _harmless("installer-leaves-process", "process that the installer left behind: it is killed"),
    _failed("unmount-busy", "target that somebody keeps busy", errors.UnmountBusy),
)
