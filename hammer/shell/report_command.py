"""`hammer report`: the failure bundle out of a machine, to a server, a device or the console."""

import argparse
from base64 import encodebytes
from pathlib import Path
from typing import TYPE_CHECKING

from hammer import cmdline, redact
from hammer.console import Console, text_sink
from hammer.errors import ArgumentInvalid, ReportUndelivered
from hammer.report import Subparsers, answer, raise_on_signals, reported, stdout

if TYPE_CHECKING:
    from hammer.bundle import Bundle

ATTEMPTS = 3
SEND_LIMIT_S = 60.0
RUN = Path("/run")


def add_to(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add `report`."""
    report = commands.add_parser(
        "report", help="log, disks and error in one file: to a URL, a device, or as text"
    )
    report.add_argument(
        "where",
        nargs="?",
        metavar="URL|DEVICE",
        help="a server, or a partition with vfat or ext4 (default: the URL of hammer.report=)",
    )
    report.add_argument("--console", action="store_true", help="print it, in base64")
    report.set_defaults(command=report_command)


def report_command(arguments: argparse.Namespace) -> int:
    console = Console([text_sink(stdout)])
    raise_on_signals()

    def life() -> None:
        # Not parsed as a whole: what is wrong with it may be why there is a report.
        where = None if arguments.console else arguments.where or cmdline.report(cmdline.read())
        if where is None and not arguments.console:
            raise ArgumentInvalid(argument="report", reason="give a URL, a device, or --console")
        if arguments.console and arguments.where:
            raise ArgumentInvalid(argument="--console", reason="takes the bundle nowhere else")
        if where and "://" in where and not where.startswith(("http://", "https://")):
            raise ArgumentInvalid(argument=redact.url(where), reason="is no http or https URL")
        # Late: the contract takes a while to import.
        from hammer.bundle import keep, make_bundle, sources_here

        sources = sources_here()
        bundle = make_bundle(sources)
        keep(bundle, sources.run)
        if where is None:
            answer(as_text(bundle))
        elif "://" in where:
            console.say(sent(bundle, where))
        else:
            console.say(written(bundle, where))

    return reported(console, life)


def as_text(bundle: "Bundle") -> str:
    """For a console that somebody logs, or a screen to copy from."""
    lines = [
        f"{bundle.name}, {len(bundle.data)} bytes. From a log of this console:",
        "  sed '/^-----BEGIN HAMMER/,/^-----END HAMMER/!d;/^-----/d' LOG |",
        "    base64 -di > bundle.tar.gz",
        "-----BEGIN HAMMER BUNDLE-----",
        *encodebytes(bundle.data).decode().splitlines(),  # 76 columns (RFC 2045, 6.8)
        "-----END HAMMER BUNDLE-----",
        "sha256 of the file:",
        f"  {bundle.sha256}",
    ]
    return "\n".join(lines) + "\n"


def sent(bundle: "Bundle", url: str) -> str:
    """To a server; what is told of it. Raises ReportUndelivered."""
    from hammer.control.report_server import BUNDLE_TYPE, bundle_headers
    from hammer.host.identity import identity
    from hammer.stream.failures import FetchFailed
    from hammer.stream.post import post

    headers = bundle_headers(bundle.name, identity().machine_uuid)
    reason = ""
    for _ in range(ATTEMPTS):
        try:
            taken = post(
                url,
                bundle.data,
                content_type=BUNDLE_TYPE,
                headers=headers,
                connect_s=SEND_LIMIT_S / 6,
                limit_s=SEND_LIMIT_S,
            )
        except FetchFailed as failure:
            reason = failure.reason
        else:
            return f"{bundle.name}: {redact.url(url)} has it (HTTP status {taken.status})"
    raise ReportUndelivered(url=url, reason=f"{reason}, {ATTEMPTS} times")


def written(bundle: "Bundle", device: str) -> str:
    """Onto a device; what is told of it. Raises ArgumentInvalid, FileFailed, MountFailed."""
    from hammer.host.disks import HostDisks
    from hammer.host.mounts import HostMounts
    from hammer.host.programs import HostPrograms
    from hammer.host.stick import check_stick, write_to_stick

    programs = HostPrograms()
    fstype = check_stick(
        device, programs=programs, disks=HostDisks(programs), keep_off=disks_of_the_layout()
    )
    write_to_stick(
        device, fstype, bundle.name, bundle.data, mounts=HostMounts(programs), mount_below=RUN
    )
    return f"{bundle.name} is on {device}, which can be unplugged"


def disks_of_the_layout() -> tuple[str, ...]:
    """What this run erases; none when no document was read, or none that can be carried out."""
    import contract
    from hammer.bundle import RUN_DIRECTORY
    from hammer.journal import DOCUMENT

    try:
        document = contract.load_file(contract.MachineDocument, RUN_DIRECTORY / DOCUMENT)
    except (OSError, contract.ContractError):
        return ()
    return tuple(disk.device for disk in document.allocation.filesystemlayout.disks)
