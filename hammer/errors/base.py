"""The root of the tree, and one branch per kind of person who has to act."""

from typing import ClassVar

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


class Stop(HammerError):
    exit_status = 75  # EX_TEMPFAIL of sysexits.h: nothing is wrong, it can go on later
