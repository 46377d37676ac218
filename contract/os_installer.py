"""os-installer.yaml: how an image changes what os-installer does."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from contract.document import ClosedDocument
from contract.fields import Either, ImagePath, Listed, OptionalText, Unit

# In the order in which they run; "booatloader" is the real name.
Task = Literal[
    "persist configuration data from metal-hammer",
    "check if running in efi mode",
    "remove .dockerenv if running in virtual environment",
    "write hostname",
    "write /etc/hosts",
    "write /etc/resolv.conf",
    "write ntp configuration",
    "create metal user",
    "configure network",
    "authorized ssh keys",
    "fix wrong filesystem permissions",
    "process userdata",
    "build kernel cmdline",
    "write /etc/metal/boot-info.yaml",
    "write booatloader config",
    "unset machine id",
    "deploy systemd services",
    "write /etc/metal/build-meta.yaml",
    "execute custom executable",
]

_SOURCE = "os-installer, api/v1/api.go: Config"


class CustomScript(ClosedDocument):
    """A program of the image that os-installer runs last."""

    source: ClassVar[str] = _SOURCE

    executable_path: Annotated[ImagePath, Unit("path in the image")]
    """The program, by its absolute path in the image."""

    workdir: Annotated[OptionalText, Unit("path in the image")] = None
    """Directory it runs in; without one it is that of os-installer."""


class Overwrites(ClosedDocument):
    """What os-installer is to take instead of what it finds out."""

    source: ClassVar[str] = _SOURCE

    bootloader_id: Annotated[OptionalText, Unit("name of a boot entry")] = None
    """Name of the firmware's boot entry; required for a distribution that it does not know."""


class OsInstaller(ClosedDocument):
    """/etc/metal/os-installer.yaml, brought by the image and optional; the agent does not read it.

    People write it, so a key or a task that os-installer v0.3 does not know is refused.
    """

    source: ClassVar[str] = _SOURCE

    os_name: Annotated[OptionalText, Unit("ID of os-release(5)")] = None
    """Distribution to treat the image as; without it ID of /etc/os-release decides."""

    only: Listed[Task] = ()
    """Tasks to run, and no others; empty for all."""

    except_: Annotated[Listed[Task], Field(alias="except")] = ()
    """Tasks to leave out."""

    custom_script: CustomScript | None = None
    """A program to run last."""

    overwrites: Annotated[Overwrites, Either(None, Overwrites())] = Overwrites()
    """What is not to be found out."""
