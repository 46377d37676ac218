"""How much a text may hold, whoever wrote it."""

# A machine document of metal-api is some 20 KiB, 2000 values and a dozen levels deep.
MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 64
MAX_NODES = 50_000


class Unreadable(Exception):
    """The text is not one YAML mapping within the limits. Quotes nothing of it."""
