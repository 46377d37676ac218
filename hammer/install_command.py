"""`hammer install`: on a running Linux, from a document given by hand."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from hammer import cmdline
from hammer.abandon import abandoned_on_failure
from hammer.algorithm import Algorithm
from hammer.bar import bar_sink
from hammer.cmdline import Settings
from hammer.console import Console, json_sink, text_sink
from hammer.control.protocol import ControlPlane, step_sink
from hammer.errors import Interrupted
from hammer.hand_over import hand_over
from hammer.host.lock import only_agent
from hammer.host.terminal import Terminal, columns_of, has_cursor
from hammer.journal import Journal
from hammer.life import tell_memory
from hammer.machine import Machine
from hammer.report import (
    ConsoleHandler,
    Subparsers,
    failure_of,
    log_to,
    raise_on_signals,
    reported,
    stdout,
)
from hammer.sequence import provision
from hammer.step import Step
from hammer.steps.kernel import Kernel
from hammer.this_machine import TARGET, spec_file, this_machine


def add_to(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add `install`."""
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
    install.add_argument(
        "--os-image",
        metavar="URL",
        help="an OSImage that names the image, in place of the machine document",
    )
    install.add_argument(
        "--min-digest",
        type=Algorithm,
        choices=list(Algorithm),
        default=Settings().min_digest,
        metavar="ALGORITHM",
        help="weakest digest to compare the image by: md5, sha256, sha512 (default %(default)s)",
    )
    install.add_argument("--format", choices=("text", "json"), default="text")
    install.add_argument("--debug", action="store_true", help="show every command")
    install.set_defaults(command=install_command)


def install_command(arguments: argparse.Namespace) -> int:
    """A failure, and a stop as well, is given up: the machine has a system to look from."""
    console = console_of(arguments.format)
    if arguments.debug:
        log_to(ConsoleHandler(console))
    raise_on_signals()

    def life() -> None:
        settings = replace(
            cmdline.parse(cmdline.read()),
            spec=arguments.machine,
            install_limit_s=arguments.install_limit_s,
            retry_s=arguments.retry_s,
            os_image=arguments.os_image,
            min_digest=arguments.min_digest,
            preserve=arguments.preserve,
        )
        machine = this_machine(
            console,
            settings,
            target=arguments.target.resolve(),
            kexec=not arguments.no_kexec,
            installer=arguments.installer,
        )
        control = spec_file(settings, console, machine.pulse)
        ask = not arguments.yes and sys.stdin is not None and sys.stdin.isatty()
        journal = Journal()
        kernel = installed(machine, control, journal, ask=ask)
        if kernel.loaded:
            hand_over(machine, control, journal, pause_s=settings.pause_s)
        elif kernel.refused:
            console.say("restart this machine to start the installed system")

    status = reported(console, life)
    if status:
        tell_memory(console)
    return status


def console_of(form: str) -> Console:
    """Events or lines on the standard output; where a bar can be drawn, one."""
    if form == "json":
        return Console([json_sink(stdout)])
    if sys.stdout is None or not has_cursor(sys.stdout):
        return Console([text_sink(stdout)])
    terminal = Terminal(sys.stdout)
    text = text_sink(terminal.write)
    columns = partial(columns_of, sys.stdout)
    return Console([], live=[bar_sink(text, terminal.draw, columns=columns)])


def installed(machine: Machine, control: ControlPlane, journal: Journal, *, ask: bool) -> Kernel:
    """One installation, from document to report."""
    try:
        control.begun(Step.CHECK)
        machine.console.tell_also(step_sink(control))
        spec = control.wait_for_spec()
        if ask:
            confirm([disk.device for disk in spec.layout.disks])
        with only_agent(), abandoned_on_failure(machine, journal):
            kernel = provision(machine, spec, journal)
    except BaseException as cause:
        control.failed(failure_of(cause), bundle=None)
        raise
    control.installed()
    tell_memory(machine.console)
    machine.console.tell_steps()
    machine.console.event("installed", kernel=kernel.kernel, loaded=kernel.loaded)
    return kernel


def confirm(disks: Sequence[str]) -> None:
    """Let a person at a terminal say no. Raises Interrupted."""
    try:
        answer = input(f"This erases {', '.join(disks)}. Type `yes` to go on: ")
    except EOFError:
        answer = ""
    if answer.strip() != "yes":
        raise Interrupted(by="an answer that is not `yes`", by_person=True)
