"""`hammer image try`: its arguments, and how its verdict is told."""

import argparse
import json
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hammer.console import Console, Event, printable, text_sink
from hammer.errors import ArgumentInvalid
from hammer.report import Subparsers, raise_on_signals, reported, stdout

# What it does is imported when it is asked for: this module is in the ramdisk
# with all commands, and trials are not.
if TYPE_CHECKING:
    from hammer.image.trial.run import Trial, Tried

INSTALL_LIMIT_S = 900
BOOT_LIMIT_S = 300
MEMORY_MIB = 2048
ACCELS = ("tcg", "kvm")
LARGEST = 1 << 20  # a PiB of disk, a TiB of memory, twelve days

# What only a document of our own is made of.
OF_OWN_DOCUMENT = ("role", "ssh_key", "userdata")


def add_to(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    tries = commands.add_parser(
        "try",
        help="install an image in a virtual machine and see it come up",
        description="Boot the ramdisk in QEMU, install the image with it, start its kernel by "
        "kexec, and wait until its system is up. Exit status: 0 it is up, 20 the image is at "
        "fault, 10 the machine document, 30 this host, 2 the command line.",
    )
    tries.add_argument("image", metavar="IMAGE", help="file or URL; its .md5 lies beside it")
    tries.add_argument("--machine", type=Path, metavar="FILE", help="machine document to use")
    tries.add_argument("--uefi", action="store_true", help="UEFI firmware instead of BIOS")
    tries.add_argument("--role", choices=("machine", "firewall"), help="default: machine")
    tries.add_argument("--ssh-key", type=Path, metavar="FILE", help="public keys for the system")
    tries.add_argument("--userdata", type=Path, metavar="FILE", help="user data for the system")
    tries.add_argument(
        "--installer", type=Path, metavar="FILE", help="for an image that has none of its own"
    )
    tries.add_argument("--disk-gib", type=int, metavar="GIB", help="size of the disk")
    tries.add_argument("--memory-mib", type=int, default=MEMORY_MIB, metavar="MIB")
    tries.add_argument(
        "--marker",
        metavar="REGEX",
        help="line of the console that says the system is up (default: a login prompt)",
    )
    tries.add_argument(
        "--install-limit-s",
        type=int,
        default=INSTALL_LIMIT_S,
        metavar="S",
        help="until kexec; half of it is for the image's installer (default %(default)s)",
    )
    tries.add_argument(
        "--boot-limit-s",
        type=int,
        default=BOOT_LIMIT_S,
        metavar="S",
        help="from kexec until the system is up (default %(default)s)",
    )
    tries.add_argument("--ramdisk", type=Path, metavar="DIR", help="default: build/ramdisk")
    tries.add_argument(
        "--accel", choices=ACCELS, help="default: $HAMMER_VM_ACCEL, or tcg (emulation)"
    )
    tries.add_argument("--keep", type=Path, metavar="DIR", help="where to keep the logs")
    tries.add_argument("--console", action="store_true", help="show the whole serial console")
    tries.add_argument("--format", choices=("text", "json"), default="text")
    tries.set_defaults(command=try_command)


def try_command(arguments: argparse.Namespace) -> int:
    """Try an image. With --format json the verdict is on stdout and all else on stderr."""
    as_json = arguments.format == "json"
    write = stderr if as_json else stdout
    events: list[Event] = []
    console = Console([text_sink(write), events.append])
    found: list[Tried] = []
    raise_on_signals()

    def life() -> None:
        from hammer.image.trial.run import run

        found.append(
            run(
                trial_of(arguments),
                say=console.say,
                show=lambda line: write(printable(line) + "\n"),
                show_console=arguments.console,
            )
        )

    status = reported(console, life)
    tried = found[0] if found else None
    if tried:
        tell(console, tried, write)
        status = tried.outcome.failure.exit_status if tried.outcome.failure else status
    if as_json:
        failed = [event for event in events if event["event"] == "failed"]
        told = verdict(tried, failed[-1] if failed else {}, status)
        stdout(json.dumps(told, indent=2) + "\n")
    elif status == 0 and tried:
        stdout(f"PASSED\n  {printable(tried.outcome.marker or '')}\n")
    return status


def trial_of(arguments: argparse.Namespace) -> "Trial":
    """What the command line asks for. Raises ArgumentInvalid, RamdiskMissing."""
    from hammer.host.qemu import DEFAULT_ACCEL
    from hammer.image.trial.machine import Wanted
    from hammer.image.trial.ramdisk import found_ramdisk
    from hammer.image.trial.run import Trial, kept_directory
    from hammer.image.trial.watch import Limits

    for name in ("disk_gib", "memory_mib", "install_limit_s", "boot_limit_s"):
        value = getattr(arguments, name)
        if value is not None and value < 1:
            raise ArgumentInvalid(argument=option(name), reason=f"{value} is less than 1")
        if value is not None and value > LARGEST:
            raise ArgumentInvalid(argument=option(name), reason=f"{value} is more than {LARGEST}")
    if arguments.machine:
        for name in OF_OWN_DOCUMENT:
            if getattr(arguments, name) is not None:
                reason = "belongs into the document that --machine names"
                raise ArgumentInvalid(argument=option(name), reason=reason)
    accel = arguments.accel or DEFAULT_ACCEL
    if accel not in ACCELS:
        reason = f"{accel} is none of {', '.join(ACCELS)}"
        raise ArgumentInvalid(argument="HAMMER_VM_ACCEL", reason=reason)
    return Trial(
        image=arguments.image,
        ramdisk=found_ramdisk(arguments.ramdisk),
        document=arguments.machine,
        wanted=Wanted(
            role=arguments.role or "machine",
            uefi=arguments.uefi,
            ssh_key=arguments.ssh_key,
            user_data=arguments.userdata,
        ),
        installer=arguments.installer and installer_of(arguments.installer),
        disk_gib=arguments.disk_gib,
        marker=pattern(arguments.marker),
        accel=accel,
        memory_mib=arguments.memory_mib,
        limits=Limits(install_s=arguments.install_limit_s, boot_s=arguments.boot_limit_s),
        keep=arguments.keep and kept_directory(arguments.keep),
    )


def installer_of(path: Path) -> bytes:
    """What the ramdisk is to carry. Raises InstallerUnusable."""
    from hammer.host import carried

    carried.check(path)
    return path.read_bytes()


def option(name: str) -> str:
    return "--" + name.replace("_", "-")


def pattern(text: str | None) -> re.Pattern[str] | None:
    if text is None:
        return None
    try:
        compiled = re.compile(text)
    except re.error as error:
        reason = f"not a regular expression: {error}"
        raise ArgumentInvalid(argument="--marker", reason=reason) from None
    if compiled.search(""):
        reason = "is found in every line, and would prove nothing"
        raise ArgumentInvalid(argument="--marker", reason=reason)
    return compiled


def tell(console: Console, tried: "Tried", write: Callable[[str], object]) -> None:
    """The end of a trial, for people."""
    outcome = tried.outcome
    if outcome.failure and not outcome.by_agent:
        console.say("the last lines of the console:")
        for line in outcome.tail:
            write(f"      | {printable(line)}\n")
    if outcome.seconds:
        console.say(f"seconds: {in_words(outcome.seconds)}")
    for remark in outcome.remarks:
        console.warn(remark)
    if tried.console:
        console.say(f"the whole console: {tried.console}")
    if outcome.failure:
        console.failed(outcome.failure)


def in_words(seconds: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.1f}" for name, value in seconds.items())


def verdict(tried: "Tried | None", failed: Event, status: int) -> Event:
    """The verdict as data, of the event `failed` if there was one; every key is always there."""
    outcome = tried.outcome if tried else None
    return {
        "verdict": "failed" if failed else "up",
        "exit_status": status,
        "code": failed.get("code"),
        "message": failed.get("message"),
        "hint": failed.get("hint"),
        "notes": failed.get("notes", []),
        "marker": outcome and outcome.marker,
        "remarks": list(outcome.remarks) if outcome else [],
        "seconds": outcome.seconds if outcome else {},
        "console": str(tried.console) if tried and tried.console else None,
        "tail": [printable(line) for line in outcome.tail] if outcome else [],
    }


def stderr(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
