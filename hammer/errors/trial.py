"""How a trial of an image in a virtual machine ends, besides what the agent says of it."""

from dataclasses import dataclass

from hammer.errors.base import HostError, ImageError, SpecError


@dataclass(eq=False, kw_only=True)
class TrialDiskUnknown(SpecError):
    """A layout names a disk that a virtual machine does not have under this name."""

    code = "trial-disk-unknown"
    hint = "name the disks /dev/vda, /dev/sda or /dev/nvme0n1 and on, or try without --machine"

    disks: tuple[str, ...]

    def __str__(self) -> str:
        known = "/dev/vda to vdz, /dev/sda to sdz, /dev/nvme0n1 to nvme9n1"
        return f"a virtual machine has no disk {', '.join(self.disks)}: there are {known}"


@dataclass(eq=False, kw_only=True)
class ImageKernelPanicked(ImageError):
    """The installed kernel was started by kexec and gave up."""

    code = "image-kernel-panicked"
    hint = "look at the lines before the panic: often root=, init= or the initrd is wrong"

    panic: str

    def __str__(self) -> str:
        return f"the kernel of the image panicked after kexec: {self.panic}"


@dataclass(eq=False, kw_only=True)
class ImageNeverUp(ImageError):
    """The installed system was started and did not say in time that it is up."""

    code = "image-never-up"
    hint = "see where it hangs with --console; name another sign of life with --marker"

    awaited: str
    limit_s: float
    kernel_started: bool
    """Whether the installed kernel printed its version."""
    last: str
    """The last line of the console, empty if there was none after kexec."""

    def __str__(self) -> str:
        waited = f"no {self.awaited} on the console within {self.limit_s:g} s after kexec"
        if self.last:
            return f"{waited}; the last line was: {self.last}"
        if self.kernel_started:
            return f"{waited}; the kernel started and said no more"
        return f"{waited}, and not a line of its kernel: does its command line lack console=ttyS0?"


@dataclass(eq=False, kw_only=True)
class ImageWentOff(ImageError):
    """The installed system powered off or restarted before it said that it is up."""

    code = "image-went-off"
    hint = "look at the last lines: a system that restarts in its first boot never comes up here"

    awaited: str
    after_s: float

    def __str__(self) -> str:
        return (
            f"the system powered off or restarted {self.after_s:.0f} s after kexec, "
            f"and before {self.awaited} on the console"
        )


@dataclass(eq=False, kw_only=True)
class RamdiskMissing(HostError):
    """There is no ramdisk to try an image with."""

    code = "ramdisk-missing"
    hint = "build it with `make ramdisk`, or name its folder with --ramdisk"

    files: tuple[str, ...]

    def __str__(self) -> str:
        return f"the ramdisk is not there: no {' and no '.join(self.files)}"


@dataclass(eq=False, kw_only=True)
class FirmwareMissing(HostError):
    """There is no UEFI firmware for a virtual machine."""

    code = "firmware-missing"
    hint = "install the package ovmf, or try without --uefi"

    path: str

    def __str__(self) -> str:
        return f"no UEFI firmware for the virtual machine: {self.path} is not there"


@dataclass(eq=False, kw_only=True)
class GuestLost(HostError):
    """The virtual machine ended before anything could be said of the image."""

    code = "guest-lost"
    hint = "try again; with --accel kvm, try --accel tcg; look at memory and disk of this host"

    reason: str

    def __str__(self) -> str:
        return f"the virtual machine is lost: {self.reason}"


@dataclass(eq=False, kw_only=True)
class TrialTooSlow(HostError):
    """The installation in the virtual machine neither ended nor failed in time."""

    code = "trial-too-slow"
    hint = "allow more time with --install-limit-s, or use a faster host or --accel kvm"

    waited_for: str
    limit_s: float

    def __str__(self) -> str:
        return f"not installed within {self.limit_s:g} s, waiting for {self.waited_for}"
