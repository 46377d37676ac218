"""How far an installation has come, on file: another process can look, or go on with it.

The agent ends when a person stops it, or when it fails under hammer.on_failure=shell, and leaves
its mounts behind. What a later `hammer retry` needs of it stands here.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Self

from pydantic import BaseModel, Field, PrivateAttr, SecretStr, ValidationError

from hammer import spec
from hammer.console import Failure
from hammer.errors import JournalMissing, NothingToRetry
from hammer.spec import InstallSpec
from hammer.step import Break, Step
from hammer.steps.format import Volume
from hammer.steps.kernel import Kernel
from hammer.stream.image import Offer, Unpacked

JOURNAL = "journal.json"
DOCUMENT = "machine.yaml"
WHERE = "where"


class Journal(BaseModel):
    """The state of one installation. Holds passwords: its file is 0600."""

    network: str | None = None
    """Interface and address, once the network is up."""
    document_from: str = ""
    """Where the machine document came from."""
    begun: Step | None = None
    """The step that is under way, or in which the installation was stopped or failed."""
    done: dict[Step, float] = {}
    """Steps that came to their end, with their seconds, in order."""
    disks: tuple[str, ...] = ()
    """Disks that were written to, by any try since the last one that was complete."""
    may_boot: bool = False
    """Whether firmware may find something to start: an installer was begun since step wipe."""
    offer: Offer | None = None
    unpacked: Unpacked | None = None
    """What the image came to, once it is on the disk."""
    volumes: tuple[Volume, ...] = ()
    installer: PurePosixPath | None = None
    """The installer, once it has come to a good end: it is not run again on the same files."""
    kernel: Kernel | None = None
    passed: Break | None = None
    """The breakpoint at which the last try stopped: the next one passes it."""
    failure: Failure | None = None
    """Why the last try ended, if it was not a person who ended it."""
    passwords: tuple[str, ...] = Field(default=(), repr=False)
    """Console passwords that were made, by any try: what must not be shown of its log."""
    abandoned: bool = False
    """Given up: nothing is mounted, and nothing of it can boot."""

    _directory: Path | None = PrivateAttr(None)

    @classmethod
    def new(cls, directory: Path) -> Self:
        """An empty journal that is kept in `directory`."""
        journal = cls()
        journal._directory = directory
        journal.save()
        return journal

    @classmethod
    def read(cls, directory: Path) -> Self:
        """The journal of an agent that has ended. Raises JournalMissing."""
        try:
            journal = cls.model_validate_json((directory / JOURNAL).read_bytes())
        except OSError as failure:
            raise JournalMissing(reason=failure.strerror or "cannot be read") from None
        except ValidationError:
            raise JournalMissing(reason="its file is damaged") from None
        journal._directory = directory
        return journal

    def save(self) -> None:
        """Write it; a full memory must not end an installation that goes well."""
        self._keep(JOURNAL, self.model_dump_json().encode())
        self._keep(WHERE, self.where().encode())

    def keep_document(self, wanted: InstallSpec) -> None:
        """Keep the machine document for later tries: its server may change it meanwhile.

        Nothing that is done was done for this one, which may name other disks.
        """
        self.goes_back_to(Step.CHECK)
        self.document_from = wanted.where
        self._keep(DOCUMENT, wanted.text)
        self.save()

    def spec(self) -> InstallSpec:
        """The machine document that was kept. Raises JournalMissing, DocumentInvalid."""
        assert self._directory is not None
        try:
            text = (self._directory / DOCUMENT).read_bytes()
        except OSError as failure:
            raise JournalMissing(reason=f"machine document: {failure.strerror}") from None
        return spec.read(text, where=self.document_from)

    @contextmanager
    def step(self, step: Step) -> Iterator[None]:
        """Note that a step begins, and that it came to its end."""
        self.done = {each: s for each, s in self.done.items() if each.number < step.number}
        self.begun, self.failure, self.abandoned = step, None, False
        if step.number < Step.INSTALL.number:
            self.installer = None
        if step is Step.INSTALL:
            self.may_boot = True
        self.save()
        began = time.monotonic()
        yield
        self.done[step] = round(time.monotonic() - began, 3)
        self.begun = None
        if step is Step.WIPE:
            self.may_boot = False
        # Not earlier: who goes on may have to begin some steps before the breakpoint.
        if self.passed is not None and step.number > self.passed.follows:
            self.passed = None
        self.save()

    def goes_back_to(self, step: Step) -> None:
        """Note, before anything is changed for it, that the next try begins with `step`."""
        if self.complete and step is Step.CHECK:
            self.disks = ()  # what is there now is a whole system, until it is written to
        self.done = {each: s for each, s in self.done.items() if each.number < step.number}
        self.begun, self.failure = None, None
        self.save()

    def writes_to(self, disk: str) -> None:
        """Note, before the first write, that a disk will not be as it was."""
        self.disks = tuple(dict.fromkeys((*self.disks, disk)))
        self.save()

    def installed_by(self, installer: PurePosixPath) -> None:
        """Note, before it is removed, that the installer has come to a good end."""
        self.installer = installer
        self.save()

    def keep_password(self, password: SecretStr) -> None:
        """Keep a console password: when all is unmounted, nobody else here knows it."""
        self.passwords = (*self.passwords, password.get_secret_value())
        self.save()

    def failed(self, failure: Failure) -> None:
        """Note why the installation ended."""
        self.failure = failure
        self.save()

    def falls_apart(self) -> None:
        """Note, before the disks are cleared, that nothing can be built on what is done."""
        self.done = {}
        self.save()

    def give_up(self, *, mounted: bool = False) -> None:
        """Note that nothing is left of it to go on with: the next try begins at the first step.

        With `mounted` its volumes are not forgotten, for the next one that unmounts.
        """
        self.done, self.begun, self.kernel = {}, None, None
        if not mounted:
            self.volumes = ()
        self.offer, self.unpacked, self.passed, self.abandoned = None, None, None, True
        self.save()

    def passes(self, place: Break) -> bool:
        """Whether the last try was stopped at just this breakpoint, and this one goes on there."""
        return self.passed == place

    def chooses(self, step: Step) -> None:
        """Note that a person wants `step` again: the breakpoints behind it count anew."""
        if self.passed is not None and self.passed.follows >= step.number:
            self.passed = None

    @property
    def the_offer(self) -> Offer:
        """What step check was promised."""
        assert self.offer is not None
        return self.offer

    @property
    def the_unpacked(self) -> Unpacked:
        """What step image wrote."""
        assert self.unpacked is not None
        return self.unpacked

    @property
    def image_id(self) -> str:
        """What the image is called, once it has been asked for."""
        return (self.offer and self.offer.image_id) or "an image without a name"

    @property
    def the_installer(self) -> PurePosixPath:
        """What step install ran."""
        assert self.installer is not None
        return self.installer

    @property
    def the_kernel(self) -> Kernel:
        """What step kernel loaded."""
        assert self.kernel is not None
        return self.kernel

    @property
    def complete(self) -> bool:
        """The disk is as specified, and there is a system on it that can boot."""
        return Step.UNMOUNT in self.done

    @property
    def next_step(self) -> Step:
        """Where the installation goes on. Raises NothingToRetry when it is complete."""
        left = [step for step in Step if step not in self.done]
        if not left:
            raise NothingToRetry()
        return left[0]

    def where(self) -> str:
        """Where the installation stands, in few words, for a prompt."""
        if self.abandoned:
            return "given up"
        if self.complete:
            return "installed"
        step = self.begun or self.next_step
        place = f"{step.number}/{len(Step)} {step}"
        how = "stopped" if self.failure is None else "failed"
        return f"{how} {'in' if self.begun else 'before'} {place}"

    def _keep(self, name: str, data: bytes) -> None:
        if self._directory is None:
            return
        path, aside = self._directory / name, self._directory / f".{name}"
        with suppress(OSError):
            aside.unlink(missing_ok=True)
            handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            aside.replace(path)
