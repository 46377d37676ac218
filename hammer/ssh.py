"""SSH for the lab: who asked for it on the kernel command line can look into the ramdisk."""

from dataclasses import replace

from hammer import redact
from hammer.console import Console
from hammer.errors import HammerError
from hammer.host import ssh
from hammer.host.programs import Programs
from hammer.limited import limited
from hammer.public_keys import public_keys
from hammer.stream import failures, http
from hammer.stream.way import Way

KEYS_LIMIT_BYTES = 64 * 1024

PATIENCE = http.Patience(stall_s=10, retry_for_s=10)
"""Nobody should wait long for what an installation can do without."""
KEYS_LIMIT_S = 30.0
"""For all of it, from a server that sends a little now and then."""


def offer(
    console: Console, programs: Programs, ssh_key: str, *, network: str, way: Way | None = None
) -> None:
    """Start the server, once in a boot, and say how to come in; `ssh_key` is a key or a URL.

    `network` is the journal's: interface and address. What is in the way becomes a warning.
    """
    if ssh.is_running():
        return
    if not ssh.has_server():
        console.warn("no SSH: this ramdisk has no server, `initramfs/build --ssh` adds one")
        return
    try:
        keys = _keys(ssh_key, way=way or Way())
        fingerprint = ssh.start(programs, keys)
    except (failures.FetchFailed, HammerError, TimeoutError, ValueError) as problem:
        where = f"{redact.url(ssh_key)}: " if "://" in ssh_key else ""
        console.warn(f"no SSH: {where}{problem}")
        return
    address = network.split()[-1].partition("/")[0]
    place = f"root@{address}" if address != "off" else "as root"
    console.say(f"ssh {place}, host key {fingerprint}")


def _keys(ssh_key: str, *, way: Way) -> tuple[str, ...]:
    """Raises FetchFailed, TimeoutError, and ValueError for what is no key."""
    if "://" not in ssh_key:
        return (ssh_key,)
    patience = replace(PATIENCE, way=way)
    text = limited(
        KEYS_LIMIT_S,
        lambda: http.fetch(ssh_key, limit_bytes=KEYS_LIMIT_BYTES, patience=patience),
    )
    return public_keys(text.decode(errors="replace"))
