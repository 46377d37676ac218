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
