"""Rules of the kernel: it can be started by kexec, and initrd and modules are of its version."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from hammer.image.check import bzimage, rules
from hammer.image.check.reader import Facts
from hammer.image.check.rules import Finding, Outcome, Unchecked, listed
from hammer.image.check.tree import Entry, Tree
from hammer.stream.member import Kind, printable

_KERNEL = re.compile(rb"vmlinuz-(.+)")
# Debian and Ubuntu; Fedora and its kin; SUSE.
_INITRD = re.compile(rb"initrd\.img-(.+)|(?:initramfs|initrd)-(.+?)(?:\.img)?")
# What is beside an initrd and is none: dracut's kdump, dpkg's and initramfs-tools' leftovers.
_NOT_INITRD = re.compile(rb".*(kdump(\.img)?|\.bak|\.old|\.new|\.dpkg-bak)")
_RESCUE = b"0-rescue-"  # of kernel-install: a copy under a name that is no version
# Names without a version, which installers may use as well.
_PLAIN_KERNELS = ("boot/vmlinuz", "vmlinuz")
_PLAIN_INITRDS = ("boot/initrd.img", "boot/initrd", "boot/initramfs.img", "initrd.img")
_LINKS = ("vmlinuz", "initrd.img", "boot/vmlinuz", "boot/initrd.img", "boot/initrd")
_MODULES = "lib/modules"
# usr/gen_init_cpio.c writes newc; the packed forms are those of lib/decompress.c.
_INITRD_MAGICS = (
    b"070701",
    b"070702",
    b"\x1f\x8b",
    b"\x1f\x9e",
    b"BZh",
    b"\x5d\x00",
    b"\xfd7zXZ",
    b"\x89LZO",
    b"\x02\x21\x4c\x18",
    b"\x28\xb5\x2f\xfd",
)
# What the kernel that is booted needs. What the one that does kexec needs is the ramdisk's.
_NEEDED_CONFIG = ("CONFIG_RELOCATABLE", "CONFIG_BLK_DEV_INITRD", "CONFIG_DEVTMPFS")


@dataclass(frozen=True)
class _Found:
    path: str
    version: bytes
    entry: Entry


def findings(facts: Facts) -> Iterator[Outcome]:
    tree = facts.tree
    boot = {name: entry for name, entry in tree.under("boot")}
    kernels = _kernels(tree, boot)
    if not kernels:
        yield Finding(rules.KERNEL_MISSING, "there is no /boot/vmlinuz-VERSION and no /vmlinuz")
    initrds = dict(_initrds(tree, boot))
    for kernel in kernels:
        yield from _image(kernel)
        yield from _config(kernel, tree, initrd=kernel.version in initrds)
        yield from _modules(kernel, tree)
        if not _has_initrd(kernel, tree, initrds):
            shown = printable(kernel.version)
            text = f"{kernel.path} has no /boot/initrd.img-{shown} or initramfs-{shown}.img"
            yield Finding(rules.INITRD_MISSING, text)
    for initrd in initrds.values():
        yield from _initrd(initrd, {kernel.version for kernel in kernels})
    yield from _links(tree)
    yield from _system_map(boot)


def _has_initrd(kernel: _Found, tree: Tree, initrds: dict[bytes, _Found]) -> bool:
    plain = kernel.path in [f"/{path}" for path in _PLAIN_KERNELS]
    return kernel.version in initrds or (plain and any(map(tree.file, _PLAIN_INITRDS)))


def _kernels(tree: Tree, boot: dict[bytes, Entry]) -> list[_Found]:
    """Those of /boot; else those that distributions keep beside the modules; else /vmlinuz."""
    found = [
        _Found(f"/boot/{printable(name)}", match[1], entry)
        for name in sorted(boot)
        if (match := _KERNEL.fullmatch(name)) and (entry := tree.file(b"boot/" + name))
    ]
    found = found or [
        _Found(f"/{_MODULES}/{printable(version)}/vmlinuz", version, entry)
        for version, _ in sorted(tree.under(_MODULES))
        if (entry := tree.file(f"{_MODULES}/".encode() + version + b"/vmlinuz"))
    ]
    return (
        found
        or [
            _Found(f"/{path}", _own_version(entry), entry)
            for path in _PLAIN_KERNELS
            if (entry := tree.file(path))
        ][:1]
    )


def _own_version(kernel: Entry) -> bytes:
    """The version that the kernel tells of itself; empty if it is no kernel."""
    try:
        return bzimage.parse(kernel.content or b"").version.encode()
    except ValueError:
        return b""


def _initrds(tree: Tree, boot: dict[bytes, Entry]) -> Iterator[tuple[bytes, _Found]]:
    for name in sorted(boot):
        match = _INITRD.fullmatch(name)
        entry = tree.file(b"boot/" + name)
        if match and entry and not _NOT_INITRD.fullmatch(name):
            version = match[1] or match[2]
            yield version, _Found(f"/boot/{printable(name)}", version, entry)


def _image(kernel: _Found) -> Iterator[Outcome]:
    if kernel.entry.content is None:
        yield Unchecked(rules.KERNEL_FORMAT, f"the content of {kernel.path} is not kept")
        return
    try:
        image = bzimage.parse(kernel.entry.content)
    except ValueError as problem:
        yield Finding(rules.KERNEL_FORMAT, f"{kernel.path} {problem}")
        return
    if image.lacking:
        yield Finding(rules.KERNEL_KEXEC, f"{kernel.path} lacks {', '.join(image.lacking)}")
    if kernel.entry.size < image.size_bytes:
        size, wanted = kernel.entry.size, image.size_bytes
        yield Finding(
            rules.KERNEL_CUT, f"{kernel.path} has {size} bytes, its header tells of {wanted}"
        )
    version = printable(kernel.version)
    if image.version and image.version != version and not kernel.version.startswith(_RESCUE):
        shown = printable(image.version.encode())
        yield Finding(rules.KERNEL_VERSION, f"{kernel.path} is version {shown}")
    if not image.efi_stub:
        yield Finding(rules.KERNEL_EFI_STUB, f"{kernel.path} has no EFI stub")


def _config(kernel: _Found, tree: Tree, *, initrd: bool) -> Iterator[Outcome]:
    config = tree.file(b"boot/config-" + kernel.version)
    if config is None:
        return
    if config.content is None:
        shown = printable(kernel.version)
        yield Unchecked(rules.KERNEL_CONFIG, f"the content of /boot/config-{shown} is not kept")
        return
    lines = set(config.content.splitlines())
    needed = [name for name in _NEEDED_CONFIG if initrd or name != "CONFIG_BLK_DEV_INITRD"]
    lacking = [name for name in needed if f"{name}=y".encode() not in lines]
    if lacking:
        text = f"/boot/config-{printable(kernel.version)} lacks {', '.join(lacking)}"
        yield Finding(rules.KERNEL_CONFIG, text)


def _modules(kernel: _Found, tree: Tree) -> Iterator[Outcome]:
    if kernel.version.startswith(_RESCUE) or not kernel.version:
        return
    folder = f"{_MODULES}/".encode() + kernel.version
    if tree.find(folder) is None:
        config = tree.file(b"boot/config-" + kernel.version)
        if config and config.content and b"\nCONFIG_MODULES=y" not in b"\n" + config.content:
            return  # it says that it has none
        yield Finding(rules.MODULES_MISSING, f"there is no /{printable(folder)}")
        return
    listing = tree.file(folder + b"/modules.dep") or tree.file(folder + b"/modules.dep.bin")
    if listing is None:
        yield Finding(rules.MODULES_DEP, f"there is no /{printable(folder)}/modules.dep")


def _initrd(initrd: _Found, versions: set[bytes]) -> Iterator[Outcome]:
    if versions and initrd.version not in versions:
        yield Finding(rules.INITRD_ORPHAN, f"{initrd.path} has no kernel of its version")
    head = initrd.entry.content
    if head is None and initrd.entry.size:
        yield Unchecked(rules.INITRD_FORMAT, f"the content of {initrd.path} is not kept")
    elif not head or not head.startswith(_INITRD_MAGICS):
        begins = f"begins with {head[:6].hex()}" if head else "is empty"
        yield Finding(rules.INITRD_FORMAT, f"{initrd.path} {begins}")


def _links(tree: Tree) -> Iterator[Outcome]:
    dangling = [f"/{path}" for path in _LINKS if _dangles(tree, path)]
    if dangling:
        yield Finding(rules.KERNEL_LINK, f"leads nowhere: {listed(dangling)}")


def _dangles(tree: Tree, path: str) -> bool:
    folder, _, name = path.rpartition("/")
    here = dict(tree.under(folder)).get(name.encode())
    return here is not None and here.kind is Kind.SYMLINK and tree.file(path) is None


def _system_map(boot: dict[bytes, Entry]) -> Iterator[Outcome]:
    count = sum(name.startswith(b"System.map-") for name in boot)
    if count != 1:
        yield Finding(rules.SYSTEM_MAP, f"there are {count} files /boot/System.map-*, not one")
