"""Rules of the installer: there, a program that this image can start, and without syntax errors."""

from collections.abc import Iterator, Sequence
from struct import Struct, error
from typing import Protocol

from hammer.errors import ProgramFailed, ProgramMissing, ProgramTimeout
from hammer.host.programs import AuthorProgram
from hammer.image.check import rules
from hammer.image.check.reader import ELF_MAGIC, INSTALLERS, Facts
from hammer.image.check.rules import Finding, Outcome, Unchecked
from hammer.image.check.tree import Entry, Tree
from hammer.stream.tar import printable

X86_64 = 62  # EM_X86_64, elf(5)
_PT_INTERP = 3
_PROGRAM_HEADERS = Struct("<32xQ14xHH")  # of a 64-bit ELF header: offset, entry size, count
_PROGRAM_HEADER = Struct("<I4xQ16xQ")  # type, offset, size in the file

# Which shell can parse a script for which interpreter: dash knows less than bash does,
# so that bash reads what is for bash only.
_PARSERS = {
    b"sh": AuthorProgram.SH,
    b"dash": AuthorProgram.SH,
    b"bash": AuthorProgram.BASH,
}
_PARSE_LIMIT_S = 20.0


class Parsers(Protocol):
    """`hammer.host.programs.HostPrograms`, as far as it is used here."""

    def run(
        self, program: AuthorProgram, *args: str, stdin: str = "", timeout_s: float = 60
    ) -> str: ...


def findings(facts: Facts, parsers: Parsers) -> Iterator[Outcome]:
    tree = facts.tree
    files = {f"/{path}": entry for path in INSTALLERS if (entry := tree.file(path)) is not None}
    if not files:
        names = " and no ".join(f"/{path}" for path in INSTALLERS)
        yield Finding(rules.INSTALLER_MISSING, f"there is no {names}")
        return
    path, entry = next(iter(files.items()))
    if len(files) > 1:
        yield Finding(rules.INSTALLERS_TWO, f"there are {' and '.join(files)}")
    if not entry.mode & 0o111:
        text = f"{path} has mode {entry.mode:04o}"
        yield Finding(rules.INSTALLER_NOT_EXECUTABLE, text)
    if entry.content is None:
        reason = f"the content of {path} is not kept; is it a link?"
        yield Unchecked(rules.INSTALLER_INTERPRETER, reason)
        yield Unchecked(rules.INSTALLER_SYNTAX, reason)
    elif entry.content.startswith(ELF_MAGIC):
        yield from _elf(tree, path, entry)
    else:
        yield from _script(tree, path, entry.content, size=entry.size, parsers=parsers)


def _elf(tree: Tree, path: str, entry: Entry) -> Iterator[Outcome]:
    if entry.machine != X86_64:
        text = f"{path} is a program for machine {entry.machine} (elf(5)), not {X86_64} (x86-64)"
        yield Finding(rules.INSTALLER_INTERPRETER, text)
        return
    try:
        interpreter = elf_interpreter(entry.content or b"")
    except ValueError as problem:
        yield Finding(rules.INSTALLER_INTERPRETER, f"{path}: {problem}")
        return
    if interpreter:
        yield from _interpreter(tree, path, interpreter)


def elf_interpreter(content: bytes) -> bytes | None:
    """What PT_INTERP of a 64-bit program names; None if it is static. Raises ValueError."""
    try:
        offset, entry_bytes, count = _PROGRAM_HEADERS.unpack_from(content)
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


def _script(
    tree: Tree, path: str, content: bytes, *, size: int, parsers: Parsers
) -> Iterator[Outcome]:
    words = shebang(content)
    if not words:
        begins = printable(content[:16]) if content else "it is empty"
        text = f"{path} begins with neither `#!` and a program nor an ELF header: {begins}"
        yield Finding(rules.INSTALLER_INTERPRETER, text)
        return
    broken = list(_interpreter(tree, path, words[0]))
    yield from broken
    if broken:
        return
    name = _shell(words)
    parser = _PARSERS.get(name)
    if parser is None:
        reason = f"{path} is for {printable(name)}, and only sh, dash and bash scripts are parsed"
        yield Unchecked(rules.INSTALLER_SYNTAX, reason)
    elif size > len(content):
        reason = f"{path} is larger than the {len(content)} bytes that are kept of it"
        yield Unchecked(rules.INSTALLER_SYNTAX, reason)
    else:
        yield from _syntax(path, content, parser, parsers=parsers)


def shebang(content: bytes) -> list[bytes]:
    """Interpreter and its argument of the first line, as the kernel cuts them; or nothing.

    Linux, fs/binfmt_script.c: blanks and tabs separate, everything else belongs to the name.
    """
    line, line_feed, _ = content[:256].partition(b"\n")
    if not line.startswith(b"#!") or not line_feed:
        return []
    name, _, argument = line[2:].strip(b" \t").replace(b"\t", b" ").partition(b" ")
    return [word for word in (name, argument.strip(b" ")) if word]


def _shell(words: Sequence[bytes]) -> bytes:
    name = words[0].rpartition(b"/")[2]
    if name == b"env" and len(words) > 1:
        rest = [word for word in words[1].split(b" ") if word != b"-S"]
        name = rest[0].rpartition(b"/")[2] if rest else name
    return name


def _interpreter(tree: Tree, path: str, interpreter: bytes) -> Iterator[Outcome]:
    name = printable(interpreter)
    entry = tree.file(interpreter)
    problem = ""
    if interpreter.endswith(b"\r"):
        problem = "the first line ends in CR LF, and the kernel takes the CR as part of the name"
    elif not interpreter.startswith(b"/"):
        problem = "the interpreter is not named by an absolute path"
    elif entry is None:
        problem = "the image has no such file"
    elif not entry.mode & 0o111:
        problem = f"it is not executable there (mode {entry.mode:04o})"
    if problem:
        yield Finding(rules.INSTALLER_INTERPRETER, f"{path} is started by {name}: {problem}")


def _syntax(
    path: str, content: bytes, parser: AuthorProgram, *, parsers: Parsers
) -> Iterator[Outcome]:
    """Let a shell of this host parse the script; `-n` (POSIX, set) executes nothing of it."""
    try:
        # Not by a name: the script stays where it is, and nothing is written.
        parsers.run(parser, "-n", stdin=content.decode(errors="replace"), timeout_s=_PARSE_LIMIT_S)
    except ProgramMissing:
        yield Unchecked(rules.INSTALLER_SYNTAX, f"{path} is for {parser}, which this host lacks")
    except ProgramTimeout as failure:
        yield Unchecked(rules.INSTALLER_SYNTAX, str(failure))
    except ProgramFailed as failure:
        said = failure.stderr.strip().splitlines() or [f"status {failure.status}"]
        yield Finding(rules.INSTALLER_SYNTAX, f"{path}: {said[0]}")
