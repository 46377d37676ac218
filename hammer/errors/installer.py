"""How an image fails once it is unpacked, and what cannot be packed."""

import signal as signals
from dataclasses import dataclass

from hammer.errors.base import ImageError


@dataclass(eq=False, kw_only=True)
class InstallerMissing(ImageError):
    """Neither the image nor the ramdisk brings an installer that can be run."""

    code = "no-installer"
    hint = "put an executable installer into the image, or one for all images into the ramdisk"

    in_image: tuple[str, ...]
    """Where images have theirs."""
    carried: str
    """Where the ramdisk has one for all others."""
    not_executable: str | None = None
    """The one of the image that is there, and cannot be run."""

    def __str__(self) -> str:
        if self.not_executable:
            return (
                f"no installer: {self.not_executable} of the image is not executable; only an "
                f"image without {' and '.join(self.in_image)} gets the one of the ramdisk "
                f"({self.carried}) or of --installer"
            )
        return (
            f"no installer: the image has no {' and no '.join(self.in_image)}, the ramdisk has "
            f"no {self.carried}, and none was given with --installer"
        )


@dataclass(eq=False, kw_only=True)
class InstallerFailed(ImageError):
    """The installer says that it failed."""

    code = "installer-failed"
    hint = "its output above says why; hammer.on_failure=shell keeps the machine for a look"

    installer: str
    status: int

    def __str__(self) -> str:
        return f"{self.installer} left with status {self.status}"


@dataclass(eq=False, kw_only=True)
class InstallerKilled(ImageError):
    """The installer did not end by itself."""

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
    """The installer hung and was ended."""

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


@dataclass(eq=False, kw_only=True)
class SystemNeverUp(ImageError):
    """Installed systems were started one after the other, and none said that it is up."""

    code = "system-never-up"
    hint = "watch the console while it boots; an image that is up must remove the machine's record"

    told: str
    attempts: int

    def __str__(self) -> str:
        return f"{self.told}; {self.attempts} attempts in a row came to nothing"
