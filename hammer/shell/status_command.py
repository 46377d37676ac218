"""`hammer status`: where the installation stands, what is mounted, the last error, the disks."""

import argparse
from collections.abc import Iterator

from hammer.console import Console, failed_lines, printable, text_sink
from hammer.host.disks import MIB, Disk, HostDisks
from hammer.host.lock import running_agent
from hammer.host.mounts import mount_points
from hammer.host.programs import HostPrograms
from hammer.journal import Journal
from hammer.life import RUN_DIRECTORY
from hammer.report import Subparsers, answer, raise_on_signals, reported, stdout
from hammer.step import Step
from hammer.this_machine import TARGET


def add_to(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add `status`."""
    status = commands.add_parser("status", help="steps, mounts, the last error, disks")
    status.set_defaults(command=status_command)


def status_command(_: argparse.Namespace) -> int:
    raise_on_signals()

    def life() -> None:
        journal = Journal.read(RUN_DIRECTORY)
        answer("".join(f"{line}\n" for line in lines(journal, agent=running_agent())))

    return reported(Console([text_sink(stdout)]), life)


def lines(journal: Journal, *, agent: int | None) -> Iterator[str]:
    """What is shown, at most 80 columns wide; `agent` is the process that is at work."""
    if agent is None:
        yield f"installation: {journal.where()}"
    else:
        yield f"installation: hammer is at work on it, process {agent}"
    for step in Step:
        yield f"{step.number:>2}/{len(Step)} {step:<9} {_state(journal, step, agent)}"
    if journal.failure is not None:
        yield from failed_lines(journal.failure)
    yield from _mounts()
    yield from _disks(journal)


def _state(journal: Journal, step: Step, agent: int | None) -> str:
    if step in journal.done:
        return f"done in {journal.done[step]:.1f} s"
    if step is journal.begun:
        if agent is not None:
            return "begun"
        return "failed" if journal.failure is not None else "stopped"
    return "-"


def _mounts() -> Iterator[str]:
    ours = [each for each in mount_points() if TARGET in (each.where, *each.where.parents)]
    yield "mounted:" if ours else "mounted: nothing"
    for each in ours:
        yield printable(f"  {each.source} on {each.where} ({each.fstype})")[:80]


def _disks(journal: Journal) -> Iterator[str]:
    disks = HostDisks(HostPrograms())
    yield "disks:"
    for path in disks.names():
        disk = disks.find(path)
        size = f"{disk.size_bytes // MIB} MiB" if isinstance(disk, Disk) else disk
        written = ", written to by this installation" if path in journal.disks else ""
        yield printable(f"  {path}, {size}{written}")[:80]
