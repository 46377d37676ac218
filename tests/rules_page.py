"""Makes docs/image-rules.md from the table of rules.

python -m tests.rules_page > docs/image-rules.md
"""

import sys
from collections.abc import Iterator

from hammer.image.check.rules import RULES, Severity

INTRODUCTION = """# Rules of `hammer image check`

Made from `hammer/image/check/rules.py` by `make docs`; do not edit.

    hammer image check img.tar.lz4
    hammer image check img.tar.lz4 --layout layout.yaml --disk-mib 102400
    hammer image check https://images.example.com/img.tar.lz4 --fatal-warnings --format github
    hammer image check img.tar.lz4 --skip boot-loader --skip tool-sshd
    hammer image check --list-rules

The image is read once, by the readers that the agent unpacks with, and nothing is written.
Errors give exit status 20, and so do warnings with `--fatal-warnings`; otherwise it is 0. Ids
are stable. Rules that could not be judged are told as `not checked`: those with a star need the
whole image, and are not judged of one that cannot be read to its end.
"""

_TITLES = {
    Severity.ERROR: "Errors: it will not install, or not boot",
    Severity.WARNING: "Warnings: somebody will regret it",
    Severity.INFO: "Info: to know",
}


def page() -> str:
    """The page as a whole."""
    return "".join([INTRODUCTION, *_tables()])


def _tables() -> Iterator[str]:
    for severity, title in _TITLES.items():
        yield f"\n## {title}\n\n| rule | why | how to fix |\n|---|---|---|\n"
        for rule in RULES:
            if rule.severity is severity:
                star = "*" if rule.of_whole else ""
                yield f"| `{rule.id}`{star} | {rule.why} | {rule.fix} |\n"


if __name__ == "__main__":
    sys.stdout.write(page())
