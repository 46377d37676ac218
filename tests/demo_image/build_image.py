"""Make the demo image: a small real Debian that the agent can install, and its big variant.

    tests/demo_image/build [--filler MIB]

Needs mmdebstrap, and root or user namespaces (mmdebstrap takes what there is).
"""

import argparse
import contextlib
import fcntl
import hashlib
import inspect
import io
import random
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hammer.host.programs import HostPrograms
from hammer.image.pack import pack

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
BUILD = ROOT / "build" / "demo-image"

SUITE = "bookworm"
PACKAGES = (
    "dosfstools",
    "e2fsprogs",
    "efibootmgr",
    "initramfs-tools",
    "iproute2",
    "kmod",
    "linux-image-cloud-amd64",
    "passwd",
    "systemd",
    "systemd-boot-efi",
    "systemd-sysv",
    "udev",
)

# Most of the kernel's modules, by size, and none of it for a virtual machine that proves itself.
NO_MODULES_OF = (
    "arch/x86/kvm",
    "drivers/block/drbd",
    "drivers/comedi",
    "drivers/hid",
    "drivers/infiniband",
    "drivers/md/bcache",
    "drivers/net/ethernet/mellanox",
    "drivers/net/wwan",
    "drivers/nvdimm",
    "drivers/nvme/target",
    "drivers/platform",
    "drivers/scsi/mpi3mr",
    "drivers/target",
    "drivers/vhost",
    "fs/btrfs",
    "fs/cachefiles",
    "fs/ceph",
    "fs/fscache",
    "fs/gfs2",
    "fs/lockd",
    "fs/nfs",
    "fs/nfsd",
    "fs/ocfs2",
    "fs/orangefs",
    "fs/smb",
    "fs/ubifs",
    "fs/udf",
    "fs/xfs",
    "net/bridge",
    "net/ceph",
    "net/dccp",
    "net/ipv4/netfilter",
    "net/ipv6/netfilter",
    "net/l2tp",
    "net/netfilter",
    "net/openvswitch",
    "net/rds",
    "net/sched",
    "net/sctp",
    "net/smc",
    "net/sunrpc",
    "net/tipc",
)

# What nobody reads on a machine that boots once and says so. hwdb.d alone would
# become 10 MB of hwdb.bin; gconv is for character sets other than UTF-8.
NOT_UNPACKED = (
    "/usr/share/doc/*",
    "/usr/share/man/*",
    "/usr/share/info/*",
    "/usr/share/locale/*",
    "/usr/share/lintian/*",
    "/usr/share/bug/*",
    "/usr/share/zoneinfo/*",
    "/usr/lib/udev/hwdb.d/*",
    "/lib/udev/hwdb.d/*",
    "/usr/lib/x86_64-linux-gnu/gconv/*",
    "/boot/System.map-*",
    *(f"/lib/modules/*/kernel/{folder}/*" for folder in NO_MODULES_OF),
)

# An initrd with what finds the root disk here, and not what finds it anywhere:
# ext4 and nvme are built into the cloud kernel.
INITRAMFS_CONF = "MODULES=list\nCOMPRESS=gzip\nRESUME=none\n"
INITRAMFS_MODULES = "virtio_pci\nvirtio_blk\nvirtio_scsi\nsd_mod\nnvme\next4\n"


# Run with the image as $1. Whoever builds it leaves no trace: neither mirror nor
# name nor resolver. The modules of Perl are for installing the kernel's package, which is done:
# 1700 files, which an emulated machine takes seconds for.
HOOKS = (
    'chroot "$1" systemctl enable metal-proof.service',
    'rm -rf "$1"/usr/share/perl "$1"/usr/lib/*/perl "$1"/usr/lib/*/libperl.so*',
    'rm -rf "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/* "$1"/etc/resolv.conf',
    'rm -rf "$1"/var/log/* "$1"/var/cache/* "$1"/var/lib/apt/lists/*',
    'echo demo >"$1"/etc/hostname; : >"$1"/etc/machine-id',
)


ON_ESP = "boot/efi/EFI/demo/about.txt"
ON_ESP_TEXT = "This file came with the demo image.\n"

FILLER_MIB = 1056  # with the image 1.2 GiB to unpack, of 0.7 GiB to fetch


@dataclass(frozen=True, kw_only=True)
class DemoImage:
    folder: Path
    """Holds img.tar.lz4, img.tar.lz4.md5 and packages.txt."""

    @property
    def path(self) -> Path:
        return self.folder / "img.tar.lz4"

    @property
    def md5(self) -> str:
        return Path(f"{self.path}.md5").read_text().split()[0]

    @property
    def kernels(self) -> list[str]:
        """Versions of the kernels in it, as `uname -r` says them."""
        listed = (self.folder / "packages.txt").read_text()
        return re.findall(r"^ii +linux-image-(\d\S*) ", listed, re.MULTILINE)


def demo_image() -> DemoImage:
    """The demo image, made if it is not there or if what it is made of has changed."""
    recipe = repr((SUITE, PACKAGES, NOT_UNPACKED, HOOKS, _overlay()))
    key = hashlib.sha256(recipe.encode()).hexdigest()
    with _made_once(BUILD, key=key) as stale:
        if stale:
            root_tar = BUILD / "root.tar"
            _debian(root_tar)
            pack(root_tar, BUILD / "img", programs=HostPrograms(), say=print)
    return DemoImage(folder=BUILD)


def big_image(*, filler_mib: int = FILLER_MIB) -> DemoImage:
    """The demo image and `filler_mib` of files, the same every time, from one byte to 64 MiB.

    Five eighths of each do not compress, the rest does: the stream has some of both.
    """
    plain = demo_image()
    folder = BUILD / f"filler-{filler_mib}"
    with _made_once(folder, key=plain.md5 + inspect.getsource(_append_filler)) as stale:
        if stale:
            big_tar = folder / "root.tar"
            shutil.copyfile(BUILD / "root.tar", big_tar)
            _append_filler(big_tar, mib=filler_mib)
            # Level 1: what compresses here does so at once, and the rest never.
            pack(big_tar, folder / "img", programs=HostPrograms(), level=1, say=print)
            big_tar.unlink()
    return DemoImage(folder=folder)


def bare_image() -> DemoImage:
    """The demo image without its installer."""
    plain = demo_image()
    folder = BUILD / "bare"
    with _made_once(folder, key=plain.md5 + inspect.getsource(bare_image)) as stale:
        if stale:
            bare_tar = folder / "root.tar"
            shutil.copyfile(BUILD / "root.tar", bare_tar)
            subprocess.run(["tar", "--delete", "--file", bare_tar, "./install.sh"], check=True)
            pack(bare_tar, folder / "img", programs=HostPrograms(), level=1, say=print)
            bare_tar.unlink()
    return DemoImage(folder=folder)


@contextlib.contextmanager
def _made_once(folder: Path, *, key: str) -> Iterator[bool]:
    """Hold the folder's lock; true when its content must be made for `key`.

    Test workers ask side by side: the first one makes it, the others wait.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stamp = folder / "key"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stale = not stamp.exists() or stamp.read_text() != key
        if stale:
            stamp.unlink(missing_ok=True)
        yield stale
        stamp.write_text(key)


def _debian(out: Path) -> None:
    work = out.parent
    overlay = work / "overlay"
    shutil.rmtree(overlay, ignore_errors=True)
    _write_overlay(overlay)
    mmdebstrap = [
        "mmdebstrap",
        "--variant=minbase",
        f"--include={','.join(PACKAGES)}",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in NOT_UNPACKED),
        f"--essential-hook=tar -C {shlex.quote(str(overlay))} --owner=root --group=root "
        '-c . | tar -C "$1" --keep-directory-symlink -x',
        *(f"--customize-hook={hook}" for hook in HOOKS),
        SUITE,
        str(out),
        "-",
    ]
    subprocess.run(mmdebstrap, input=apt_sources(), text=True, check=True)


def _overlay() -> list[tuple[str, str, int]]:
    """Files that are ours: path in the image, text, mode."""
    ours = {
        "usr/local/sbin/metal-proof": "metal-proof",
        "etc/systemd/system/metal-proof.service": "metal-proof.service",
    }
    return [
        *(
            (path, (HERE / name).read_text(), 0o644 if name.endswith(".service") else 0o755)
            for path, name in ours.items()
        ),
        ("install.sh", (ROOT / "docs/example-image/install.sh").read_text(), 0o755),
        ("etc/initramfs-tools/conf.d/demo", INITRAMFS_CONF, 0o644),
        ("etc/initramfs-tools/modules", INITRAMFS_MODULES, 0o644),
        # Lands on the ESP where there is one: a filesystem that knows no owners and modes.
        (ON_ESP, ON_ESP_TEXT, 0o640),
    ]


def _write_overlay(overlay: Path) -> None:
    for name, text, mode in _overlay():
        path = overlay / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
    (overlay / "etc/metal").mkdir()


def apt_sources() -> str:
    """This host's own sources of the suite, as one-line entries; nothing else of its apt."""
    line = "$(ORIGIN)|$(CREATED_BY)|$(CODENAME)|$(REPO_URI)|$(COMPONENT)"
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", line], capture_output=True, text=True, check=True
    )
    sources = set()
    for row in listed.stdout.splitlines():
        origin, kind, codename, uri, component = row.split("|")
        if origin == "Debian" and kind == "Packages" and codename.split("-")[0] == SUITE:
            sources.add(f"deb {uri} {codename} {component}\n")
    if not sources:
        sys.exit(f"the demo image is a Debian {SUITE}, and apt of this host has no source for it")
    return "".join(sorted(sources))


def _append_filler(archive: Path, *, mib: int) -> None:
    noise = random.Random(20240229)
    left = mib * 1024 * 1024
    with tarfile.open(archive, "a", format=tarfile.PAX_FORMAT) as tar:
        number = 0
        while left:
            size = min(left, 1 << noise.randrange(27))
            member = tarfile.TarInfo(f"./srv/filler/{number:05}")
            member.size, member.mode, member.mtime = size, 0o644, 1_700_000_000
            content = noise.randbytes(size * 5 // 8)
            content += (content[:4096] or b"x") * (size // max(1, len(content[:4096])) + 1)
            tar.addfile(member, io.BytesIO(content[:size]))
            tar.members.clear()  # type: ignore[attr-defined]
            left -= size
            number += 1


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests/demo_image/build", description=__doc__)
    parser.add_argument("--filler", type=int, metavar="MIB", help="make the big variant as well")
    wanted = parser.parse_args(argv)
    image = demo_image() if wanted.filler is None else big_image(filler_mib=wanted.filler)
    print(f"{image.path} {image.path.stat().st_size / 2**20:.1f} MiB md5 {image.md5}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
