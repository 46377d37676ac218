"""Every failure the agent expects, and what the operator is told about it.

    HammerError
    ├── UsageError                2   the command line is wrong
    │   └── CmdlineInvalid
    ├── SpecError                10   the machine document cannot be carried out here
    │   ├── DocumentMissing
    │   ├── DocumentInvalid
    │   ├── Unsupported
    │   ├── WrongMachine
    │   ├── MachineUnknown
    │   ├── DiskMissing
    │   ├── DiskTooSmall
    │   └── TargetFull
    ├── ImageError               20   the image is not what it must be
    │   ├── ImageUnreachable
    │   ├── ImageHttpStatus
    │   ├── DigestMissing
    │   ├── DigestMalformed
    │   ├── DigestMismatch
    │   ├── ImageInterrupted
    │   ├── ImageStalled
    │   ├── ImageTruncated
    │   ├── ImageNotLz4
    │   ├── ImageCorrupt
    │   ├── ImageNotTar
    │   ├── TarCorrupt
    │   ├── TarMemberOutside
    │   ├── TarMemberUnsupported
    │   ├── InstallerMissing
    │   ├── InstallerFailed
    │   ├── InstallerKilled
    │   ├── InstallerTimeout
    │   ├── BootInfoMissing
    │   ├── BootInfoInvalid
    │   ├── BootFileMissing
    │   ├── KernelInvalid
    │   └── TreeUnusable
    ├── HostError                30   this machine did not do what it was told
    │   ├── NotRamdisk
    │   ├── NotRoot
    │   ├── ProgramMissing
    │   ├── ProgramFailed
    │   ├── ProgramTimeout
    │   ├── DiskInUse
    │   ├── TargetInUse
    │   ├── NodeMissing
    │   ├── WipeFailed
    │   ├── MountFailed
    │   ├── UnmountBusy
    │   ├── FileFailed
    │   ├── UnpackDied
    │   ├── KexecRefused
    │   ├── NetworkDown
    │   └── Interrupted
    └── ControlError             40   who gives the orders cannot be reached
        ├── SpecUnreachable
        └── ControlUnsupported

`code` is what dashboards match on: never rename one, never use one twice.
`hint` says what a person should do next. The number is the exit status of the
program, one per branch: it says who has to act. Anything that is not a
HammerError is a bug in the agent (exit status 70, EX_SOFTWARE of sysexits.h).
"""

import signal as signals
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from hammer import redact

BUG_EXIT_STATUS = 70


class HammerError(Exception):
    code: ClassVar[str]
    hint: ClassVar[str]
    exit_status: ClassVar[int]


class UsageError(HammerError):
    exit_status = 2


class SpecError(HammerError):
    exit_status = 10


class ImageError(HammerError):
    exit_status = 20


class HostError(HammerError):
    exit_status = 30


class ControlError(HammerError):
    exit_status = 40


# --- the command line ---------------------------------------------------------------------


@dataclass(eq=False, kw_only=True)
class CmdlineInvalid(UsageError):
    """A `hammer.*` word of the kernel command line that nobody knows, or with a wrong value."""

    code = "cmdline-invalid"
    hint = "correct the kernel command line; docs/operator.md lists every hammer.* word"

    word: str
    reason: str

    def __str__(self) -> str:
        return f"kernel command line: {self.word}: {self.reason}"


# --- the machine document -----------------------------------------------------------------


@dataclass(eq=False, kw_only=True)
class DocumentMissing(SpecError):
    """The machine document is not where it should be."""

    code = "document-missing"
    hint = "name it with hammer.spec=URL or PATH, or build it into the ramdisk"

    where: str
    reason: str

    def __str__(self) -> str:
        return f"machine document {redact.url(self.where)}: {self.reason}"


@dataclass(eq=False, kw_only=True)
class DocumentInvalid(SpecError):
    """The machine document is not YAML, or breaks a rule; every problem is listed."""

    code = "document-invalid"
    hint = "correct the document; `contract check FILE` shows the same problems"

    where: str
    problems: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(f"{redact.url(self.where)}: {problem}" for problem in self.problems)


@dataclass(eq=False, kw_only=True)
class Unsupported(SpecError):
    """The machine document asks for something that this version cannot do."""

    code = "spec-unsupported"
    hint = "take a layout of plain partitions, or a version of the agent that knows the feature"

    features: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(f"not supported by this version: {name}" for name in self.features)


@dataclass(eq=False, kw_only=True)
class WrongMachine(SpecError):
    """The machine document names another machine than the one that read it."""

    code = "wrong-machine"
    hint = "give this machine its own document, or one without `id`"

    document_id: str
    machine_id: str

    def __str__(self) -> str:
        return f"the document is for machine {self.document_id}, this is {self.machine_id}"


@dataclass(eq=False, kw_only=True)
class MachineUnknown(SpecError):
    """Neither the document nor the firmware says which machine this is."""

    code = "machine-unknown"
    hint = "put `id:` with the machine's UUID into the machine document"

    def __str__(self) -> str:
        return "the document has no `id` and the firmware gives no system UUID"


@dataclass(eq=False, kw_only=True)
class DiskMissing(SpecError):
    """Disks of the layout that this machine does not have."""

    code = "disk-missing"
    hint = "correct the disks of the filesystem layout, or choose a machine that has them"

    disks: tuple[tuple[str, str], ...]  # path and reason
    present: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"{path} of the layout: {reason}" for path, reason in self.disks]
        return "\n".join([*lines, f"disks of this machine: {', '.join(self.present) or 'none'}"])


@dataclass(eq=False, kw_only=True)
class DiskTooSmall(SpecError):
    """Disks that cannot hold the partitions of the layout."""

    code = "disk-too-small"
    hint = "choose a larger machine size, or shrink a partition of the filesystem layout"

    disks: tuple[tuple[str, int, int], ...]  # path, MiB it holds, MiB the layout needs

    def __str__(self) -> str:
        return "\n".join(
            f"{path} holds {holds_mib} MiB, the layout needs {needs_mib} MiB"
            for path, holds_mib, needs_mib in self.disks
        )


@dataclass(eq=False, kw_only=True)
class TargetFull(SpecError):
    """A filesystem of the layout is too small for what the image puts there."""

    code = "target-full"
    hint = "make the filesystem larger in the layout, or the image smaller"

    path: str
    """As the installed system sees it."""

    def __str__(self) -> str:
        return f"no space left on the target while writing {self.path}"


# --- the image ----------------------------------------------------------------------------


@dataclass(eq=False, kw_only=True)
class ImageUnreachable(ImageError):
    """The server of the image does not answer, or the URL cannot work."""

    code = "image-unreachable"
    hint = "check the address, the name server, the route and the image server"

    url: str
    reason: str

    def __str__(self) -> str:
        return f"{redact.url(self.url)}: {self.reason}"


@dataclass(eq=False, kw_only=True)
class ImageHttpStatus(ImageError):
    """The server answers, but not with the image."""

    code = "image-http-status"
    hint = "publish the image under this URL, or correct the URL"

    url: str
    status: int

    def __str__(self) -> str:
        return f"{redact.url(self.url)}: the server answers with HTTP status {self.status}"


@dataclass(eq=False, kw_only=True)
class DigestMissing(ImageError):
    """There is no digest beside the image."""

    code = "digest-missing"
    hint = "publish the .md5 file beside the image (`hammer image pack` writes both)"

    url: str
    reason: str

    def __str__(self) -> str:
        return f"{redact.url(self.url)}: {self.reason}"


@dataclass(eq=False, kw_only=True)
class DigestMalformed(ImageError):
    """The digest file holds no digest of this image."""

    code = "digest-malformed"
    hint = "write it with `md5sum img.tar.lz4 > img.tar.lz4.md5`"

    url: str
    reason: str

    def __str__(self) -> str:
        return f"{redact.url(self.url)}: {self.reason}"


@dataclass(eq=False, kw_only=True)
class DigestMismatch(ImageError):
    """The bytes that arrived are not those that the digest was made of."""

    code = "digest-mismatch"
    hint = "publish image and digest together; a cache in between may hold an old half"

    url: str
    expected: str
    actual: str

    def __str__(self) -> str:
        return (
            f"{redact.url(self.url)}: "
            f"the digest file says md5 {self.expected}, received was {self.actual}"
        )


@dataclass(eq=False, kw_only=True)
class ImageInterrupted(ImageError):
    """The connection ended before the whole image had arrived."""

    code = "image-interrupted"
    hint = "check the image server and the network between, then install again"

    url: str
    received_bytes: int
    expected_bytes: int | None
    reason: str

    def __str__(self) -> str:
        total = "an unknown total" if self.expected_bytes is None else str(self.expected_bytes)
        return (
            f"{redact.url(self.url)}: ended after {self.received_bytes} of {total} bytes: "
            f"{self.reason}"
        )


@dataclass(eq=False, kw_only=True)
class ImageStalled(ImageError):
    """The connection is open and nothing comes."""

    code = "image-stalled"
    hint = "check the image server and the network between, then install again"

    url: str
    received_bytes: int
    limit_s: float

    def __str__(self) -> str:
        return (
            f"{redact.url(self.url)}: nothing for {self.limit_s:g} s "
            f"after {self.received_bytes} bytes"
        )


@dataclass(eq=False, kw_only=True)
class ImageTruncated(ImageError):
    """All bytes arrived, but the lz4 frame does not end."""

    code = "image-truncated"
    hint = "the image was cut before its digest was made: pack and publish it again"

    url: str

    def __str__(self) -> str:
        return f"{redact.url(self.url)}: ends in the middle of an lz4 frame"


@dataclass(eq=False, kw_only=True)
class ImageNotLz4(ImageError):
    """The image is something else than an lz4 frame."""

    code = "image-not-lz4"
    hint = "compress the tar archive with `lz4 -9`, or pack it with `hammer image pack`"

    url: str
    begins_with: bytes

    def __str__(self) -> str:
        found = self.begins_with.hex() or "no byte at all"
        return f"{redact.url(self.url)}: begins with {found}, an lz4 frame begins with 04224d18"


@dataclass(eq=False, kw_only=True)
class ImageCorrupt(ImageError):
    """The lz4 frame contradicts itself: a bad block or a wrong checksum."""

    code = "image-corrupt"
    hint = "the image was damaged before its digest was made: pack and publish it again"

    url: str
    reason: str

    def __str__(self) -> str:
        return f"{redact.url(self.url)}: {self.reason}"


@dataclass(eq=False, kw_only=True)
class ImageNotTar(ImageError):
    """What the lz4 frame holds is not a tar archive."""

    code = "image-not-tar"
    hint = "compress a tar archive of the root filesystem (`hammer image pack` does)"

    url: str

    def __str__(self) -> str:
        return f"{redact.url(self.url)}: the first 512 bytes inside are not a tar header"


@dataclass(eq=False, kw_only=True)
class TarCorrupt(ImageError):
    """The tar archive begins well and then goes wrong."""

    code = "tar-corrupt"
    hint = "make the tar archive again; `tar -t` finds the same place"

    url: str
    reason: str
    offset: int

    def __str__(self) -> str:
        return f"{redact.url(self.url)}: at byte {self.offset} of the archive: {self.reason}"


@dataclass(eq=False, kw_only=True)
class TarMemberOutside(ImageError):
    """A member that would be written outside of the target."""

    code = "tar-member-outside"
    hint = "remove the member from the archive; no image needs one"

    url: str
    member: str
    reason: str

    def __str__(self) -> str:
        return f"{redact.url(self.url)}: member {self.member}: {self.reason}"


@dataclass(eq=False, kw_only=True)
class TarMemberUnsupported(ImageError):
    """A member of a kind that this version does not restore."""

    code = "tar-member-unsupported"
    hint = "pack the image with `hammer image pack`, which writes what the agent reads"

    url: str
    member: str
    reason: str

    def __str__(self) -> str:
        return f"{redact.url(self.url)}: member {self.member}: {self.reason}"


# --- what the image does ------------------------------------------------------------------


@dataclass(eq=False, kw_only=True)
class InstallerMissing(ImageError):
    """The image brings no installer."""

    code = "no-installer"
    hint = "put an executable installer into the image at one of these paths"

    looked_for: tuple[str, ...]
    reason: str

    def __str__(self) -> str:
        return f"no installer in the image: {' and '.join(self.looked_for)} {self.reason}"


@dataclass(eq=False, kw_only=True)
class InstallerFailed(ImageError):
    """The image's installer says that it failed."""

    code = "installer-failed"
    hint = "its output above says why; hammer.on_failure=shell keeps the machine for a look"

    installer: str
    status: int

    def __str__(self) -> str:
        return f"{self.installer} left with status {self.status}"


@dataclass(eq=False, kw_only=True)
class InstallerKilled(ImageError):
    """The image's installer did not end by itself."""

    code = "installer-killed"
    hint = "look for a crash or for lack of memory in the lines above"

    installer: str
    signal: int

    def __str__(self) -> str:
        try:
            name = signals.Signals(self.signal).name
        except ValueError:
            name = "unnamed"
        return f"{self.installer} was killed by signal {self.signal} ({name})"


@dataclass(eq=False, kw_only=True)
class InstallerTimeout(ImageError):
    """The image's installer hung and was ended."""

    code = "installer-timeout"
    hint = "its last line above shows where it hung; an installer must not ask or wait"

    installer: str
    limit_s: float

    def __str__(self) -> str:
        return f"{self.installer} did not end within {self.limit_s:g} s and was killed"


@dataclass(eq=False, kw_only=True)
class BootInfoMissing(ImageError):
    """The installer ended well but left no word on what to boot."""

    code = "boot-info-missing"
    hint = "the installer must write /etc/metal/boot-info.yaml"

    path: str

    def __str__(self) -> str:
        return f"the installer wrote no {self.path}"


@dataclass(eq=False, kw_only=True)
class BootInfoInvalid(ImageError):
    """boot-info.yaml is not YAML, or breaks a rule; every problem is listed."""

    code = "boot-info-invalid"
    hint = "correct what the installer writes; `contract check` shows the same problems"

    path: str
    problems: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(f"{self.path}: {problem}" for problem in self.problems)


@dataclass(eq=False, kw_only=True)
class BootFileMissing(ImageError):
    """boot-info.yaml names a kernel or an initrd that is not there."""

    code = "boot-file-missing"
    hint = "boot-info.yaml must name files by their absolute path in the image"

    key: str
    path: str
    reason: str

    def __str__(self) -> str:
        return f"boot-info.yaml: {self.key}: {self.path} {self.reason}"


@dataclass(eq=False, kw_only=True)
class KernelInvalid(ImageError):
    """The file that boot-info.yaml names is not a kernel that kexec can start."""

    code = "kernel-invalid"
    hint = "boot-info.yaml must name the bzImage (vmlinuz), not an ELF, a module or an archive"

    path: str
    reason: str

    def __str__(self) -> str:
        return f"boot-info.yaml: kernel: {self.path} {self.reason}"


@dataclass(eq=False, kw_only=True)
class TreeUnusable(ImageError):
    """What should be packed is not a root filesystem, or cannot be packed to there."""

    code = "tree-unusable"
    hint = "give the directory or the tar archive of a whole root filesystem"

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


# --- this machine -------------------------------------------------------------------------


@dataclass(eq=False, kw_only=True)
class NotRamdisk(HostError):
    """`hammer run` takes the whole machine over, and this one has a system of its own."""

    code = "not-ramdisk"
    hint = "install from a running system with `hammer install`"

    def __str__(self) -> str:
        return "`hammer run` is for a ramdisk, the root of this system is on a disk"


@dataclass(eq=False, kw_only=True)
class NotRoot(HostError):
    """Installing needs root."""

    code = "not-root"
    hint = "run it as root"

    uid: int

    def __str__(self) -> str:
        return f"installing needs root, this is uid {self.uid}"


@dataclass(eq=False, kw_only=True)
class ProgramMissing(HostError):
    """Programs that the agent starts are not on PATH."""

    code = "program-missing"
    hint = "install them, or build the ramdisk again: its build checks for them"

    programs: tuple[str, ...]

    def __str__(self) -> str:
        return f"not on PATH: {', '.join(self.programs)}"


@dataclass(eq=False, kw_only=True)
class ProgramFailed(HostError):
    """A program left with another status than 0."""

    code = "program-failed"
    hint = "repeat the command as printed, in the shell of hammer.on_failure=shell"

    command: str
    status: int
    stderr: str

    def __str__(self) -> str:
        how = (
            f"was killed by signal {-self.status}"
            if self.status < 0
            else f"left with status {self.status}"
        )
        said = [line.strip() for line in self.stderr.splitlines() if line.strip()]
        return f"`{self.command}` {how}: {said[-1] if said else '(no message)'}"


@dataclass(eq=False, kw_only=True)
class ProgramTimeout(HostError):
    """A program did not end within its limit and was killed."""

    code = "program-timeout"
    hint = "look for a failing disk in the kernel's messages (dmesg)"

    command: str
    limit_s: float

    def __str__(self) -> str:
        return f"`{self.command}` did not end within {self.limit_s:g} s and was killed"


@dataclass(eq=False, kw_only=True)
class DiskInUse(HostError):
    """A disk of the layout is in use on this machine."""

    code = "disk-in-use"
    hint = "unmount, swapoff or stop what is listed, or take the disk out of the layout"

    uses: tuple[tuple[str, str], ...]  # device, and by what it is used

    def __str__(self) -> str:
        return "\n".join(f"{device} is in use: {use}" for device, use in self.uses)


@dataclass(eq=False, kw_only=True)
class TargetInUse(HostError):
    """The directory that the target is to be mounted on is not free."""

    code = "target-in-use"
    hint = "unmount and empty the directory, or name another one with --target"

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(eq=False, kw_only=True)
class NodeMissing(HostError):
    """A partition was made, and its device node did not appear as it should."""

    code = "node-missing"
    hint = "look at dmesg; another program may hold the disk open"

    node: str
    reason: str
    limit_s: float

    def __str__(self) -> str:
        return f"{self.node}: {self.reason} after {self.limit_s:g} s"


@dataclass(eq=False, kw_only=True)
class WipeFailed(HostError):
    """A disk was cleared, and reading it back shows that it is not clear."""

    code = "wipe-failed"
    hint = "look at dmesg for I/O errors and replace the disk"

    disk: str
    reason: str

    def __str__(self) -> str:
        return f"{self.disk}: {self.reason}"


@dataclass(eq=False, kw_only=True)
class MountFailed(HostError):
    """A filesystem could not be mounted."""

    code = "mount-failed"
    hint = "look at dmesg for what the kernel says about the filesystem"

    source: str
    where: Path
    reason: str

    def __str__(self) -> str:
        return f"cannot mount {self.source} on {self.where}: {self.reason}"


@dataclass(eq=False, kw_only=True)
class UnmountBusy(HostError):
    """A filesystem stays in use; what was written may not be on the disk."""

    code = "unmount-busy"
    hint = "end the processes that are named, then install again"

    where: str
    culprits: tuple[str, ...]

    def __str__(self) -> str:
        return f"cannot unmount {self.where}: in use by {', '.join(self.culprits) or 'unknown'}"


@dataclass(eq=False, kw_only=True)
class FileFailed(HostError):
    """A file could not be read or written."""

    code = "file-failed"
    hint = "look at dmesg for I/O errors of the disk below"

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(eq=False, kw_only=True)
class UnpackDied(HostError):
    """The process that unpacks the image ended without a word."""

    code = "unpack-died"
    hint = "look at dmesg: the kernel may have run out of memory"

    how: str

    def __str__(self) -> str:
        return f"the process that unpacks the image {self.how}"


@dataclass(eq=False, kw_only=True)
class KexecRefused(HostError):
    """The running kernel does not take the new one."""

    code = "kexec-refused"
    hint = "check Secure Boot and kernel lockdown, and that the ramdisk's kernel has kexec"

    kernel: str
    reason: str

    def __str__(self) -> str:
        return f"kexec of {self.kernel}: {self.reason}"


@dataclass(eq=False, kw_only=True)
class NetworkDown(HostError):
    """The network could not be brought up."""

    code = "network-down"
    hint = "check cable and switch port, the DHCP server, or `ip=` on the kernel command line"

    reason: str

    def __str__(self) -> str:
        return f"no network: {self.reason}"


@dataclass(eq=False, kw_only=True)
class Interrupted(HostError):
    """A person or a supervisor stopped the installation."""

    code = "interrupted"
    hint = "install again when you are ready"

    def __str__(self) -> str:
        return "stopped by a signal"


# --- who gives the orders -----------------------------------------------------------------


@dataclass(eq=False, kw_only=True)
class SpecUnreachable(ControlError):
    """The server of the machine document does not answer as it should."""

    code = "spec-unreachable"
    hint = "check hammer.spec= and the server behind it"

    url: str
    reason: str

    def __str__(self) -> str:
        return f"machine document {redact.url(self.url)}: {self.reason}"


@dataclass(eq=False, kw_only=True)
class ControlUnsupported(ControlError):
    """The command line names a control plane that this version cannot speak to."""

    code = "control-unsupported"
    hint = "give the machine document with hammer.spec=URL or PATH"

    name: str

    def __str__(self) -> str:
        return f"{self.name} is not supported by this version"
