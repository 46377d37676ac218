"""An installer for images that bring none: carried by the ramdisk, or given by hand."""

from pathlib import Path

from hammer.errors import InstallerUnusable

CARRIED_INSTALLER = Path("/usr/lib/hammer/installer")
"""Where `initramfs/build --installer FILE` puts it."""

OWN_PROGRAM = Path("/proc/self/exe")
HEAD_BYTES = 256  # of which the kernel reads the first line of a script (BINPRM_BUF_SIZE)


def check(installer: Path) -> None:
    """Refuse what the kernel would not start, as far as the file alone can tell.

    What else a program asks for is looked for in the image, where it runs.
    Raises InstallerUnusable.
    """
    try:
        if not installer.is_file():
            raise InstallerUnusable(path=str(installer), reason="is not a file")
        head = _head(installer)
    except OSError as failure:
        reason = failure.strerror or str(failure)
        raise InstallerUnusable(path=str(installer), reason=reason) from None
    if wrong := _wrong(head):
        raise InstallerUnusable(path=str(installer), reason=wrong)


def _wrong(head: bytes) -> str | None:
    if head.startswith(b"#!"):
        interpreter = head.splitlines()[0][2:].strip()
        return None if interpreter.startswith(b"/") else "names no interpreter after its #!"
    if not head.startswith(b"\x7fELF"):
        return "is neither an ELF program nor a script that begins with #!"
    if _architecture(head) != _architecture(_head(OWN_PROGRAM)):
        return "is a program for machines of another kind than this one"
    return None


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def _architecture(head: bytes) -> tuple[bytes, bytes]:
    """Class and byte order, and e_machine (elf(5))."""
    return head[4:6], head[18:20]
