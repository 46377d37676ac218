"""Rules of the installer: there, a program that this image can start, and without syntax errors."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from hammer.errors import ProgramFailed, ProgramMissing, ProgramTimeout
from hammer.host.programs import AuthorProgram
from hammer.image.check import programs, rules
from hammer.image.check.programs import ELF_MAGIC, X86_64, elf_interpreter, shebang
from hammer.image.check.reader import INSTALLERS, Facts
from hammer.image.check.rules import Finding, Outcome, Unchecked
from hammer.image.check.tree import Entry, Tree
from hammer.stream.member import printable

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
        yield from _without_content(tree, path, entry)
    elif entry.content.startswith(ELF_MAGIC):
        yield from _elf(tree, path, entry)
    else:
        yield from _script(tree, path, entry.content, size=entry.size, parsers=parsers)


def _without_content(tree: Tree, path: str, entry: Entry) -> Iterator[Outcome]:
    """Of a link's target nobody knew in time what it is; how it starts is known of each program."""
    reason = f"the content of {path} is not kept; is it a link?"
    if problem := programs.machine_problem(entry):
        yield Finding(rules.INSTALLER_INTERPRETER, f"{path} {problem}")
    elif entry.starter:
        yield from _interpreter(tree, path, entry.starter)
    elif not entry.machine:
        yield Unchecked(rules.INSTALLER_INTERPRETER, reason)
    if not entry.machine:
        yield Unchecked(rules.INSTALLER_SYNTAX, reason)


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


def _script(
    tree: Tree, path: str, content: bytes, *, size: int, parsers: Parsers
) -> Iterator[Outcome]:
    words = shebang(content)
    if not words:
        begins = printable(content[:16]) if content else "it is empty"
        text = f"{path} begins with neither `#!` and a program nor an ELF header: {begins}"
        yield Finding(rules.INSTALLER_INTERPRETER, text)
        return
    broken = [*_interpreter(tree, path, words[0]), *_argument(tree, path, words)]
    yield from broken[:1]
    if broken:
        return
    name = _shell(tree, _program(words))
    parser = _PARSERS.get(name)
    if parser is None:
        reason = f"{path} is for {printable(name)}, and only sh, dash and bash scripts are parsed"
        yield Unchecked(rules.INSTALLER_SYNTAX, reason)
    elif size > len(content):
        reason = f"{path} is larger than the {len(content)} bytes that are kept of it"
        yield Unchecked(rules.INSTALLER_SYNTAX, reason)
    elif b"\0" in content:
        # Such as an archive behind `exit`, to which a shell that runs it never comes.
        yield Unchecked(rules.INSTALLER_SYNTAX, f"{path} holds more than text")
    else:
        yield from _syntax(path, content, parser, parsers=parsers)


def _program(words: Sequence[bytes]) -> bytes:
    """What runs the script in the end: env(1) looks for another program."""
    if words[0].rpartition(b"/")[2] != b"env" or len(words) == 1:
        return words[0]
    if not words[1].startswith(b"-S"):
        return words[1]  # all of it is one argument
    rest = [word for word in words[1][2:].split(b" ") if word and b"=" not in word]
    return rest[0] if rest else words[0]


def _shell(tree: Tree, program: bytes) -> bytes:
    """The name of the shell; where sh is bash, as in Fedora, a script may use what bash has."""
    name = program.rpartition(b"/")[2]
    real = tree.find("bin/sh") if name == b"sh" else None
    return b"bash" if real and real[0].endswith(b"/bash") else name


def _argument(tree: Tree, path: str, words: Sequence[bytes]) -> Iterator[Outcome]:
    """What the interpreter will stumble over in the rest of the line."""
    line = printable(b" ".join(words))
    program = _program(words)
    problem = ""
    if words[-1].endswith(b"\r"):
        problem = "the first line ends in CR LF, and the CR belongs to the argument"
    elif program == words[0] or program.startswith(b"-") or b"=" in program:
        return  # no env, or one with other options than -S
    elif _found(tree, program) is None:
        problem = f"the image has no program {printable(program)}"
        problem += " (env splits its argument after -S only)" if b" " in program else ""
    if problem:
        yield Finding(rules.INSTALLER_INTERPRETER, f"{path} is started by {line}: {problem}")


def _found(tree: Tree, program: bytes) -> Entry | None:
    return tree.file(program) if b"/" in program else tree.program(program.decode(errors="replace"))


def _interpreter(tree: Tree, path: str, interpreter: bytes) -> Iterator[Outcome]:
    name = printable(interpreter)
    entry = tree.file(interpreter)
    if interpreter.endswith(b"\r"):
        problem = "the first line ends in CR LF, and the kernel takes the CR as part of the name"
    elif not interpreter.startswith(b"/"):
        problem = "the interpreter is not named by an absolute path"
    else:
        problem = programs.problem(entry)
        if entry is not None and not problem and (reason := programs.starter_problem(tree, entry)):
            problem = f"it {reason}"
    if problem:
        yield Finding(rules.INSTALLER_INTERPRETER, f"{path} is started by {name}: {problem}")


def _syntax(
    path: str, content: bytes, parser: AuthorProgram, *, parsers: Parsers
) -> Iterator[Outcome]:
    """Let a shell of this host parse the script; `-n` (POSIX, set) executes nothing of it."""
    # Nor the `shopt -s extglob` that the patterns below it need.
    extended = parser is AuthorProgram.BASH and b"extglob" in content
    options = ("-O", "extglob", "-n") if extended else ("-n",)
    try:
        # Not by a name: the script stays where it is, and nothing is written.
        parsers.run(
            parser, *options, stdin=content.decode(errors="replace"), timeout_s=_PARSE_LIMIT_S
        )
    except ProgramMissing:
        yield Unchecked(rules.INSTALLER_SYNTAX, f"{path} is for {parser}, which this host lacks")
    except ProgramTimeout as failure:
        yield Unchecked(rules.INSTALLER_SYNTAX, str(failure))
    except ProgramFailed as failure:
        said = failure.stderr.strip().splitlines() or [f"status {failure.status}"]
        yield Finding(rules.INSTALLER_SYNTAX, f"{path}: {said[0]}")
