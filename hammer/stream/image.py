"""The image: asked for before the first write, unpacked in one pass after it."""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import contract
from hammer.algorithm import Algorithm
from hammer.errors import (
    DigestMismatch,
    DigestWeak,
    HammerError,
    ImageError,
    ImageNotLz4,
    UnpackDied,
)
from hammer.stream import failures, frames, http, mounts, sources
from hammer.stream.digest import Digest
from hammer.stream.published import Publisher, Wanted, source_errors
from hammer.stream.store import Choice, Stores
from hammer.stream.transfer import Transfer, transferred
from hammer.stream.unpacker import Unpacker, unpacking


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What the image server promised, before the first write."""

    url: str
    digest: Digest
    size_bytes: int | None
    """None if the server does not say."""
    image_id: str = ""
    """What the image is called; empty if nobody said."""
    described: bool = True
    """Whether it is the image that the machine document describes, and no other."""
    mirrors: tuple[str, ...] = ()
    """Where else it is, as URLs of the image."""


@dataclass(frozen=True, kw_only=True)
class Unpacked:
    """What was written."""

    url: str
    """Where it came from."""
    members: int
    packed_bytes: int
    unpacked_bytes: int


class Images(Protocol):
    def choose(self, image_id: str, store: str) -> Choice:
        """The image that the id means in this store or image index. Writes nothing.

        Raises ImageUnknown, IndexMissing, IndexInvalid, ImageError.
        """

    def os_image(self, url: str) -> contract.OsImage:
        """The manifest behind a URL. Raises OsImageMissing, OsImageInvalid, StoreUnreachable."""

    def ask(
        self,
        url: str,
        *,
        image_id: str = "",
        wanted: Wanted | None = None,
        mirrors: Sequence[str] = (),
    ) -> Offer:
        """Get the digest of the image and see that the image answers. Writes nothing.

        The digest is the one that a document names, else that of a file beside the image.
        `mirrors` are other places of the same image (sources.py says how they are written),
        and of that file when the server of the image is away.
        Raises ImageError, DigestWeak for one that this machine does not accept.
        """

    def unpack(self, offer: Offer, root: Path, *, progress: Callable[[int], None]) -> Unpacked:
        """Unpack the image below `root` while it arrives, and compare its digest.

        `progress` is given the packed bytes so far, often; it must be cheap.
        Whatever is raised (ImageError, TargetFull, FileFailed, TreeDiffers, UnpackDied), what is
        below `root` is then garbage.
        """


class HttpImages:
    """Images from http, https and file URLs. Needs root: the unpacking process chroots."""

    def __init__(
        self,
        *,
        patience: http.Patience | None = None,
        on_retry: http.OnRetry | None = None,
        min_digest: Algorithm = Algorithm.MD5,
        mirrors: Sequence[str] = (),
        readback: bool = False,
    ) -> None:
        """`min_digest` is the weakest by which an image may be compared.

        `mirrors` are for every image, and tried after those of its own. With `readback` the
        unpacked tree is read from the disk and compared with the image.
        """
        self._readback = readback
        self._min_digest = min_digest
        self._patience = patience or http.Patience()
        self._on_retry = on_retry
        self._mirrors = tuple(mirrors)

    def choose(self, image_id: str, store: str) -> Choice:
        return Stores(patience=self._patience, on_retry=self._on_retry).choose(image_id, store)

    def os_image(self, url: str) -> contract.OsImage:
        return Stores(patience=self._patience, on_retry=self._on_retry).os_image(url)

    def ask(
        self,
        url: str,
        *,
        image_id: str = "",
        wanted: Wanted | None = None,
        mirrors: Sequence[str] = (),
    ) -> Offer:
        places = sources.places_of(url, (*mirrors, *self._mirrors))
        digest = self._digest(url, wanted, mirrors=places[1:])
        with source_errors(url), self._opened(places) as body:
            head = b""
            while len(head) < frames.HEAD_BYTES and not frames.begins(head):
                if not (part := body.read()):
                    break
                head += part
            if not frames.begins(head):
                raise ImageNotLz4(url=url, begins_with=head[:8])
            return Offer(
                image_id=image_id,
                url=url,
                digest=digest,
                size_bytes=body.size_bytes,
                mirrors=places[1:],
            )

    def unpack(self, offer: Offer, root: Path, *, progress: Callable[[int], None]) -> Unpacked:
        url = offer.url
        ownerless = mounts.ownerless_devices()
        with (
            source_errors(url),
            self._opened((url, *offer.mirrors), size_bytes=offer.size_bytes) as body,
            unpacking(
                root,
                url=url,
                ownerless=ownerless,
                readback=self._readback,
                waiting=self._patience.waiting,
            ) as unpacker,
        ):
            actual, complaint = _pass_on(
                body, unpacker, algorithm=offer.digest.algorithm, progress=progress
            )
            result = complaint or unpacker.result()
        if actual != offer.digest.hex:
            raise _mismatch(offer, actual, result)
        if isinstance(result, HammerError):
            raise result
        return Unpacked(
            url=body.url,
            members=result.members,
            packed_bytes=body.received_bytes,
            unpacked_bytes=result.unpacked_bytes,
        )

    def _opened(
        self, urls: Sequence[str], *, size_bytes: int | None = None
    ) -> AbstractContextManager[Transfer]:
        return transferred(
            urls, patience=self._patience, on_retry=self._on_retry, size_bytes=size_bytes
        )

    def _digest(self, url: str, wanted: Wanted | None, *, mirrors: Sequence[str]) -> Digest:
        publisher = Publisher(patience=self._patience, on_retry=self._on_retry)
        if wanted is None:
            found = publisher.digest_beside(url, mirrors=mirrors)
        else:
            found = publisher.digest_named(wanted, image_url=url)
        if found.algorithm.is_weaker_than(self._min_digest):
            raise DigestWeak(
                url=url, algorithm=found.algorithm, source=found.source, least=self._min_digest
            )
        return found


def _pass_on(
    body: Transfer,
    unpacker: Unpacker,
    *,
    algorithm: Algorithm,
    progress: Callable[[int], None],
) -> tuple[str, HammerError | None]:
    """Feed the whole image to the unpacker; returns its digest and an early complaint.

    A complaint about the image does not end the transfer: bytes damaged on the
    way break lz4 and tar in many ways, and the digest says that it was the way.
    A complaint about this machine does, since no byte will mend that.
    """
    running = hashlib.new(algorithm, usedforsecurity=False)
    body.compare_with(running.copy)
    complaint: HammerError | None = None
    try:
        while data := body.read():
            if complaint is None and not unpacker.feed(data):
                complaint = _complaint(unpacker)
            running.update(data)
            progress(body.received_bytes)
    except failures.FetchFailed as error:
        if complaint:
            error.add_note(_said(complaint))
        raise
    return running.hexdigest(), complaint


def _complaint(unpacker: Unpacker) -> HammerError:
    result = unpacker.result()
    if isinstance(result, ImageError):
        return result
    if isinstance(result, HammerError):
        raise result
    raise UnpackDied(how="said that it was done before the image had ended")


def _mismatch(offer: Offer, actual: str, result: object) -> DigestMismatch:
    mismatch = DigestMismatch(
        url=offer.url,
        algorithm=offer.digest.algorithm,
        source=offer.digest.source,
        expected=offer.digest.hex,
        actual=actual,
    )
    if isinstance(result, HammerError):
        if not isinstance(result, ImageError):  # the disk is full, or worse: that comes first
            raise result
        mismatch.add_note(_said(result))
        mismatch.__cause__ = result
    return mismatch


def _said(complaint: HammerError) -> str:
    return f"while unpacking: {complaint}"
