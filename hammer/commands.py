"""The commands of `hammer`: read the command line, install, report, hand over."""

import argparse
import logging
import os
import stat
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from hammer import VERSION, cmdline, redact
from hammer.cmdline import Settings
from hammer.console import MIB, Console, json_sink, text_sink
from hammer.control.protocol import ControlPlane
from hammer.control.spec_file import SpecFile
from hammer.errors import ControlUnsupported, Interrupted, NotRamdisk
from hammer.host import network
from hammer.host.carried import CARRIED_INSTALLER
from hammer.host.chroot import HostChroot
from hammer.host.disks import HostDisks
from hammer.host.firmware import EfiFirmware, NoFirmware
from hammer.host.identity import identity, in_ramdisk, peak_memory
from hammer.host.lock import only_agent
from hammer.host.mounts import HostMounts
from hammer.host.power import HostPower
from hammer.host.programs import HostPrograms
from hammer.host.shell import open_shell
from hammer.image import commands as image_commands
from hammer.machine import Machine
from hammer.report import (
    ConsoleHandler,
    failure_of,
    log_to,
    raise_on_signals,
    reported,
    stdout,
)
from hammer.sequence import provision
from hammer.shell import commands as shell_commands
from hammer.step import Step
from hammer.steps.kernel import Kernel
from hammer.stream.http import Patience
from hammer.stream.image import HttpImages

RUN_DIRECTORY = Path("/run/hammer")
EVENTS_LIMIT_BYTES = 16 * MIB
TARGET = Path("/rootfs")
DEFAULT_CONSOLE = "ttyS0"


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    command: Callable[[argparse.Namespace], int] = arguments.command
    return command(arguments)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="hammer", description="Install a bare-metal machine.")
    top.add_argument("--version", action="version", version=f"hammer {VERSION}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="the whole life in the ramdisk, ending with kexec")
    run.set_defaults(command=run_command)

    install = commands.add_parser(
        "install", help="install from a running Linux; ERASES the disks that the document names"
    )
    install.add_argument("machine", metavar="MACHINE", help="machine document, path or URL")
    install.add_argument("--target", type=Path, default=TARGET, help="empty directory to mount on")
    install.add_argument("--no-kexec", action="store_true", help="install, and go on running")
    install.add_argument("--yes", action="store_true", help="do not ask before erasing")
    install.add_argument("--preserve", action="store_true", help="keep the disks after a failure")
    install.add_argument(
        "--installer",
        type=Path,
        metavar="FILE",
        help="a program that installs images without /install-go and /install.sh",
    )
    install.add_argument(
        "--install-limit-s",
        type=int,
        default=Settings().install_limit_s,
        metavar="S",
        help="how long the installer may take (default %(default)s)",
    )
    install.add_argument(
        "--retry-s",
        type=int,
        default=Settings().retry_s,
        metavar="S",
        help="how long a server that does not answer is tried again (default %(default)s)",
    )
    install.add_argument("--format", choices=("text", "json"), default="text")
    install.add_argument("--debug", action="store_true", help="show every command")
    install.set_defaults(command=install_command)

    shell_commands.add_to(commands)
    image_commands.add_to(commands)
    return top


# --- the commands -------------------------------------------------------------------------


def run_command(_: argparse.Namespace) -> int:
    """In the ramdisk. Comes back only when something failed; initramfs/init takes over then."""
    if not in_ramdisk():
        return reported(Console([text_sink(stdout)]), refuse_to_run)
    RUN_DIRECTORY.mkdir(parents=True, exist_ok=True)
    log_to(logging.FileHandler(RUN_DIRECTORY / "hammer.log"))
    sinks = [text_sink(stdout), json_sink(appender(RUN_DIRECTORY / "events.jsonl"))]
    console = Console(sinks)
    raise_on_signals()

    def life() -> NoReturn:
        words = cmdline.read()
        if told := cmdline.events(words):
            sinks.append(json_sink(appender(Path(told))))
        settings = cmdline.parse(words)
        if settings.debug:
            log_to(ConsoleHandler(console))
        console.event("start", version=VERSION, spec=redact.url(settings.spec))
        console.say(f"hammer {VERSION}")
        console.before_step(lambda step: break_before(settings, step))
        address = network.bring_up(HostPrograms(), settings.ip)
        if address:
            console.say(f"{address.interface} has {address.address}")
        control = control_plane(settings, console)
        machine = this_machine(console, settings, target=TARGET, kexec=True)
        hand_over(machine, installed(machine, control), pause_s=settings.pause_s)

    status = reported(console, life)
    tell_memory(console)
    return status


def refuse_to_run() -> NoReturn:
    raise NotRamdisk()


def install_command(arguments: argparse.Namespace) -> int:
    """On a running Linux, from a document given by hand."""
    sink = json_sink if arguments.format == "json" else text_sink
    console = Console([sink(stdout)])
    if arguments.debug:
        log_to(ConsoleHandler(console))
    raise_on_signals()

    def life() -> None:
        settings = replace(
            cmdline.parse(cmdline.read()),
            spec=arguments.machine,
            install_limit_s=arguments.install_limit_s,
            retry_s=arguments.retry_s,
            preserve=arguments.preserve,
        )
        machine = this_machine(
            console,
            settings,
            target=arguments.target.resolve(),
            kexec=not arguments.no_kexec,
            installer=arguments.installer,
        )
        control = spec_file(settings, console)
        kernel = installed(
            machine, control, ask=not arguments.yes and sys.stdin is not None and sys.stdin.isatty()
        )
        if kernel.loaded:
            hand_over(machine, kernel, pause_s=settings.pause_s)

    status = reported(console, life)
    if status:
        tell_memory(console)
    return status


# --- their parts --------------------------------------------------------------------------


def this_machine(
    console: Console,
    settings: Settings,
    *,
    target: Path,
    kexec: bool,
    installer: Path | None = None,
) -> Machine:
    """The machine we run on, with nothing faked."""
    programs = HostPrograms()
    who = identity()
    return Machine(
        identity=who,
        console=console,
        programs=programs,
        disks=HostDisks(programs),
        mounts=HostMounts(programs),
        images=HttpImages(patience=patience(settings), on_retry=console.say),
        chroot=HostChroot(),
        firmware=EfiFirmware(programs) if who.efi else NoFirmware(),
        power=HostPower() if kexec else None,
        target=target,
        serial_console=settings.console or DEFAULT_CONSOLE,
        installer=installer or carried_installer(),
        install_limit_s=settings.install_limit_s,
        preserve=settings.preserve,
    )


def carried_installer() -> Path | None:
    """The installer that the ramdisk carries, if we are in one that does."""
    return CARRIED_INSTALLER if in_ramdisk() and CARRIED_INSTALLER.exists() else None


def patience(settings: Settings) -> Patience:
    return Patience(retry_for_s=settings.retry_s)


def spec_file(settings: Settings, console: Console) -> SpecFile:
    return SpecFile(settings.spec, patience=patience(settings), on_retry=console.say)


def control_plane(settings: Settings, console: Console) -> ControlPlane:
    """Who gives the orders. A document named on the command line, or built in, decides."""
    embedded = settings.spec == cmdline.EMBEDDED_SPEC
    if settings.pixie_api_url and embedded and not Path(settings.spec).exists():
        raise ControlUnsupported(name="PIXIE_API_URL (metal-api)")
    return spec_file(settings, console)


def installed(machine: Machine, control: ControlPlane, *, ask: bool = False) -> Kernel:
    """One installation, from document to report."""
    try:
        spec = control.wait_for_spec()
        if ask:
            confirm([disk.device for disk in spec.layout.disks])
        with only_agent():
            kernel = provision(machine, spec)
    except BaseException as error:
        control.failed(failure_of(error))
        raise
    control.installed()
    tell_memory(machine.console)
    machine.console.event("installed", kernel=kernel.kernel, loaded=kernel.loaded)
    return kernel


def tell_memory(console: Console) -> None:
    memory = peak_memory()
    console.event("memory", agent_mib=memory.agent_mib, child_mib=memory.child_mib)


def confirm(disks: Sequence[str]) -> None:
    """Let a person at a terminal say no. Raises Interrupted."""
    try:
        answer = input(f"This erases {', '.join(disks)}. Type `yes` to go on: ")
    except EOFError:
        answer = ""
    if answer.strip() != "yes":
        raise Interrupted()


def hand_over(machine: Machine, kernel: Kernel, *, pause_s: int) -> NoReturn:
    """Start the loaded kernel. This line is the end of the agent."""
    assert machine.power is not None
    machine.console.say(f"kexec in {pause_s} s, Ctrl-C stops it")
    time.sleep(pause_s)
    machine.console.event("kexec", kernel=kernel.kernel, cmdline=kernel.cmdline)
    machine.power.kexec()


def break_before(settings: Settings, step: Step) -> None:
    if step is settings.break_at:
        stdout(f"stopped before {step}; leave the shell to go on\n")
        open_shell(f"hammer, before {step}")


def appender(path: Path) -> Callable[[str], None]:
    """Writes to the end of a file or to a serial line; what cannot be opened gets nothing.

    A disk gets nothing either, whatever the command line says. A file ends at
    EVENTS_LIMIT_BYTES: it lies in memory, and an installer may print for ever.
    """
    handle = -1
    with suppress(OSError):
        # A terminal must not become ours, and one that nobody reads must not stop us.
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOCTTY | os.O_NONBLOCK
        handle = os.open(path, flags | os.O_CLOEXEC, 0o600)
        if stat.S_ISBLK(os.fstat(handle).st_mode):
            os.close(handle)
            handle = -1

    def write(text: str) -> None:
        if os.fstat(handle).st_size < EVENTS_LIMIT_BYTES:  # of a terminal it is 0
            os.write(handle, text.encode())

    return write
