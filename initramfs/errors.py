"""Why a ramdisk cannot be built."""

from collections.abc import Iterable


class BuildError(Exception):
    """Shown without a traceback: the text names what is missing, and where it was looked for."""


def refuse_missing(what: str, names: Iterable[str]) -> None:
    """Raise BuildError with all of `names`, sorted; nothing happens when there are none."""
    listed = sorted(set(names))
    if listed:
        raise BuildError(f"{what}:\n" + "\n".join(f"  {name}" for name in listed))
