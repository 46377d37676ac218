"""The names of the ten steps: a public contract of console, events and `hammer.break=`."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    """In the order of the sequence. Never rename one: dashboards and people match on them."""

    CHECK = "check"
    WIPE = "wipe"
    PARTITION = "partition"
    FORMAT = "format"
    MOUNT = "mount"
    IMAGE = "image"
    CONTRACT = "contract"
    INSTALL = "install"
    KERNEL = "kernel"
    UNMOUNT = "unmount"

    @property
    def number(self) -> int:
        """Counted from 1."""
        return list(Step).index(self) + 1

    def and_later(self) -> Iterator["Step"]:
        """This step and all that follow it."""
        return iter(list(Step)[self.number - 1 :])


@dataclass(frozen=True)
class Break:
    """A place to stop at: `STEP` before it, `STEP:after` when it is done."""

    step: Step
    after: bool = False

    def __str__(self) -> str:
        return f"{self.step}:after" if self.after else str(self.step)

    @property
    def follows(self) -> int:
        """The number of the step that is done there; 0 before the first one."""
        return self.step.number if self.after else self.step.number - 1
