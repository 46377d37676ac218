"""What is known of zstd frames without the library that decodes them."""

MAGIC = bytes.fromhex("28b52ffd")
_CHECKSUM_FLAG = 1 << 2  # Frame_Header_Descriptor (RFC 8878, 3.1.1.1.1)


def begins(head: bytes) -> bool:
    return head.startswith(MAGIC)


def has_checksum(head: bytes) -> bool:
    """Whether the frame that begins so has a checksum of its content."""
    return begins(head) and bool(head[4:5] and head[4] & _CHECKSUM_FLAG)
