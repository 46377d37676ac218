"""What a file is besides its bytes survives packing, and a large tree needs no more memory."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from hammer.host.programs import HostPrograms
from hammer.image.pack import pack

# struct vfs_cap_data, revision 2: cap_net_raw, effective and permitted (linux/capability.h).
NET_RAW = bytes.fromhex("0100000200200000000000000000000000000000")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    if os.geteuid() != 0:
        pytest.skip("owners, capabilities and device nodes need root")
    tree = tmp_path / "tree"
    (tree / "usr/bin").mkdir(parents=True)
    (tree / "etc").mkdir()
    return tree


def unpacked(tree: Path, tmp_path: Path) -> Path:
    image = pack(tree, tmp_path, programs=HostPrograms(), say=lambda _: None).image
    target = tmp_path / "target"
    target.mkdir()
    options = ["--numeric-owner", "--xattrs", "--xattrs-include=*", "--acls", "-I", "lz4"]
    subprocess.run(["tar", "-C", str(target), *options, "-xpf", str(image)], check=True)
    return target


def test_metadata(tree: Path, tmp_path: Path) -> None:
    ping = tree / "usr/bin/ping"
    ping.write_bytes(b"\x7fELF")
    os.setxattr(ping, "security.capability", NET_RAW)
    os.setxattr(ping, "trusted.note", b"x")
    os.link(ping, tree / "usr/bin/ping4")
    sudo = tree / "usr/bin/sudo"
    sudo.write_bytes(b"")
    os.chown(sudo, 0, 4242)
    sudo.chmod(0o4750)
    (tree / "usr" / ("d" * 120)).mkdir()
    (tree / "usr" / ("d" * 120) / ("n" * 200)).symlink_to("/" + "t" * 180)
    os.mknod(tree / "usr/null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    os.utime(tree / "etc", ns=(1, 1_700_000_000_123_456_789))
    target = unpacked(tree, tmp_path)

    assert os.getxattr(target / "usr/bin/ping", "security.capability") == NET_RAW
    assert os.getxattr(target / "usr/bin/ping", "trusted.note") == b"x"
    assert (target / "usr/bin/ping").samefile(target / "usr/bin/ping4")
    status = (target / "usr/bin/sudo").stat()
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o4750, 0, 4242)
    link = target / "usr" / ("d" * 120) / ("n" * 200)
    assert link.readlink() == Path("/" + "t" * 180)
    assert (target / "usr/null").stat().st_rdev == os.makedev(1, 3)
    assert (target / "etc").stat().st_mtime_ns == 1_700_000_000_123_456_789


def test_memory_does_not_grow_with_the_tree(tree: Path, tmp_path: Path) -> None:
    small_mib = peak_mib(tree, tmp_path / "small")
    for number in range(4):
        (tree / f"usr/{number}").write_bytes(os.urandom(2**20) * 50)
    for number in range(5000):
        (tree / f"etc/{number}").touch()
    large_mib = peak_mib(tree, tmp_path / "large")
    # A block of the frame is 4 MiB, and everything that is kept of it.
    assert large_mib - small_mib < 24, (small_mib, large_mib)


def peak_mib(tree: Path, out: Path) -> float:
    """Peak of resident memory of a process that packs the tree (proc(5), VmHWM).

    Not ru_maxrss: that begins with what the process had before exec, which is ours.
    """
    code = (
        "import sys; from pathlib import Path\n"
        "from hammer.host.programs import HostPrograms; from hammer.image.pack import pack\n"
        "pack(Path(sys.argv[1]), Path(sys.argv[2]), programs=HostPrograms(), level=1, "
        "say=lambda _: None)\n"
        "print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, tree, out], check=True, capture_output=True, text=True
    )
    return int(said.stdout) / 1024
