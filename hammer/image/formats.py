"""What a file is by its first bytes, for messages about one that should be something else."""

_MAGICS = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zXZ": "xz",
    b"BZh": "bzip2",
    b"\x04\x22\x4d\x18": "an lz4 frame",
    b"\x02\x21\x4c\x18": "an lz4 legacy frame, as in a Linux kernel",
    b"PK\x03\x04": "zip",
    b"\0\0\0\0": "zeros",
}


def remark(head: bytes) -> str:
    """What people often put where something else belongs, in parentheses; else nothing."""
    names = [name for magic, name in _MAGICS.items() if head.startswith(magic)]
    return f" (this is {names[0]})" if names else ""
