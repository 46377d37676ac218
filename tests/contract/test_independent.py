"""The schemas say what `contract check` says, by the word of a validator that is not ours."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from contract import MachineAllocation
from contract.document import Document
from contract.generations import GENERATIONS, Generation
from contract.kinds import KINDS, Kind, example, kind_named, schema
from contract.other_names import other_names
from contract.protobuf import Message
from contract.unknown_keys import models_in
from contract.values import Value
from contract.yaml_reader import read
from tests.contract import golden
from tests.contract.broken_documents import good
from tests.contract.documents import GOOD, as_bytes, changed, problems_of
from tests.contract.documents import Path as Place
from tests.contract.independent import schema_takes, yaml_1_2

NAMES = [kind.name for kind in KINDS]


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_a_schema_is_good_by_the_meta_schema(kind: Kind) -> None:
    Draft202012Validator.check_schema(json.loads(schema(kind)))


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_an_example_is_taken(kind: Kind) -> None:
    assert schema_takes(kind.name, example(kind).encode())


@pytest.mark.parametrize("model", GOOD)
def test_a_good_document_is_taken(model: type[Document]) -> None:
    (kind,) = [kind for kind in KINDS if kind.model is model]
    assert schema_takes(kind.name, as_bytes(GOOD[model]))


def test_an_answer_of_metal_api_is_taken() -> None:
    text = Path(__file__).with_name("metal_api_answer.json").read_bytes()
    assert schema_takes("machine", text)


@pytest.mark.parametrize("generation", GENERATIONS, ids=lambda generation: str(generation.since))
def test_every_generation_is_taken(generation: Generation) -> None:
    text = golden.install_yaml(generation.since)
    assert schema_takes("install.yaml", text)
    assert json.loads(json.dumps(read(text))) == yaml_1_2(text)


def with_other_names(model: type[Document], values: Value) -> Value:
    """The same message with the names of the .proto file, those of before where there are any."""
    assert isinstance(values, dict)
    assert issubclass(model, Message)
    others = {usual: name for name, usual in other_names(model).items()}
    made: dict[str, Value] = {}
    for name, field in model.model_fields.items():
        key = field.alias or name
        if key in values:
            made[others.get(key, key)] = below(field.annotation, values[key])
    return made


def below(annotation: object, value: Value) -> Value:
    for inner in models_in(annotation):
        if isinstance(value, tuple):
            return tuple(with_other_names(inner, each) for each in value)
        return with_other_names(inner, value)
    return value


def test_other_names_of_protobuf_are_taken() -> None:
    model = MachineAllocation
    values = with_other_names(model, good("machine-allocation.yaml"))
    text = as_bytes(values)
    for name in (b"dnsServer", b"ntpServer", b"filesystem_layout", b"destination_prefixes"):
        assert b'"%s"' % name in text
    assert problems_of(model, text) == ()
    assert schema_takes("machine-allocation.yaml", text)
    # What is below them is judged, as under the usual name.
    bad = as_bytes(changed(values, ["filesystem_layout", "volume_groups"], ({"nam": "x"},)))
    assert problems_of(model, bad)
    assert not schema_takes("machine-allocation.yaml", bad)


# --- texts with a pattern: what the check takes, the schema takes ----------------------------

# What counts as white space somewhere, and not everywhere.
SPACES = "a \n\t\x1c\x85\xa0\u180e\u200b\u2028\ufeff"

_CHECKSUM = "metal3.vcluster.com/image-checksum"


def digest_of(text: str) -> str:
    """The text with something behind it that has the length of a digest."""
    return f"{text}{'0123456789aBcDeF' * 2}"


# Where a text may stand, the letters that its pattern is about, and what stands there.
PATTERNS: list[tuple[str, Place, str, Callable[[str], object]]] = [
    ("install.yaml", ["hostname"], "aA0-._\n", str),
    ("boot-info.yaml", ["kernel"], "/.a\n\0 ", str),
    ("boot-info.yaml", ["cmdline"], "a =\n\r\0", str),
    ("machine", ["id"], "04c-4f\n", str),
    ("machine", ["allocation", "image", "url"], "htps:/fileHTTPS?#@[].a \n\x1f", str),
    ("machine", ["allocation", "image", "digest"], "mdMDsha:256/0fF. \n", digest_of),
    ("os-image", ["spec", "properties", _CHECKSUM], "htps:/fileHTTPS?#@[].a \n\x1f", str),
    ("filesystem-layout", ["filesystems", 0, "path"], "/.a \n\x7f", str),
    ("filesystem-layout", ["filesystems", 0, "label"], 'aA*?.,;:/\\|+=<>[]" !~\u00e4\n', str),
    ("filesystem-layout", ["filesystems", 1, "label"], "aA*\u00e4\n\x7f", str),
    ("filesystem-layout", ["filesystems", 5, "label"], "aA*\u00e4", str),
    ("filesystem-layout", ["filesystems", 2, "mountoptions", 0], "ro,= \n\u00e4", str),
    ("filesystem-layout", ["disks", 0, "partitions", 0, "label"], "a:\n\U0001f427", str),
    ("filesystem-layout", ["disks", 5], "devisk/.a-", lambda text: {"device": f"/dev/{text}"}),
    ("filesystem-layout", ["logicalvolumes", 1, "name"], "a+_.-/\u00e4", str),
    ("filesystem-layout", ["constraints", "sizes", 0], "c1*", str),
    ("filesystem-layout", ["constraints", "images", "debian"], "*><=~^! 1.v-+a\n\t", str),
    ("machine-allocation.yaml", ["uuid"], "04cF-\n", str),
    ("machine-allocation.yaml", ["meta", "createdAt"], "0129-:.TtZz+ ", str),
    ("machine-allocation.yaml", ["meta", "generation"], "0129-+", str),
    ("machine-allocation.yaml", ["sshPublicKeys", 0], SPACES, str),
    ("machine-allocation.yaml", ["userdata"], SPACES, str),
    ("machine-allocation.yaml", ["firewallRules", "egress", 0, "comment"], "az_ -A\n", str),
    ("image-index", ["images", 0, "id"], "deb-ian12.0v+_ \n", str),
]


@pytest.mark.parametrize(
    ("kind", "place", "letters", "around"),
    PATTERNS,
    ids=[".".join(map(str, row[1])) for row in PATTERNS],
)
def test_no_pattern_refuses_what_the_check_takes(
    kind: str, place: Place, letters: str, around: Callable[[str], object]
) -> None:
    model, start = kind_named(kind).model, good(kind)
    taken = set()

    def agrees(text: str) -> None:
        document = as_bytes(changed(start, place, around(text)))
        if not problems_of(model, document):
            taken.add(text)
            assert schema_takes(kind, document)

    for text in TEXTS:
        agrees(text)
    settings(max_examples=30)(given(st.text(letters, max_size=12))(agrees))()
    assert len(taken) > 1 or place[-1] in ("id", "uuid", "createdAt")


TEXTS = [
    "a", "a.b-c", "a" * 63, "/boot/vmlinuz", "/a b", "/..a/b", "/a..", "x" * 2047, "http://h/a",
    "HTTPS://[::1]:8443//a/b?c#d", "file:///a", "file:a", "http://h/?a/b", "/boot", "/boot/.a",
    "/..b", "EFI ROOT", "sdz", "mapper/a:b", ">= 12", "*", " 1.2.3-rc.1+b ", "12",
    "4c4c4544-0042-4810-8056-b4c04f395332", "/dev/md0", "vg-1", "..a", "ro",
    "c4b2a2d2-27cd-5a5e-8efc-080ba80cf258", "C4B2A2D2-27CD-5A5E-8EFC-080BA80CF258",
    "2024-11-18T10:20:30Z", "0001-01-01T00:00:00Z", "2024-11-18T10:20:30.405+01:00", "debian-12",
    "debian-12.0.20241118", "a-b-v1.02+c.d", "18446744073709551615", "\ufeffa\ufeff",
    "x" * 11, "x" * 15, "x" * 16, "x" * 36, "x" * 127,
]  # fmt: skip


# --- as programs ------------------------------------------------------------------------------


@pytest.mark.programs
def test_check_jsonschema_as_a_program(tmp_path: Path) -> None:
    schemafile = tmp_path / "schema.json"
    schemafile.write_text(schema(kind_named("install.yaml")))
    good = tmp_path / "good.yaml"
    good.write_bytes(golden.install_yaml("v0.15.0"))
    bad = tmp_path / "bad.yaml"
    bad.write_bytes(golden.install_yaml("v0.15.0").replace(b"role: firewall", b"role: router"))
    for document, status, said in ((good, 0, "ok -- validation done"), (bad, 1, "$.role")):
        done = subprocess.run(
            [sys.executable, "-m", "check_jsonschema", "--schemafile", schemafile, document],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, said in done.stdout, done.stderr) == (status, True, "")
