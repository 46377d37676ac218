"""The kinds of documents: their names, files and models, and how to tell one from another."""

import json
from dataclasses import dataclass
from pathlib import PurePath

from pydantic import BaseModel

from contract import examples, paths, yaml_writer
from contract.disk_json import dump_json
from contract.document import ClosedDocument, Document
from contract.json_schema import schema_of
from contract.values import Value, values_of


@dataclass(frozen=True)
class Kind:
    """One kind of document; `example` has every key."""

    name: str
    file_name: str
    example: Document

    @property
    def model(self) -> type[Document]:
        return type(self.example)

    @property
    def is_json(self) -> bool:
        """Whether it is written as JSON; read it may be as YAML, too."""
        return self.file_name.endswith(".json")


KINDS = (
    Kind("install.yaml", paths.INSTALL_CONFIG.name, examples.INSTALL_CONFIG),
    Kind("boot-info.yaml", paths.BOOT_INFO.name, examples.BOOT_INFO),
    Kind("machine-details.yaml", paths.MACHINE_DETAILS.name, examples.MACHINE_DETAILS),
    Kind("machine-allocation.yaml", paths.MACHINE_ALLOCATION.name, examples.MACHINE_ALLOCATION),
    Kind("os-installer.yaml", paths.OS_INSTALLER.name, examples.OS_INSTALLER),
    Kind("build-meta.yaml", paths.BUILD_META.name, examples.BUILD_META),
    Kind("disk.json", paths.DISK_JSON.name, examples.DISK_JSON),
    Kind("filesystem-layout", "filesystem-layout.yaml", examples.LAYOUT),
    Kind("machine", "machine.yaml", examples.MACHINE),
    Kind("image-index", "image-index.yaml", examples.IMAGE_INDEX),
    Kind("os-image", "os-image.yaml", examples.OS_IMAGE),
    Kind("hammer-provenance.json", paths.PROVENANCE.name, examples.PROVENANCE),
)


def kind_named(name: str) -> Kind:
    return next(kind for kind in KINDS if kind.name == name)


def kind_of_file(name: str) -> Kind | None:
    """By the name of the file, which must be exactly the usual one."""
    return next((kind for kind in KINDS if kind.file_name == PurePath(name).name), None)


def kinds_of_content(value: Value) -> tuple[Kind, ...]:
    """The kinds that know the most of the keys; one if it is clear, none if no key is known."""
    if isinstance(value, tuple):
        objects = bool(value) and isinstance(value[0], dict)
        return tuple(kind for kind in KINDS if objects and kind.model.bare_list_is)
    keys = value.keys() if isinstance(value, dict) else set()
    scores = {kind.name: len(keys & _keys(kind.model)) for kind in KINDS}
    best = max(scores.values())
    return tuple(kind for kind in KINDS if best and scores[kind.name] == best)


def _keys(model: type[Document]) -> set[str]:
    keys = {field.alias or name for name, field in model.model_fields.items()}
    return keys | (model.unused_keys if issubclass(model, ClosedDocument) else set())


# --- schema and example -------------------------------------------------------------------


def schema(kind: Kind) -> str:
    """JSON Schema (draft 2020-12) of what a reader takes, with a text for every key.

    Rules that it cannot say, as who provides a device, only `contract check` knows.
    """
    return json.dumps(schema_of(kind.model, name=kind.name), indent=2) + "\n"


def example(kind: Kind) -> str:
    """A complete document, each key explained where it is first (JSON has no comments)."""
    if kind.is_json:
        return dump_json(kind.example) + "\n"
    return yaml_writer.write(values_of(kind.example), comments=_comments(kind.example))


def _comments(document: Document) -> dict[tuple[str, ...], str]:
    comments: dict[tuple[str, ...], str] = {}
    told: set[tuple[type[BaseModel], str]] = set()

    def walk(value: object, place: tuple[str, ...]) -> None:
        if isinstance(value, tuple):
            for item in value:
                walk(item, place)
        if not isinstance(value, Document):
            return
        for name, field in type(value).model_fields.items():
            at = (*place, field.alias or name)
            if (type(value), name) not in told:
                told.add((type(value), name))
                comments[at] = field.description or ""
            walk(getattr(value, name), at)

    walk(document, ())
    return comments
