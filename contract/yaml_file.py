"""Documents from text and to text: bounded, strict, and never quoting what they hold."""

import errno
import os
import select
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from contract import yaml_reader, yaml_writer
from contract.document import Document, problems_of, shown
from contract.errors import Broken, Finding, NotYaml
from contract.other_names import with_usual_names
from contract.unknown_keys import unknown_keys
from contract.values import Value, values_of
from contract.yaml_limits import MAX_BYTES, Unreadable
from contract.yaml_positions import positions

D = TypeVar("D", bound=Document)

SILENCE_LIMIT_S = 10.0
"""So long a pipe may keep us waiting for its next byte, as `<(curl URL)` does."""

NO_MAPPING = "must be a mapping of keys to values"


def load(model: type[D], text: bytes, *, name: str) -> D:
    """The document that `text` holds, as YAML or JSON; `name` goes into the errors.

    Raises NotYaml or Broken, and nothing else. No error keeps a value of the
    document, also not in its context.
    """
    try:
        value = yaml_reader.read(text)
    except Unreadable as error:
        unreadable = Finding(error.reason, position=error.position)
    else:
        return load_value(model, value, text, name=name)
    raise NotYaml(name=name, findings=(unreadable,))


def load_value(model: type[D], value: Value, text: bytes, *, name: str) -> D:
    """As `load`, when `text` was read already and holds `value`; it tells the lines."""
    is_bare_list = isinstance(value, tuple) and model.bare_list_is is not None
    values = {str(model.bare_list_is): value} if is_bare_list else value
    if not isinstance(values, dict):
        raise NotYaml(name=name, findings=(Finding(NO_MAPPING),))
    values, problems = with_usual_names(model, values)
    problems += unknown_keys(model, values)
    try:
        # By the key in the file, not by what Python calls it (from_).
        document = model.model_validate(values, by_alias=True, by_name=False)
    except ValidationError as error:
        problems += problems_of(error)
    if not problems:
        return document
    # Raised out here, because an exception in flight is kept as context, and
    # pydantic's holds the input.
    position = positions(text)
    begin = 1 if is_bare_list else 0
    raise Broken(
        name=name,
        findings=tuple(
            Finding(reason, shown(place), position(place[begin:])) for place, reason in problems
        ),
    )


def load_file(model: type[D], path: Path) -> D:
    """As `load`; OSError when the file cannot be read. At most the limit is read.

    A pipe or device that is silent for SILENCE_LIMIT_S cannot be read.
    """
    return load(model, read_bounded(path), name=str(path))


def read_bounded(path: Path) -> bytes:
    """A file, or of a larger one so much that `load` sees it is too large.

    Raises OSError, TimeoutError of a pipe or device that is silent for SILENCE_LIMIT_S.
    """
    # Opening a FIFO waits for its writer, and reading /proc/kmsg, which is a regular file to
    # stat(2), for the next message: for ever, if there is none. Files on a disk are always ready.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    text = b""
    try:
        while len(text) <= MAX_BYTES:
            ready, _, _ = select.select([handle], [], [], SILENCE_LIMIT_S)
            if not ready:
                reason = f"nothing to read for {SILENCE_LIMIT_S:g} s"
                raise TimeoutError(errno.ETIMEDOUT, reason)
            try:
                piece = os.read(handle, MAX_BYTES + 1 - len(text))
            except BlockingIOError:  # somebody else was faster
                continue
            if not piece:
                break
            text += piece
    finally:
        os.close(handle)
    return text


def read_bounded_stdin() -> bytes:
    """As `read_bounded`, of the standard input. OSError when there is none."""
    # Not sys.stdin, which is None when the descriptor is closed.
    with open(0, "rb", closefd=False) as file:
        return file.read(MAX_BYTES + 1)


def dump(document: Document) -> str:
    """The document as Go's yaml.v3 writes it, all keys, secrets in clear.

    What it returns belongs into a file with mode 0600.
    """
    return yaml_writer.write(values_of(document))
