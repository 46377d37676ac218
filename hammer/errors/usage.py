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
