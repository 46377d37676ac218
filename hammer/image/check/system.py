"""Rules of the installed system: what starts it, what installers call, what must not be shipped."""

from collections.abc import Iterator

from hammer.image.check import programs, rules
from hammer.image.check.reader import Facts
from hammer.image.check.rules import Finding, Outcome, Unchecked, listed
from hammer.image.check.tree import Tree
from hammer.stream.member import Kind, printable

_INIT = "sbin/init"
_SHELL = "bin/sh"
_BOOT_LOADERS = ("grub-install", "grub2-install", "bootctl")
_BOOT_EFI = "usr/lib/systemd/boot/efi/systemd-bootx64.efi"
_COMPONENTS = {
    "FRR": ("usr/lib/frr/zebra", "usr/libexec/frr/zebra", "usr/sbin/zebra"),
    "go-lldpd": ("usr/local/bin/go-lldpd", "usr/bin/go-lldpd", "usr/sbin/go-lldpd"),
    "ignition": (
        "usr/local/bin/ignition",
        "usr/bin/ignition",
        "usr/lib/dracut/modules.d/30ignition",
    ),
    "cloud-init": ("usr/bin/cloud-init",),
}
_SETUID_SETGID = 0o6000
_SHOWN_PROGRAMS = 12


def findings(facts: Facts) -> Iterator[Outcome]:
    tree = facts.tree
    yield from _programs(tree)
    yield from _os_release(tree)
    yield from _passwd(tree)
    yield from _tools(tree)
    yield from _left_over(tree)
    yield from _privileged(tree)
    yield from _components(tree)


def _programs(tree: Tree) -> Iterator[Outcome]:
    for path, rule in ((_INIT, rules.INIT_MISSING), (_SHELL, rules.SHELL_MISSING)):
        entry = tree.file(path)
        if entry is None:
            yield Finding(rule, f"there is no /{path}, or it leads nowhere")
        elif not entry.mode & 0o111:
            yield Finding(rule, f"/{path} is not executable (mode {entry.mode:04o})")
        elif not entry.size:
            yield Finding(rule, f"/{path} is empty")
        elif reason := programs.machine_problem(entry):
            yield Finding(rules.ARCHITECTURE, f"/{path} {reason}")
        elif entry.starter is None:
            text = f"the first {programs.HEAD_BYTES} bytes of /{path} do not tell what starts it"
            yield Unchecked(rules.PROGRAM_LOADER, text)
        elif reason := programs.starter_problem(tree, entry):
            yield Finding(rules.PROGRAM_LOADER, f"/{path} {reason}")


def _os_release(tree: Tree) -> Iterator[Outcome]:
    entry = tree.file("etc/os-release") or tree.file("usr/lib/os-release")
    if entry is None:
        yield Finding(rules.OS_RELEASE, "there is no /etc/os-release and no /usr/lib/os-release")
    elif entry.content is None:
        yield Unchecked(rules.OS_RELEASE, "the content of /etc/os-release is not kept")
    else:
        keys = {
            line.partition(b"=")[0]
            for line in entry.content.splitlines()
            if line.partition(b"=")[2].strip(b"\"' ")
        }
        lacking = [key for key in ("ID", "VERSION_ID") if key.encode() not in keys]
        if lacking:
            yield Finding(rules.OS_RELEASE, f"/etc/os-release has no {' and no '.join(lacking)}")


def _passwd(tree: Tree) -> Iterator[Outcome]:
    entry = tree.file("etc/passwd")
    if entry is not None and entry.content is None and entry.size:
        yield Unchecked(rules.PASSWD_ROOT, "the content of /etc/passwd is not kept")
        return
    lines = (entry.content or b"").splitlines() if entry else []
    fields = [line.split(b":") for line in lines]
    if not any(each[0] == b"root" and each[2:3] == [b"0"] for each in fields):
        where = "has no user root with uid 0" if entry else "is not there"
        yield Finding(rules.PASSWD_ROOT, f"/etc/passwd {where}")


def _tools(tree: Tree) -> Iterator[Outcome]:
    for rule, names in (
        (rules.TOOL_USERADD, ("useradd", "adduser")),
        (rules.TOOL_PASSWD, ("chpasswd", "passwd")),
        (rules.TOOL_SSHD, ("sshd",)),
    ):
        if tree.program(*names) is None:
            yield Finding(rule, f"there is no program {' or '.join(names)}")
    if tree.program(*_BOOT_LOADERS) is None and tree.file(_BOOT_EFI) is None:
        text = f"there is no program {' or '.join(_BOOT_LOADERS)}, and no /{_BOOT_EFI}"
        yield Finding(rules.BOOT_LOADER, text)


def _left_over(tree: Tree) -> Iterator[Outcome]:
    machine_id = tree.file("etc/machine-id")
    # "uninitialized": machine-id(5), "First Boot Semantics".
    if machine_id and machine_id.content is None and machine_id.size:
        yield Unchecked(rules.MACHINE_ID, "the content of /etc/machine-id is not kept")
    elif machine_id and (machine_id.content or b"").strip() not in (b"", b"uninitialized"):
        yield Finding(rules.MACHINE_ID, "/etc/machine-id holds an id")
    keys = [
        f"/etc/ssh/{printable(name)}"
        for name, entry in sorted(tree.under("etc/ssh"))
        if name.startswith(b"ssh_host_") and name.endswith(b"_key") and entry.kind is Kind.FILE
    ]
    if keys:
        yield Finding(rules.SSH_HOST_KEYS, f"shipped: {listed(keys)}")
    if b".dockerenv" in tree.entries:
        yield Finding(rules.DOCKERENV, "there is a /.dockerenv")


def _privileged(tree: Tree) -> Iterator[Outcome]:
    setuid, capable = [], []
    for path, entry in tree.entries.items():
        if entry.kind is not Kind.FILE:
            continue
        if entry.mode & _SETUID_SETGID and entry.mode & 0o111:
            setuid.append(f"/{printable(path)} ({entry.mode:04o})")
        if entry.capable:
            capable.append(f"/{printable(path)}")
    if setuid:
        yield Finding(rules.SETUID, listed(sorted(setuid), shown=_SHOWN_PROGRAMS))
    if capable:
        yield Finding(rules.CAPABILITIES, listed(sorted(capable), shown=_SHOWN_PROGRAMS))


def _components(tree: Tree) -> Iterator[Outcome]:
    there = {name: any(tree.find(path) for path in paths) for name, paths in _COMPONENTS.items()}
    words = (f"{name} {'yes' if found else 'no'}" for name, found in there.items())
    yield Finding(rules.COMPONENTS, ", ".join(words))
