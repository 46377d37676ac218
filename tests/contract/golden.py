"""The good documents of tests/contract/golden: one of every generation of install.yaml."""

from pathlib import Path

FOLDER = Path(__file__).parent / "golden"


def install_yaml(since: str) -> bytes:
    """An install.yaml as metal-hammer wrote it from that version on, with every key."""
    return (FOLDER / f"install-{since}.yaml").read_bytes()
