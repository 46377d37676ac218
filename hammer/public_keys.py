"""Public keys as OpenSSH writes them, one a line: id_ed25519.pub, authorized_keys (sshd(8))."""

import base64
import binascii
import re

# Perhaps options, the kind, base64 that begins with the length of the kind, perhaps a comment.
KEY = re.compile(r"(?:^|\s)(?P<kind>[\w@.-]+)[ \t]+(?P<blob>AAAA[0-9A-Za-z+/]+={0,2})(?:\s|$)")


def public_keys(text: str) -> tuple[str, ...]:
    """The lines that are keys. Raises ValueError, with words that follow the name of the text.

    What is told of the text is never a part of it: it may be a secret.
    """
    if "PRIVATE KEY" in text:
        raise ValueError("is a private key")
    lines = (line.strip() for line in text.splitlines())
    keys = tuple(line for line in lines if line and not line.startswith("#"))
    if not keys or not all(map(_is_key, keys)):
        raise ValueError("holds something else than public keys, or nothing")
    return keys


def _is_key(line: str) -> bool:
    return any(_is_whole(found["kind"], found["blob"]) for found in KEY.finditer(line))


def _is_whole(kind: str, blob: str) -> bool:
    """Whether the fields, each with its length before it (RFC 4251), fill the key (RFC 4253, 6.6).

    A key that lost its end when it was copied lets nobody in.
    """
    try:
        rest = base64.b64decode(blob, validate=True)
    except binascii.Error:
        return False
    fields = []
    while rest:
        end = 4 + int.from_bytes(rest[:4])
        if len(rest) < end:
            return False
        fields.append(rest[4:end])
        rest = rest[end:]
    return len(fields) > 1 and fields[0] == kind.encode()
