"""What goes into the ramdisk, besides the agent and the modules of `initramfs/modules`."""

from hammer.host.lvm import LVMLOCAL_CONF
from hammer.host.programs import LabProgram, Program, RamdiskProgram, ReportProgram

PACKAGES = (
    "bash",
    "busybox",
    "ca-certificates",
    "dosfstools",
    "e2fsprogs",
    "efibootmgr",
    "ethtool",
    "fdisk",
    "gdisk",
    "hdparm",
    "ipmitool",
    "kmod",
    "libc-bin",
    "libpython3.11-stdlib",
    "libxxhash0",
    "lvm2",
    "mdadm",
    "mount",
    "ncurses-base",
    "nvme-cli",
    "python3-minimal",
    "python3.11-minimal",
    "udev",
    "util-linux",
)

# Of `--ssh`.
SSH_PACKAGES = ("dropbear-bin",)
SSH_PROGRAMS = tuple(program.value for program in LabProgram)

# Run while building, and none of it is in the ramdisk.
BUILD_PACKAGES = ("binutils", "lz4", "zstd")

# Applets of busybox, as links, wherever there is no program of that name.
# Without them init or the DHCP client would not work:
APPLETS_NEEDED = (
    *("cat", "echo", "hostname", "ip", "mkdir", "mv", "poweroff", "reboot", "rm", "setsid"),
    *("sh", "sleep", "sync", "udhcpc"),
)

# Looked for in the folders of PATH. A name that is a link brings what it points to.
PROGRAMS = (
    *(program.value for program in Program),
    *(program.value for program in RamdiskProgram if program.value not in APPLETS_NEEDED),
    *(program.value for program in ReportProgram if program.value not in APPLETS_NEEDED),
    "bash",  # of the person at the console: it completes words
    # What the agent is going to start (metal-hammer's required commands), or the
    # person at the console.
    "blkdiscard",
    "blockdev",
    "dmsetup",
    "e2fsck",
    "ethtool",
    "findmnt",
    "fsck.ext4",
    "fsck.vfat",
    "hdparm",
    "ipmitool",
    "losetup",
    "lvm",
    "mdadm",
    "mdmon",
    "nsenter",
    "nvme",
    "sfdisk",
    "tune2fs",
    # Modules and devices.
    "depmod",
    "insmod",
    "kmod",
    "lsmod",
    "modinfo",
    "modprobe",
    "rmmod",
    # ctypes.util.find_library asks `ldconfig -p`; pyudev finds libudev that way.
    "ldconfig",
    "python3",
    *("pvcreate", "pvremove", "pvs", "pvscan"),
    *("vgchange", "vgcreate", "vgreduce", "vgremove", "vgs", "vgscan"),
    *("lvchange", "lvconvert", "lvcreate", "lvremove", "lvs"),
)

PROGRAM_FOLDERS = ("usr/sbin", "usr/bin")

FILES = (
    "usr/lib/systemd/systemd-udevd",
    "usr/lib/udev/ata_id",
    "usr/lib/udev/scsi_id",
    "usr/lib/udev/rules.d/50-firmware.rules",
    "usr/lib/udev/rules.d/50-udev-default.rules",
    "usr/lib/udev/rules.d/60-block.rules",
    "usr/lib/udev/rules.d/60-persistent-storage.rules",
    # No 64-md-raid-assembly and no 69-lvm: nothing may assemble what lies on
    # disks that are about to be wiped, or that are to be kept as they are.
    "usr/lib/udev/rules.d/01-md-raid-creating.rules",
    "usr/lib/udev/rules.d/63-md-raid-arrays.rules",
    "usr/lib/udev/rules.d/75-net-description.rules",
    # No 80-net-setup-link: interfaces keep the names (eth0) of `ip=`.
    "usr/lib/udev/rules.d/80-drivers.rules",
    "etc/lvm/lvm.conf",
    "etc/mke2fs.conf",
    # Terminals of people: without its description a shell does not know how to wrap a line.
    *(
        f"usr/lib/terminfo/{name}"
        for name in ("l/linux", "s/screen", "v/vt100", "v/vt220", "x/xterm")
    ),
    "usr/lib/terminfo/x/xterm-256color",
    # Loaded by name, so that no ELF header asks for them.
    "usr/lib/x86_64-linux-gnu/libgcc_s.so.1",  # pthread_exit of the C library
    "usr/lib/x86_64-linux-gnu/libudev.so.1",  # pyudev
    "usr/lib/x86_64-linux-gnu/libxxhash.so.0",  # the checksum of an image's frames
    # The locale of every program, and the code page of mkfs.vfat.
    "usr/lib/locale/C.utf8",
    "usr/lib/x86_64-linux-gnu/gconv/IBM850.so",
    "usr/lib/x86_64-linux-gnu/gconv/gconv-modules",
    "usr/lib/x86_64-linux-gnu/gconv/gconv-modules.d/gconv-modules-extra.conf",
)

# These make no sense here, or harm:
APPLETS_UNWANTED = ("init", "linuxrc", "mdev", "rpm", "rpm2cpio", "run-init", "ubirename")

FOLDERS = ("dev", "etc/hammer", "mnt", "proc", "root", "rootfs", "run", "sys", "tmp", "var/log")

LINKS = {
    "etc/mtab": "/proc/self/mounts",
    "etc/udhcpc/default.script": "/usr/share/udhcpc/default.script",  # where busybox looks
    # Where OpenSSL looks when nobody names a file.
    "usr/lib/ssl/cert.pem": "/etc/ssl/certs/ca-certificates.crt",
    "var/run": "/run",
}

TEXTS = {
    # The groups are those of udev's rules: it says so loudly when one is missing.
    "etc/group": "".join(
        f"{name}:x:{number}:\n"
        for number, name in (
            *((0, "root"), (5, "tty"), (6, "disk"), (7, "lp"), (15, "kmem"), (20, "dialout")),
            *((24, "cdrom"), (26, "tape"), (29, "audio"), (44, "video"), (101, "input")),
            *((102, "sgx"), (103, "kvm"), (104, "render"), (65534, "nogroup")),
        )
    ),
    "etc/hostname": "metal-hammer\n",
    "etc/hosts": "127.0.0.1 localhost metal-hammer\n::1 localhost\n",
    "etc/lvm/lvmlocal.conf": LVMLOCAL_CONF,
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "etc/passwd": (
        "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"
    ),
    "etc/shells": "/bin/bash\n/bin/sh\n",
    # 4.7 MB of vendor numbers otherwise; ipmitool complains at each start without a file.
    "usr/share/misc/enterprise-numbers.txt": "",
}

CERTIFICATES = "usr/share/ca-certificates/mozilla"
CERTIFICATE_BUNDLE = "etc/ssl/certs/ca-certificates.crt"

# Below usr/lib/python3.11. The import test of the build tells when one of them is needed.
STDLIB_UNWANTED = (
    *("__pycache__", "test", "tests", "idlelib", "tkinter", "turtle.py", "turtledemo"),
    *("ensurepip", "venv", "lib2to3", "pydoc_data", "distutils", "_distutils_system_mod.py"),
    *("curses", "dbm", "xmlrpc", "wsgiref", "msilib", "sitecustomize.py", "config-3.11-*"),
    *("antigravity.py", "this.py", "_aix_support.py", "_osx_support.py", "LICENSE.txt"),
    *("EXTERNALLY-MANAGED", "mailbox.py", "nntplib.py", "smtpd.py", "imaplib.py", "chunk.py"),
    *("sndhdr.py", "sunau.py", "aifc.py", "imghdr.py", "cgi.py", "cgitb.py", "pipes.py"),
    # Encodings of East Asia: tables of a megabyte.
    *("_codecs_cn.*", "_codecs_hk.*", "_codecs_jp.*", "_codecs_kr.*", "_codecs_tw.*"),
    *("_codecs_iso2022.*", "_multibytecodec.*"),
    # They bring libraries, or are obsolete.
    *("_curses*", "_dbm.*", "_gdbm.*", "_tkinter.*", "audioop.*", "ossaudiodev.*", "nis.*"),
    *("readline.*", "_test*", "_xxtestfuzz.*", "_ctypes_test.*", "xxlimited*"),
)

# Of a wheel. pydantic.v1 is the whole of pydantic 1, for those who migrate.
WHEEL_UNWANTED = (
    *("*.pyi", "*.pyx", "*.pxd", "*.c", "*.h", "tests/*", "*/tests/*", "pydantic/v1/*"),
    # For PyPy, and the standard library's modules once more.
    *("backports/zstd/_cffi/*", "backports/zstd/tarfile.py", "backports/zstd/zipfile/*"),
)

# Of the agent: what starts virtual machines, for authors of images on their laptops.
AGENT_UNWANTED = ("trial", "qemu.py")

# What the agent imports, and what of it fails only when it is used.
IMPORT_TEST = """\
import ctypes, hashlib, sqlite3, ssl, tarfile
import backports.zstd, lz4.block, lz4.frame, pydantic, pyroute2, pyudev, tenacity, urllib3, yaml

class Model(pydantic.BaseModel):
    secret: pydantic.SecretStr

Model(secret="word")
assert yaml.__with_libyaml__
assert lz4.frame.decompress(lz4.frame.compress(b"word")) == b"word"
ctypes.CDLL("liblz4.so.1"), ctypes.CDLL("libxxhash.so.0")
assert backports.zstd.decompress(backports.zstd.compress(b"word")) == b"word"
assert ssl.create_default_context().cert_store_stats()["x509_ca"] > 100
assert all(hashlib.new(each, usedforsecurity=False) for each in ("md5", "sha256", "sha512"))
pyudev.Context()
pyroute2.IPRoute
"""
