"""Command `hammer image resolve`: the image that an id means, and what lies beside it."""

import json
from dataclasses import dataclass

from contract.image_store import packages_url
from hammer import redact
from hammer.console import printable
from hammer.steps.check import chosen
from hammer.stream import failures, http
from hammer.stream.digest import Digest
from hammer.stream.image import HttpImages


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """What a store has under an id. The image answers and has a digest."""

    asked: str
    image_id: str
    url: str
    digest: Digest
    size_bytes: int | None
    packages: str
    """URL of packages.txt; empty if it is missing."""
    why_no_packages: str
    classification: str | None
    """What an index says; None if it says nothing, or was not asked."""
    expires: str | None

    def told(self) -> dict[str, object]:
        """No URL has a password or a signature in it."""
        return {
            "id": self.image_id,
            "url": redact.url(self.url),
            self.digest.algorithm.value: self.digest.hex,
            "size_bytes": self.size_bytes,
            "packages": redact.url(self.packages) or None,
            "classification": self.classification,
            "expires": self.expires,
        }

    def as_json(self) -> str:
        """One line, like the events of an installation."""
        return json.dumps({"event": "image", "asked": self.asked, **self.told()}) + "\n"

    def as_text(self) -> str:
        """A line for each thing that is known; a URL is never broken."""
        told = {"packages": f"missing: {self.why_no_packages}"} if not self.packages else {}
        lines = {name: printable(str(value)) for name, value in self.told().items() if value}
        return "".join(f"{name:<14} {text}\n" for name, text in {**lines, **told}.items())


def resolve(
    image_id: str, store: str, *, patience: http.Patience, on_retry: http.OnRetry
) -> Resolved:
    """Look an id up, and ask for the image as the agent would. Nothing is written.

    Raises what `chosen` and Images.ask do.
    """
    images = HttpImages(patience=patience, on_retry=on_retry)
    choice = chosen(images, image_id, store)
    offer = images.ask(choice.url, image_id=choice.image_id)
    packages, why = packages_url(offer.url), ""
    try:
        with http.opened(packages, patience=patience, on_retry=on_retry):
            pass
    except failures.FetchFailed as error:
        packages, why = "", error.reason
    return Resolved(
        asked=image_id,
        image_id=offer.image_id,
        url=offer.url,
        digest=offer.digest,
        size_bytes=offer.size_bytes,
        packages=packages,
        why_no_packages=why,
        classification=choice.listed.classification if choice.listed else None,
        expires=choice.listed.expiration_date if choice.listed else None,
    )
