"""The failure bundle: all that helps to find out why, in one small file without secrets.

A gzipped tar of a dozen texts. What cannot be collected is a line of
`collected.txt`; making a bundle raises nothing and takes BUNDLE_LIMIT_S at most.
"""

import gzip
import hashlib
import io
import json
import os
import platform
import sys
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import contract
from contract import paths
from hammer import VERSION, cmdline, redact
from hammer.console import Event, Failure
from hammer.errors import HammerError
from hammer.host import facts, pstore
from hammer.host.files import inside
from hammer.host.identity import identity
from hammer.host.programs import HostPrograms, Programs
from hammer.host.ring import older
from hammer.limited import limited
from hammer.spec import secrets_of, without_secrets
from hammer.steps.userdata import decoded

T = TypeVar("T")

RUN_DIRECTORY = Path("/run/hammer")
TARGET = Path("/rootfs")
LOG, EVENTS, JOURNAL = "hammer.log", "events.jsonl", "journal.json"
FILE_NAME = "bundle.tar.gz"
BUNDLE_LIMIT_S = 30.0
PART_LIMIT_S = 5.0
KIB = 1024
NOTE_BYTES = 100
BUNDLE_LIMIT_BYTES = 1024 * KIB
"""Packed. The limits of the parts below add up to less, for texts that do not shrink."""


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Where a bundle is made of."""

    run: Path = RUN_DIRECTORY
    """The files of this run: hammer.log, events.jsonl, machine.yaml."""
    target: Path = TARGET
    cmdline: str = ""
    programs: Programs


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A bundle in memory."""

    name: str
    """A file name that tells machine and time: hammer-4dca1f5a-...-20261120T160000Z.tar.gz"""
    data: bytes
    left_out: tuple[str, ...]
    """Parts that could not be collected."""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def sources_here(programs: Programs | None = None) -> Sources:
    """The sources of a bundle of the machine we run on."""
    words = ""
    with suppress(OSError):
        words = cmdline.read()
    return Sources(cmdline=words, programs=programs or HostPrograms())


def make_bundle(sources: Sources, failure: Failure | None = None) -> Bundle:
    """Collect everything now. Without `failure` the last one that the events tell of is taken."""
    ends_s = time.monotonic() + BUNDLE_LIMIT_S
    now_s = time.time()
    files: dict[str, bytes] = {}
    told: list[str] = []
    left_out: list[str] = []
    secrets = _within(PART_LIMIT_S, lambda: _secrets(sources))
    for name, limit_bytes, collect in _parts(sources, failure, now_s):
        limit_s = min(PART_LIMIT_S, max(0.0, ends_s - time.monotonic()))
        # Without the secrets nobody can say what may be shown.
        part = secrets if isinstance(secrets, _Lost) else _within(limit_s, _shown(collect, secrets))
        if isinstance(part, _Lost):
            told.append(f"{name}: left out, {redact.text(part.why)}")
            left_out.append(name)
        else:
            files[name] = _newest(part, limit_bytes, as_json=name.endswith(".jsonl"))
            told.append(f"{name}: {len(files[name])} bytes")
    files["collected.txt"] = ("\n".join(told) + "\n").encode()
    return Bundle(name=_name(now_s), data=_packed(files, now_s), left_out=tuple(left_out))


def _shown(collect: Callable[[], str], secrets: list[str]) -> Callable[[], str]:
    return lambda: redact.text(collect(), secrets)


def keep(bundle: Bundle, run: Path) -> Path | None:
    """Write it where `hammer report` and people find it; None when that cannot be written."""
    path, new = run / FILE_NAME, run / f"{FILE_NAME}.new"
    try:
        new.unlink(missing_ok=True)
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(bundle.data)
        new.replace(path)
    except OSError:
        return None
    return path


def summary(bundle: Bundle, kept: Path | None) -> str:
    """What people are told of it."""
    size_kib = len(bundle.data) // KIB + 1
    without = f", without {', '.join(bundle.left_out)}" if bundle.left_out else ""
    where = kept or "could not be kept"
    return f"failure bundle: {where}, {size_kib} KiB{without}; `hammer report` takes it out"


# --- the parts ----------------------------------------------------------------------------

Part = tuple[str, int, Callable[[], str]]


def _parts(sources: Sources, failure: Failure | None, now_s: float) -> Iterator[Part]:
    """Names, limits in bytes and contents, what is most needed first."""
    run, programs = sources.run, sources.programs
    yield "failure.json", 16 * KIB, lambda: _json(_failure(run, failure))
    yield "steps.json", 16 * KIB, lambda: _json(_steps(run))
    yield "version.txt", 1 * KIB, lambda: _version(now_s)
    yield "cmdline.txt", 8 * KIB, lambda: cmdline.redacted(sources.cmdline) + "\n"
    yield "hammer.log", 256 * KIB, lambda: _log(run / LOG, 256 * KIB)
    yield "events.jsonl", 192 * KIB, lambda: _log(run / EVENTS, 192 * KIB)
    yield "machine.yaml", 64 * KIB, lambda: _document(run)
    yield "dmesg.txt", 128 * KIB, facts.kernel_messages
    yield "pstore.txt", 64 * KIB, pstore.records
    yield "mounts.txt", 32 * KIB, facts.mounts
    yield "memory.txt", 8 * KIB, facts.memory
    yield "block.json", 96 * KIB, lambda: _json(facts.block_devices())
    yield "lsblk.txt", 32 * KIB, lambda: facts.tree_of_disks(programs)
    yield "network.txt", 32 * KIB, lambda: facts.network(programs)
    # Last: it reads all disks, and one that hangs costs its time only.
    yield "blkid.txt", 32 * KIB, lambda: facts.filesystems(programs)


def _json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=True) + "\n"


def _failure(run: Path, failure: Failure | None) -> Mapping[str, object]:
    events = _events(run)
    step = next((e.get("step") for e in reversed(events) if e.get("event") == "step"), None)
    if failure is not None:
        return {**asdict(failure), "step": step}
    told = next((e for e in reversed(events) if e.get("event") == "failed"), None)
    if told is None:
        return {"failure": None, "step": step}
    keys = ("code", "exit_status", "message", "hint", "notes", "time_s")
    return {**{key: told.get(key) for key in keys}, "step": step}


def _steps(run: Path) -> list[Event]:
    """Each step that began: when, and how long it took; None of one that did not end."""
    steps: list[Event] = []
    for event in _events(run):
        if event.get("event") != "step":
            continue
        if event.get("state") == "begin":
            began_s = event.get("time_s")
            steps.append({"step": event.get("step"), "began_s": began_s, "seconds": None})
        elif steps and steps[-1]["step"] == event.get("step"):
            steps[-1]["seconds"] = event.get("seconds")
    return steps


def _events(run: Path) -> list[Event]:
    """Those that tell of steps and failures."""
    events = []
    for path in (older(run / EVENTS), run / EVENTS):
        with suppress(OSError), path.open(errors="replace") as lines:
            # Of some 100000 lines of an installer none is kept, and none is parsed: that takes
            # longer than we have.
            for line in lines:
                if line.startswith(('{"event": "step"', '{"event": "failed"')):
                    with suppress(ValueError):  # cut off, or written at this moment
                        events.append(json.loads(line))
    return events


def _log(path: Path, limit_bytes: int) -> str:
    """The end of a ring, also when it was just begun anew."""
    before = ""
    with suppress(FileNotFoundError):
        before = _tail(older(path), limit_bytes)
    return before + _tail(path, limit_bytes)


def _tail(path: Path, limit_bytes: int) -> str:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - limit_bytes))
        data = file.read(limit_bytes)
    if size > limit_bytes:
        data = data.partition(b"\n")[2]  # what is left of the first line may be half a secret
    return data.decode(errors="replace")


def _document(run: Path) -> str:
    """The machine document, its secrets hidden; never as it is, when it is not understood."""
    text = (run / "machine.yaml").read_bytes()
    try:
        document = contract.load(contract.MachineDocument, text, name="machine.yaml")
    except contract.ContractError:
        raise _LeftOut("it does not parse, and its secrets cannot be found") from None
    return contract.dump(without_secrets(document))


def _version(now_s: float) -> str:
    who = identity()
    return "".join(
        f"{name}: {value}\n"
        for name, value in (
            ("hammer", VERSION),
            ("time", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now_s))),
            ("machine", who.machine_uuid or "unknown"),
            ("firmware", "UEFI" if who.efi else "BIOS"),
            ("kernel", f"{platform.release()} {platform.machine()}"),
            ("python", sys.version.split()[0]),
        )
    )


def _secrets(sources: Sources) -> list[str]:
    """All that must not be shown, as far as it is known on this machine."""
    found = cmdline.secrets(sources.cmdline)
    found += _secrets_in(contract.MachineDocument, sources.run / "machine.yaml")
    # user_data may be in base64, and the installer sees what it means.
    found += [decoded(each).decode(errors="replace") for each in found]
    # The console password is made here. It is in the installed system, as long as that is
    # mounted, and in the journal.
    with suppress(OSError, ValueError):
        found += json.loads((sources.run / JOURNAL).read_bytes()).get("passwords", ())
    with suppress(HammerError):
        where = inside(sources.target, paths.INSTALL_CONFIG)
        found += _secrets_in(contract.InstallConfig, where)
    return found


def _secrets_in(model: type[contract.Document], path: Path) -> list[str]:
    try:
        return list(secrets_of(contract.load_file(model, path)))
    except (OSError, contract.ContractError):
        return []


# --- how they are collected and packed ----------------------------------------------------


class _LeftOut(Exception):
    """Why there is no such part, in words."""


@dataclass(frozen=True)
class _Lost:
    """Why something could not be collected."""

    why: str


def _within(limit_s: float, collect: Callable[[], T]) -> T | _Lost:
    """What `collect` returns, or why it does not."""
    try:
        return limited(limit_s, collect)
    except TimeoutError:
        return _Lost(f"not done within {limit_s:.0f} s")
    except _LeftOut as reason:
        return _Lost(str(reason))
    except HammerError as error:
        return _Lost(f"{error.code}: {error}")
    except OSError as error:
        return _Lost(error.strerror or type(error).__name__)
    except Exception as error:
        # A bundle that is made in need must not end by a bug of one part. Without the
        # exception's own text, which may quote what must not be told.
        return _Lost(f"a bug: {type(error).__name__}")


def _newest(text: str, limit_bytes: int, *, as_json: bool) -> bytes:
    """The end of a text that is too long, whole lines, and what is missing said before it."""
    data = text.encode()
    if len(data) <= limit_bytes:
        return data
    kept = data[len(data) - limit_bytes + NOTE_BYTES :].partition(b"\n")[2]
    missing = len(data) - len(kept)
    if as_json:
        note = json.dumps({"event": "cut", "bytes": missing})
    else:
        note = f"({missing} bytes before this are left out)"
    return note.encode() + b"\n" + kept


def _name(now_s: float) -> str:
    who = _within(PART_LIMIT_S, lambda: identity().machine_uuid)
    known = who if isinstance(who, str) else "".join(c for c in os.uname().nodename if c.isalnum())
    return f"hammer-{known}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(now_s))}.tar.gz"


def _packed(files: Mapping[str, bytes], now_s: float) -> bytes:
    """The same files and time are the same bytes."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=int(now_s)) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode = len(data), int(now_s), 0o600
            tar.addfile(member, io.BytesIO(data))
    return packed.getvalue()
