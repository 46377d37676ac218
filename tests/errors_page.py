"""Makes docs/errors.md from the tree of errors and the table of bad input.

python -m tests.errors_page > docs/errors.md
"""

import re
import sys
from collections.abc import Iterator

from hammer.errors import BUG_EXIT_STATUS, HammerError
from tests.bad_input import ROWS

INTRODUCTION = f"""# Errors

Made from `hammer/errors` and `tests/bad_input.py` by `make docs`; do not edit.

A failed installation tells its cause once: on the console as `FAILED [code]`, in the events
as `{{"event": "failed", "code": ...}}`. Codes are stable and never used for something else.
The exit status says who has to act:

| exit status | who has to act |
|---|---|
| 0 | nobody: done |
| 2 | whoever wrote the command line |
| 10 | whoever wrote the machine document |
| 20 | the publisher of the image |
| 30 | the keeper of this machine |
| 40 | the keeper of the control plane |
| {BUG_EXIT_STATUS} | us: a bug in the agent, code `bug` |
| 75 | whoever stopped it: it can go on |
"""

BAD_INPUT = """
## Bad input, and what it gets

Each row is a test. *Disk unchanged*: refused before the first write, every byte of the disk is
as it was. In all other failures the disks of the run are left without a partition table.

| what is bad | code | exit status | disk |
|---|---|---|---|
"""


def leaves(kind: type[HammerError]) -> Iterator[type[HammerError]]:
    """Every error that is raised, in the order of the drawing."""
    below = kind.__subclasses__()
    if not below:
        yield kind
    for each in below:
        yield from leaves(each)


def page() -> str:
    """The page as a whole."""
    return "".join([INTRODUCTION, *_codes(), BAD_INPUT, *_rows()])


def _codes() -> Iterator[str]:
    for branch in HammerError.__subclasses__():
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", branch.__name__).lower()
        yield f"\n## {branch.exit_status}: {words}\n\n| code | what happened | what to do |\n"
        yield "|---|---|---|\n"
        for leaf in leaves(branch):
            what = (leaf.__doc__ or "").strip().splitlines()[0]
            yield f"| `{leaf.code}` | {what} | {leaf.hint} |\n"


def _rows() -> Iterator[str]:
    for row in ROWS:
        if row.error is None:
            yield f"| {row.what} | none | 0 | installed |\n"
        else:
            disk = "unchanged" if row.disk_unchanged else "unbootable"
            yield f"| {row.what} | `{row.error.code}` | {row.error.exit_status} | {disk} |\n"


if __name__ == "__main__":
    sys.stdout.write(page())
