"""How the kernel reads the beginning of a program."""

import pytest

from hammer.image.check.programs import elf_interpreter, shebang, starter_of
from tests.initramfs.elf_files import elf_file


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"#!/bin/sh\n", [b"/bin/sh"]),
        (b"#! /bin/sh -e \n", [b"/bin/sh", b"-e"]),
        (b"#!\t/bin/sh\t-e -u\n", [b"/bin/sh", b"-e -u"]),
        (b"#!/usr/bin/env -S bash -e\n", [b"/usr/bin/env", b"-S bash -e"]),
        (b"#!/bin/sh\r\n", [b"/bin/sh\r"]),
        (b"#!\n/bin/sh\n", []),
        (b"#!/bin/sh", [b"/bin/sh"]),
        (b"#!/bin/sh\0 -e\n", [b"/bin/sh"]),
        (b"#!/bin/sh " + b"x" * 300 + b"\n", [b"/bin/sh", b"x" * 245]),
        (b"#! " + b" " * 300 + b"/bin/sh\n", []),
        (b"#!/" + b"x" * 300 + b"\n", []),
        (b" #!/bin/sh\n", []),
        (b"\xef\xbb\xbf#!/bin/sh\n", []),
        (b"", []),
    ],
)
def test_the_first_line(content: bytes, words: list[bytes]) -> None:
    assert shebang(content) == words


def test_the_interpreter_of_a_program() -> None:
    assert elf_interpreter(elf_file(interpreter="/lib64/ld.so")) == b"/lib64/ld.so"
    assert elf_interpreter(elf_file()) is None


@pytest.mark.parametrize("length", range(4, 190, 7))
def test_a_program_that_is_cut(length: int) -> None:
    with pytest.raises(ValueError, match="damaged"):
        elf_interpreter(elf_file(interpreter="/lib64/" + "x" * 40)[:length])


def test_headers_of_no_length_are_damaged() -> None:
    """They would all be the same one, read 65535 times for each program of an image."""
    image = bytearray(elf_file())
    image[54:58] = b"\0\0\xff\xff"
    with pytest.raises(ValueError, match="damaged"):
        elf_interpreter(bytes(image))


def test_what_starts_a_program() -> None:
    program = elf_file(interpreter="/lib64/ld.so")
    assert starter_of(program) == b"/lib64/ld.so"
    assert starter_of(elf_file()) == b""
    assert starter_of(program[:100]) is None, "not known, which is not the same as none"
    assert starter_of(b"#!/bin/sh -e\n") == b"/bin/sh"
    assert starter_of(b"text") == b""
