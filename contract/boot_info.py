"""boot-info.yaml: what the installer of an image tells the agent to boot."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from contract.document import Document, rule
from contract.fields import Either, ImagePath, Source, Text, Unit

# Linux, arch/x86/include/uapi and arch/arm64/include/uapi asm/setup.h: COMMAND_LINE_SIZE,
# which counts the zero byte at the end.
MAX_CMDLINE_BYTES = 2047


def _command_line(text: str) -> str:
    if len(text.encode()) > MAX_CMDLINE_BYTES:
        raise rule(f"must not be longer than {MAX_CMDLINE_BYTES} bytes, the kernel cuts it there")
    if any(character in text for character in "\n\r\0"):
        raise rule("must be one line")
    return text


CommandLine = Annotated[
    str,
    AfterValidator(_command_line),
    Field(json_schema_extra={"pattern": r"^[^\n\r\u0000]*$", "maxLength": MAX_CMDLINE_BYTES}),
    Unit("kernel command line"),
    Source("Linux, asm/setup.h: COMMAND_LINE_SIZE"),
]


class BootInfo(Document):
    """/etc/metal/boot-info.yaml in the image, written by the installer.

    Keys follow metal-hammer (Bootinfo); the agent reads it after install.sh
    has ended and loads the kernel that it names.
    """

    source: ClassVar[str] = "metal-hammer v0.13.16: Bootinfo"

    initrd: Annotated[ImagePath | None, Either("", None)] = None
    """Initial ramdisk by its absolute path in the image; empty or null for none."""

    cmdline: CommandLine
    """Command line of the kernel, one line of at most 2047 bytes."""

    kernel: ImagePath
    """Kernel (bzImage) by its absolute path in the image."""

    bootloader_id: Annotated[Text, Unit("name of a boot entry")] = ""
    """Name of the firmware's boot entry: metal-debian, metal-ubuntu, almalinux."""
