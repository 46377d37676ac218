"""What is wrong on the command line."""

from dataclasses import dataclass

from hammer.errors.base import UsageError


@dataclass(eq=False, kw_only=True)
class CmdlineInvalid(UsageError):
    """A `hammer.*` word of the kernel command line that nobody knows, or with a wrong value."""

    code = "cmdline-invalid"
    hint = "correct the kernel command line; docs/operator.md lists every hammer.* word"

    word: str
    reason: str

    def __str__(self) -> str:
        return f"kernel command line: {self.word}: {self.reason}"


@dataclass(eq=False, kw_only=True)
class InstallerUnusable(UsageError):
    """The installer that was given, or that the ramdisk carries, is no program that could run."""

    code = "installer-unusable"
    hint = "give a statically linked program for this kind of machine, or a script with #!"

    path: str
    reason: str

    def __str__(self) -> str:
        return f"installer {self.path} {self.reason}"


@dataclass(eq=False, kw_only=True)
class RuleUnknown(UsageError):
    """A rule of `hammer image check` that there is not."""

    code = "rule-unknown"
    hint = "`hammer image check --list-rules` shows every rule"

    rule: str
    nearest: str | None

    def __str__(self) -> str:
        instead = f", did you mean {self.nearest}?" if self.nearest else ""
        return f"--skip {self.rule}: no such rule{instead}"


@dataclass(eq=False, kw_only=True)
class ArgumentInvalid(UsageError):
    """An argument of a command that cannot be used as it is."""

    code = "argument-invalid"
    hint = "correct the argument; `--help` after the command lists them all"

    argument: str
    reason: str

    def __str__(self) -> str:
        return f"{self.argument}: {self.reason}"


@dataclass(eq=False, kw_only=True)
class JournalMissing(UsageError):
    """There is no installation on this machine that a command could look at or go on with."""

    code = "journal-missing"
    hint = "`hammer run` begins an installation, in the ramdisk; `hammer chroot` finds a system"

    reason: str

    def __str__(self) -> str:
        return f"no installation to go on with: {self.reason}"


@dataclass(eq=False, kw_only=True)
class NothingToRetry(UsageError):
    """The installation is complete."""

    code = "nothing-to-retry"
    hint = "`hammer boot` starts the installed system, `hammer retry STEP` does a step again"

    def __str__(self) -> str:
        return "the installation is complete"


@dataclass(eq=False, kw_only=True)
class NotInstalled(UsageError):
    """There is no complete installation that could be started."""

    code = "not-installed"
    hint = "`hammer continue` completes the installation and starts it"

    where: str

    def __str__(self) -> str:
        return f"there is nothing to start: the installation is {self.where}"


@dataclass(eq=False, kw_only=True)
class RetryUnsafe(UsageError):
    """A step that cannot be done now without a system that is not as specified."""

    code = "retry-unsafe"
    hint = "`hammer retry` without a step goes on where it is safe"

    step: str
    reason: str

    def __str__(self) -> str:
        return f"step {self.step} cannot be done now: {self.reason}"


@dataclass(eq=False, kw_only=True)
class SystemAmbiguous(UsageError):
    """Several systems are installed on this machine, and none was named."""

    code = "system-ambiguous"
    hint = "name its root filesystem with `--root DEVICE`"

    systems: tuple[str, ...]  # each a device, and what is installed there

    def __str__(self) -> str:
        return "\n".join(("several systems are installed here", *self.systems))
