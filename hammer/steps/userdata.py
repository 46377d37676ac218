"""How metal-stack encodes user data: base64 as Go's StdEncoding reads it, or as it is."""

import re
from base64 import b64decode

# Whole groups of four, padded in the last one only. Go's decoder refuses
# anything after the padding, which Python's accepts; both ignore spare bits.
GROUPS = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


def decoded(text: str) -> bytes:
    """The bytes for /etc/metal/userdata.

    What is not base64 is meant as it stands. Text that happens to be valid
    base64, such as `test`, is decoded all the same: images have relied on
    metal-hammer doing so (encoding/base64 of Go skips CR and LF anywhere).
    """
    packed = text.replace("\r", "").replace("\n", "")
    if GROUPS.fullmatch(packed):
        return b64decode(packed)
    return text.encode()
