"""How the kernel starts a program of the image: what the first bytes say, and what it needs."""

from struct import Struct, error

from hammer.image.check.tree import Entry, Tree
from hammer.stream.member import printable

ELF_MAGIC = b"\x7fELF"
X86_64 = 62  # EM_X86_64, elf(5)
HEAD_BYTES = 4096
"""What is read of each program: ld puts the loader's name near the start, Go at the end of this."""
_CLASS_64 = 2
_MACHINE = Struct("<H")  # at 18, elf(5); the programs here are little endian
_MACHINE_END = 20
_PT_INTERP = 3
_PROGRAM_HEADERS = Struct("<32xQ14xHH")  # of a 64-bit ELF header: offset, entry size, count
_PROGRAM_HEADER = Struct("<I4xQ16xQ16x")  # type, offset, size in the file
_LINE_BYTES = 255  # of a first line the kernel reads no more (BINPRM_BUF_SIZE less a NUL)


def machine_of(head: bytes) -> int:
    """e_machine of an ELF file (elf(5)), 0 of anything else."""
    if len(head) < _MACHINE_END or not head.startswith(ELF_MAGIC):
        return 0
    machine: int = _MACHINE.unpack_from(head, 18)[0]
    return machine


def starter_of(head: bytes) -> bytes | None:
    """The program by which the kernel starts this one: a loader, or that of a first line.

    Empty if there is none, None if these bytes do not tell.
    """
    if machine_of(head) != X86_64 or head[4] != _CLASS_64:
        return next(iter(shebang(head)), b"")
    try:
        return elf_interpreter(head) or b""
    except ValueError:
        return None


def elf_interpreter(content: bytes) -> bytes | None:
    """What PT_INTERP of a 64-bit program names; None if it is static. Raises ValueError."""
    try:
        offset, entry_bytes, count = _PROGRAM_HEADERS.unpack_from(content)
        if entry_bytes != _PROGRAM_HEADER.size:  # the kernel takes no other, either
            raise ValueError("its ELF headers are damaged")
        for number in range(count):
            at = offset + number * entry_bytes
            kind, start, length = _PROGRAM_HEADER.unpack_from(content, at)
            if kind == _PT_INTERP:
                name = content[start : start + length]
                if len(name) != length:
                    break
                return name.rstrip(b"\0")
        else:
            return None
    except error:
        pass
    raise ValueError("its ELF headers are damaged")


def shebang(content: bytes) -> list[bytes]:
    """Interpreter and its argument of the first line, as the kernel cuts them; or nothing.

    Linux, fs/binfmt_script.c: blanks and tabs separate, everything else belongs to the name.
    A line may end with the file, and of a longer one the argument is cut.
    """
    if not content.startswith(b"#!"):
        return []
    line, line_feed, _ = content[2:_LINE_BYTES].replace(b"\t", b" ").partition(b"\n")
    line = line.lstrip(b" ")
    ends = line_feed or len(content) < _LINE_BYTES or b" " in line or b"\0" in line
    if not ends:
        return []  # nobody knows how the name goes on
    name, _, argument = line.partition(b"\0")[0].partition(b" ")
    return [word for word in (name, argument.strip(b" ")) if word]


def problem(entry: Entry | None) -> str:
    """Why the kernel starts no other program by this one; empty if it does."""
    if entry is None:
        return "the image has no such file"
    if not entry.mode & 0o111:
        return f"it is not executable there (mode {entry.mode:04o})"
    if not entry.size:
        return "it is empty there"
    reason = machine_problem(entry)
    return f"it {reason}" if reason else ""


def machine_problem(entry: Entry) -> str:
    if entry.machine in (0, X86_64):
        return ""
    return f"is for machine {entry.machine} (elf(5)), not {X86_64} (x86-64)"


def starter_problem(tree: Tree, entry: Entry) -> str:
    """Why the kernel cannot start it by the program that it names; empty if it can."""
    reason = problem(tree.file(entry.starter)) if entry.starter else ""
    return f"is started by {printable(entry.starter or b'')}: {reason}" if reason else ""
