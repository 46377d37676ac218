"""Checks that several rules of a layout share."""

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator

from contract.document import Place, Problem


def twice(values: Iterable[Hashable], reason: str, place: Place, *key: str) -> Iterator[Problem]:
    """The second and later places of a value; None may be there many times."""
    seen: Counter[Hashable] = Counter()
    for at, value in enumerate(values):
        seen[value] += 1
        if value is not None and seen[value] > 1:
            yield (*place, at, *key), reason


def device_name(device: str, place: Place) -> Iterator[Problem]:
    if not re.fullmatch(r"/dev(/[A-Za-z0-9_+.:-]+)+", device) or "/." in device:
        yield place, "must be a device below /dev"
