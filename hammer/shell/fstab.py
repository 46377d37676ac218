"""Which filesystems an installed system mounts, as its /etc/fstab says (fstab(5))."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

TAGS = ("UUID=", "LABEL=", "PARTUUID=", "PARTLABEL=")
ROOT = PurePosixPath("/")

LEFT_OUT = frozenset({"noauto", "_netdev", "bind", "rbind"})
"""Options of what is not on a disk of this machine, or not mounted at boot."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A filesystem, and where it belongs in the installed system."""

    spec: str
    """A device, or a tag such as UUID=..."""
    path: PurePosixPath
    format: str
    options: tuple[str, ...] = ()


def read(text: str) -> tuple[Entry, ...]:
    """What the system mounts at boot from its disks, the root among it, parents first.

    Lines that make no sense are left out, as the system leaves them out.
    """
    return parents_first(
        entry for line in text.splitlines() if (entry := _entry(line)) and _on_disk(entry)
    )


def parents_first(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """In an order in which they can be mounted."""
    return tuple(sorted(entries, key=lambda entry: len(entry.path.parts)))


def _entry(line: str) -> Entry | None:
    fields = [_unescaped(field) for field in line.split()]
    if len(fields) < 3 or fields[0].startswith("#"):
        return None
    options = tuple(option for option in fields[3].split(",") if option) if fields[3:] else ()
    return Entry(
        # Quotes are none of fstab(5), but of libmount, and people write them.
        spec=fields[0].replace('"', ""),
        path=PurePosixPath(fields[1]),
        format=fields[2],
        options=options,
    )


def _on_disk(entry: Entry) -> bool:
    return (
        entry.spec.startswith((*TAGS, "/dev/"))
        and entry.path.is_absolute()
        and entry.format != "swap"
        and not LEFT_OUT.intersection(entry.options)
    )


def _unescaped(text: str) -> str:
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\134", "\\")):
        text = text.replace(code, char)
    return text
