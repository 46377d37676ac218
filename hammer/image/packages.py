"""packages.txt: what `dpkg -l` would say inside of an image that is not running."""

from collections.abc import Iterator

# dpkg's own heading (dpkg 1.21, src/query/main.c), so that diffs of two lists
# made here and made by `dpkg -l` in the image show packages and nothing else.
LEGEND = """\
Desired=Unknown/Install/Remove/Purge/Hold
| Status=Not/Inst/Conf-files/Unpacked/halF-conf/Half-inst/trig-aWait/Trig-pend
|/ Err?=(none)/Reinst-required (Status,Err: uppercase=bad)
"""
HEADINGS = ("Name", "Version", "Architecture", "Description")

# The letters of dpkg-query(1), format field db:Status-Abbrev.
WANTED = {"unknown": "u", "install": "i", "deinstall": "r", "purge": "p", "hold": "h"}
STATUS = {
    "not-installed": "n",
    "installed": "i",
    "config-files": "c",
    "unpacked": "U",
    "half-configured": "F",
    "half-installed": "H",
    "triggers-awaited": "W",
    "triggers-pending": "t",
}


def listed(status: str) -> str:
    """The text of /var/lib/dpkg/status as the list of packages that `dpkg -l` prints."""
    rows = sorted(_rows(status), key=lambda row: (row[1].split(":")[0], row[3]))
    widths = [
        max(len(text) for text in column)
        for column in zip(HEADINGS, *(row[1:] for row in rows), strict=True)
    ]
    rule = "-".join("=" * width for width in widths)
    lines = [f"||/ {_line(HEADINGS, widths)}", f"+++-{rule}"]
    lines += [f"{row[0]:<3} {_line(row[1:], widths)}" for row in rows]
    return LEGEND + "\n".join(lines) + "\n"


def _rows(status: str) -> Iterator[tuple[str, ...]]:
    for paragraph in status.split("\n\n"):
        # A line that begins with a blank goes on with the field before it:
        # only the first line of a description is its summary.
        fields = dict(
            (name, value.strip())
            for name, colon, value in (line.partition(":") for line in paragraph.splitlines())
            if colon and name and not name[0].isspace()
        )
        if "Package" not in fields:
            continue
        want, error, state = [*fields.get("Status", "").split(), "?", "?", "?"][:3]
        if state == "not-installed":
            continue
        abbreviation = WANTED.get(want, "?") + STATUS.get(state, "?")
        abbreviation += "R" if error == "reinstreq" else ""
        name, architecture = fields["Package"], fields.get("Architecture", "<none>")
        if fields.get("Multi-Arch") == "same":
            name = f"{name}:{architecture}"  # several of them can be installed
        yield (
            abbreviation,
            name,
            fields.get("Version", "<none>"),
            architecture,
            fields.get("Description", "(no description available)"),
        )


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    padded = (f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True))
    return " ".join(padded).rstrip()
