"""One trial of an image: served, installed in a guest by the real sequence, started by kexec."""

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import contract
from hammer import redact
from hammer.console import text_of
from hammer.errors import ArgumentInvalid
from hammer.host.qemu import DEFAULT_ACCEL, Guest
from hammer.image.trial import machine
from hammer.image.trial.disks import default_gib, disks
from hammer.image.trial.events import Event
from hammer.image.trial.machine import Wanted
from hammer.image.trial.ramdisk import Ramdisk
from hammer.image.trial.server import Source, published
from hammer.image.trial.transcript import Marker, Transcript, default_markers
from hammer.image.trial.watch import Limits, Outcome, Watch

# /tmp is often a filesystem in memory, and a trial writes a root filesystem.
LARGE_FILES = Path("/var/tmp")

# What the guest's disk is too small for, when nobody has said how large it must be.
FULL = ("target-full", "disk-too-small")


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What is to be tried, and how."""

    image: str
    """A file, or a URL."""
    ramdisk: Ramdisk
    document: Path | None = None
    """A machine document; None: one is made as `wanted` says."""
    wanted: Wanted
    installer: bytes | None = None
    """What the ramdisk carries for an image that has no installer."""
    disk_gib: int | None = None
    """None: enough for the image."""
    marker: re.Pattern[str] | None = None
    """None: a login prompt."""
    accel: str = DEFAULT_ACCEL
    memory_mib: int = 2048
    limits: Limits
    keep: Path | None = None
    """Where the logs go; None: they are kept after a failure only."""


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What came of it."""

    outcome: Outcome
    console: Path | None
    """The whole console, where it is kept."""


def run(
    trial: Trial,
    *,
    say: Callable[[str], None],
    show: Callable[[str], None],
    show_console: bool = False,
) -> Tried:
    """Install the image in a guest and wait until its system is up, or is known to fail.

    `say` gets news, `show` lines that are whole: the agent's, or with
    `show_console` everything on the console. The guest, its disks and the
    server are gone afterwards. Raises HammerError when the trial cannot begin.
    """
    with _workplace() as work, published(trial.image) as source:
        document = _document(trial, source)
        hide = _hider(document)
        guest = _guest(trial, source, document, work=work)

        def show_event(event: Event) -> None:
            if not show_console and event["event"] != "failed":  # told at the end, once
                for line in text_of(_shown(event, hide)):
                    show(line)

        def show_line(line: str) -> None:
            if show_console:
                show(hide(line))

        markers = _markers(trial, document)
        say(f"{_name(trial.image)} is tried as {document.allocation.hostname}, {_disks(guest)}")
        with guest.started(_words(trial)) as running:
            outcome = Watch(
                running,
                Transcript(markers, on_line=show_line),
                awaited=markers[0].name,
                limits=trial.limits,
                on_event=show_event,
                say=say,
            ).outcome()
        outcome = _for_people(outcome, source, hide)
        return Tried(
            outcome=_with_advice(outcome, trial, guest),
            console=_kept(guest, trial, hide, failed=outcome.failure is not None),
        )


def _document(trial: Trial, source: Source) -> contract.MachineDocument:
    if trial.document is not None:
        return machine.given(trial.document, image_url=source.url)
    return machine.own(trial.wanted, image_url=source.url)


def _guest(
    trial: Trial, source: Source, document: contract.MachineDocument, *, work: Path
) -> Guest:
    assert document.id is not None
    rest_gib = trial.disk_gib or default_gib(source.packed_bytes)
    return Guest(
        work=work,
        kernel=trial.ramdisk.kernel,
        initrd=trial.ramdisk.with_document(
            contract.dump(document), work=work, installer=trial.installer
        ),
        disks=disks(document.allocation.filesystemlayout, work=work, rest_gib=rest_gib),
        memory_mib=trial.memory_mib,
        cpus=2,
        accel=trial.accel,
        firmware="uefi" if trial.wanted.uefi else "bios",
        uuid=document.id,
        macs=machine.macs(document) or Guest.macs,
    )


def _words(trial: Trial) -> str:
    """For the ramdisk's kernel. Half of the time for the installer: its own limit comes first."""
    installer_s = int(trial.limits.install_s / 2)
    return (
        f"hammer.on_failure=halt hammer.pause_s=0 hammer.retry_s=20 "
        f"hammer.install_limit_s={installer_s}"
    )


def _markers(trial: Trial, document: contract.MachineDocument) -> tuple[Marker, ...]:
    if trial.marker is None:
        return default_markers(document.allocation.hostname)
    return (Marker(name=f"/{trial.marker.pattern}/", pattern=trial.marker),)


def _name(image: str) -> str:
    return redact.url(image) if "://" in image else image


def _disks(guest: Guest) -> str:
    sizes = (f"{disk.serial} of {disk.path.stat().st_size >> 30} GiB" for disk in guest.disks)
    return f"{guest.firmware}, {guest.accel}, {', '.join(sizes)}"


def _hider(document: contract.MachineDocument) -> Callable[[str], str]:
    """Replaces the secrets of the document in what is shown."""
    secrets = machine.secrets(document)

    def hide(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, "***")
        return text

    return hide


def _shown(event: Event, hide: Callable[[str], str]) -> Event:
    return {key: hide(value) if isinstance(value, str) else value for key, value in event.items()}


def _for_people(outcome: Outcome, source: Source, hide: Callable[[str], str]) -> Outcome:
    """Without secrets, and with the image under the name that the author knows."""

    def told(text: str) -> str:
        return hide(source.for_people(text))

    failure = outcome.failure and replace(
        outcome.failure,
        message=told(outcome.failure.message),
        notes=tuple(map(told, outcome.failure.notes)),
    )
    return replace(
        outcome,
        failure=failure,
        marker=outcome.marker and hide(outcome.marker),
        tail=tuple(map(hide, outcome.tail)),
    )


def _with_advice(outcome: Outcome, trial: Trial, guest: Guest) -> Outcome:
    if outcome.failure is None or outcome.failure.code not in FULL or trial.document is not None:
        return outcome
    note = f"the guest has {_disks(guest)}; --disk-gib makes it larger"
    notes = (*outcome.failure.notes, note)
    return replace(outcome, failure=replace(outcome.failure, notes=notes))


# --- files --------------------------------------------------------------------------------


@contextlib.contextmanager
def _workplace() -> Iterator[Path]:
    """Hold a directory for what only the trial needs."""
    parent = os.environ.get("TMPDIR") or (LARGE_FILES if LARGE_FILES.is_dir() else None)
    try:
        work = Path(tempfile.mkdtemp(prefix="hammer-try-", dir=parent))
    except OSError as error:
        raise ArgumentInvalid(argument="TMPDIR", reason=f"{parent}: {error.strerror}") from None
    try:
        yield work
    finally:
        shutil.rmtree(work)


def kept_directory(keep: Path) -> Path:
    """The directory for logs, made if it is not there. Raises ArgumentInvalid."""
    try:
        keep.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=keep):
            return keep
    except OSError as error:
        reason = f"{keep}: {error.strerror}"
        raise ArgumentInvalid(argument="--keep", reason=reason) from None


def _kept(guest: Guest, trial: Trial, hide: Callable[[str], str], *, failed: bool) -> Path | None:
    """Save the logs, without secrets. Where the console is then, if anywhere."""
    if trial.keep is None and not failed:
        return None
    folder = trial.keep or Path(tempfile.mkdtemp(prefix="hammer-try-logs-"))
    for log in guest.logs:
        with log.open(errors="replace", newline="") as lines, (folder / log.name).open("w") as kept:
            kept.writelines(map(hide, lines))
    return folder / guest.console.name
