"""Which image an id means: looked up in an image index, in a store, or in an OSImage."""

import difflib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

import contract
from contract.image_reference import ImageId, most_recent
from contract.image_store import Address, Store
from hammer.errors import (
    ImageUnknown,
    IndexInvalid,
    IndexMissing,
    ListingInvalid,
    OsImageInvalid,
    OsImageMissing,
    StoreUnreachable,
)
from hammer.stream import failures, http, listing

D = TypeVar("D", bound=contract.Document)

INDEX_BYTES = 4 << 20
OS_IMAGE_BYTES = 1 << 20
"""etcd takes no larger object (Kubernetes; 1.5 MiB with all that is around it)."""
# What a server answers of something that is not there; a bucket that may not be
# listed says 403 of everything it does not have.
_ABSENT = (403, 404, 410)
_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The image that an id means."""

    image_id: str
    """As the index or the store has it."""
    url: str
    listed: contract.IndexedImage | None = None
    """What an index says of it; a store says nothing."""


@dataclass(frozen=True, kw_only=True)
class Stores:
    """Finds images by id. Nothing is written."""

    patience: http.Patience | None = None
    on_retry: http.OnRetry | None = None

    def choose(self, image_id: str, store: str) -> Choice:
        """The image that the id means in this store.

        `store` is the URL of an image index if it ends in .yaml, .yml, .json or
        /v1/image, which is where metal-api has one. Else it is that of a store
        (contract/image_store.py): if the server lists the channel as S3 does, the
        most recent image there is taken; if it does not, or has nothing that fits,
        Store.addresses() are tried, and the first that answers is taken.

        Raises ValueError when one of them is malformed, ImageUnknown, IndexMissing,
        IndexInvalid, ListingInvalid, StoreUnreachable.
        """
        wanted = ImageId.parse(image_id)
        if _is_index(store):
            return self._in_index(wanted, store)
        return self._in_store(wanted, store)

    def os_image(self, url: str) -> contract.OsImage:
        """The manifest behind a URL. Raises OsImageMissing, OsImageInvalid, StoreUnreachable."""
        return self._document(
            contract.OsImage, url, OS_IMAGE_BYTES, missing=OsImageMissing, invalid=OsImageInvalid
        )

    def _in_index(self, wanted: ImageId, url: str) -> Choice:
        index = self._index(url)
        image = index.find(wanted)
        if image is None:
            ids = [ImageId.parse(image.id) for image in index.images]
            raise ImageUnknown(image_id=wanted.text, store=url, near=nearest(wanted, ids), tried=())
        return Choice(image_id=image.id, url=image.url, listed=image)

    def _index(self, url: str) -> contract.ImageIndex:
        return self._document(
            contract.ImageIndex, url, INDEX_BYTES, missing=IndexMissing, invalid=IndexInvalid
        )

    def _document(
        self,
        kind: type[D],
        url: str,
        limit_bytes: int,
        *,
        missing: type[OsImageMissing | IndexMissing],
        invalid: type[OsImageInvalid | IndexInvalid],
    ) -> D:
        """A document of this kind, or the error that says what is wrong with this one."""
        try:
            with _away(url):
                text = http.fetch(
                    url, limit_bytes=limit_bytes, patience=self.patience, on_retry=self.on_retry
                )
        except _Absent as absent:
            raise missing(url=url, reason=absent.reason) from None
        except failures.TooLarge as error:
            raise invalid(url=url, problems=(error.reason,)) from None
        try:
            return contract.load(kind, text, name=url)
        except contract.ContractError as error:
            raise invalid(url=url, problems=error.problems) from None

    def _in_store(self, wanted: ImageId, url: str) -> Choice:
        store = Store.parse(url)
        listed = self._listed(store.url_of(store.channel_of(wanted)))
        found = most_recent(wanted, listed)
        if found:
            return Choice(image_id=found.text, url=listed[found])
        tried = []
        for address in store.addresses(wanted):
            if self._answers(address.url):
                return Choice(image_id=address.image_id.text, url=address.url)
            tried.append(address.url)
        if not listed and wanted.is_exact:
            listed = self._listed(store.url_of(store.usual_channel))
        near = nearest(wanted, listed)
        raise ImageUnknown(image_id=wanted.text, store=url, near=near, tried=tuple(tried))

    def _listed(self, channel: str) -> dict[ImageId, str]:
        """The images of a channel with their URLs; none if the server does not list."""
        if urlsplit(channel).scheme == "file":
            return {}
        try:
            with _away(channel):
                urls = listing.keys_below(channel, patience=self.patience, on_retry=self.on_retry)
        except listing.NoListing:
            return {}
        except listing.BadListing as error:
            raise ListingInvalid(url=channel, reason=str(error)) from None
        return dict(_images_in(urls))

    def _answers(self, url: str) -> bool:
        patience, on_retry = self.patience, self.on_retry
        try:
            with (
                _away(url),
                http.opened(url, patience=patience, on_retry=on_retry, may_leave_tls=True),
            ):
                return True
        except _Absent:
            return False


def nearest(wanted: ImageId, ids: Iterable[ImageId]) -> tuple[str, ...]:
    """The most recent images of the same system, else of the one with the nearest name."""
    newest_first = sorted(ids, key=lambda found: found.version.precedence, reverse=True)
    systems = {found.os for found in newest_first}
    os = next(iter(difflib.get_close_matches(wanted.os, sorted(systems), n=1)), None)
    return tuple(found.text for found in newest_first if os in (None, found.os))[:_SHOWN]


def _is_index(url: str) -> bool:
    path = urlsplit(url).path
    return path.endswith((".yaml", ".yml", ".json")) or path.rstrip("/").endswith("/v1/image")


def _images_in(urls: Sequence[str]) -> Iterator[tuple[ImageId, str]]:
    """Those that are images of the store; much else lies in a bucket."""
    for url in urls:
        try:
            yield Address.parse(url).image_id, url
        except ValueError:
            continue


class _Absent(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@contextmanager
def _away(url: str) -> Iterator[None]:
    """Tell what is not there from a server that is away."""
    try:
        yield
    except failures.BadStatus as error:
        if error.status in _ABSENT:
            raise _Absent(error.reason) from None
        raise StoreUnreachable(url=url, reason=error.reason) from None
    except failures.TooLarge:
        raise
    except failures.FetchFailed as error:
        if urlsplit(url).scheme == "file":
            raise _Absent(error.reason) from None
        raise StoreUnreachable(url=url, reason=error.reason) from None
