"""What a YAML scalar without quotes means, the same in every version of YAML."""

import re

# YAML 1.2.2, section 10.3.2 (core schema), less what YAML 1.1 reads differently:
# octal, binary, underscores, yes and no, base 60, dates. Those stay text, which is
# also what Go's decoder puts into a string field.
_NULL = {"", "~", "null", "Null", "NULL"}
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,30})")
_HEX = re.compile(r"0x[0-9a-fA-F]{1,30}")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)


def resolve(plain: str) -> bool | int | float | str | None:
    """What a scalar without quotes means."""
    if plain in _NULL:
        return None
    if plain in _BOOL:
        return _BOOL[plain]
    if _INT.fullmatch(plain):
        return int(plain)
    if _HEX.fullmatch(plain):
        return int(plain, 16)
    if _FLOAT.fullmatch(plain):
        return float(plain.replace(".inf", "inf").replace(".nan", "nan"))
    return plain
