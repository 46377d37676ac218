"""Kinds of fields that several documents share, with the source of every limit."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from contract.document import rule

T = TypeVar("T")


@dataclass(frozen=True)
class Either:
    """Takes `given` for `meant`; Go writes the two for one and the same thing."""

    given: object
    meant: object

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        def replaced(value: object) -> object:
            # True == 1, and is another thing all the same.
            same = type(value) is type(self.given) and value == self.given
            return self.meant if same else value

        return core_schema.no_info_before_validator_function(replaced, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        inner = handler(schema)
        options = inner.get("anyOf", [inner])
        if self.given == "" and any(map(_takes_every_string, options)):
            return inner
        given = {"type": "null"} if self.given is None else {"const": self.given}
        return {"anyOf": [*options, given]}


def _takes_every_string(schema: JsonSchemaValue) -> bool:
    limits = {"const", "enum", "minLength", "pattern"}
    return schema.get("type") == "string" and not limits & schema.keys()


@dataclass(frozen=True)
class Unit:
    """What a number counts or how a text is written: "MiB", "CIDR prefix". In the schema x-unit."""

    name: str

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(schema) | {"x-unit": self.name}


@dataclass(frozen=True)
class Source:
    """Who defines a key, when it is not who defines its object. In the schema x-source."""

    name: str

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(schema) | {"x-source": self.name}


Listed = Annotated[tuple[T, ...], Either(None, ())]
"""A list; null is an empty one (a nil slice in Go)."""

Mapped = Annotated[dict[str, T], Either(None, {})]
"""A mapping of names; null is an empty one."""

Text = Annotated[str, Either(None, ""), Unit("text")]
"""A text that may be null, which is the empty one."""

OptionalText = Annotated[str | None, Either("", None), Unit("text")]
"""A text that may be absent; the empty one is absent too (Go's zero value)."""


IpAddress = Annotated[str, Unit("IP address")]
"""An address without prefix length; nobody has looked whether it is one."""

Prefix = Annotated[str, Unit("CIDR prefix")]
"""A network in the notation of RFC 4632; nobody has looked whether it is one."""


MAX_ASN = 2**32 - 1
Asn = Annotated[int, Field(ge=0, le=MAX_ASN), Unit("AS number"), Source("RFC 6793")]


# RFC 1123, 2.1 on RFC 952; the length of a label is RFC 1035, 2.3.4.
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# Linux, include/uapi/linux/utsname.h: __NEW_UTS_LEN; `hostname(1)` refuses more.
_HOST_NAME_LENGTH = 64


def _host_name(name: str) -> str:
    if len(name) > _HOST_NAME_LENGTH:
        raise rule(f"must not be longer than {_HOST_NAME_LENGTH} characters, what Linux takes")
    if not all(re.fullmatch(_LABEL, label) for label in name.split(".")):
        raise rule(
            "must be a host name (RFC 1123): labels of letters, digits and hyphens, "
            "not longer than 63 characters, divided by dots"
        )
    return name


HostName = Annotated[
    str,
    AfterValidator(_host_name),
    Field(
        json_schema_extra={
            "pattern": rf"^{_LABEL}(?:\.{_LABEL})*$",
            "maxLength": _HOST_NAME_LENGTH,
        }
    ),
    Unit("host name"),
    Source("RFC 1123, 2.1; Linux, utsname.h: __NEW_UTS_LEN"),
]

_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def _uuid(text: str) -> str:
    if not re.fullmatch(_UUID, text):
        raise rule("must be a UUID in lower case, as in /sys/class/dmi/id/product_uuid")
    return text


MachineUuid = Annotated[
    str,
    AfterValidator(_uuid),
    Field(json_schema_extra={"pattern": f"^{_UUID}$"}),
    Unit("UUID"),
    Source("SMBIOS 3.7, 7.2.1: UUID; RFC 9562"),
]


def _absolute(path: str) -> str:
    if not path.startswith("/") or path.endswith("/"):
        raise rule("must be an absolute path of a file")
    if "\0" in path or "\n" in path:
        raise rule("must not hold line ends or zero bytes")
    if ".." in PurePosixPath(path).parts:
        raise rule("must not hold ..")
    return path


ImagePath = Annotated[
    str,
    AfterValidator(_absolute),
    Field(
        json_schema_extra={
            "pattern": r"^(?![^\n\u0000]*/\.\.(?:/|$))/[^\n\u0000]*[^/\n\u0000]$",
        }
    ),
    Unit("path in the image"),
]
"""A file by its absolute path in the image."""


def _address(url: str) -> str:
    if not url.isprintable() or " " in url:
        raise rule("must not hold white space or control characters")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise rule("must be a URL") from None
    if parts.scheme not in ("http", "https", "file"):
        raise rule("must be a URL with http, https or file")
    if parts.scheme != "file" and not parts.hostname:
        raise rule("must name a host")
    return url


def _of_a_file(url: str) -> str:
    if urlsplit(url).path.strip("/") == "":
        raise rule("must name a file on the server")
    return url


_WEB = r"[Hh][Tt][Tt][Pp][Ss]?://[^/?#\s]+"
_FILE = r"[Ff][Ii][Ll][Ee]:"

StoreUrl = Annotated[
    str,
    AfterValidator(_address),
    Field(json_schema_extra={"pattern": rf"^(?:{_WEB}|{_FILE})\S*$"}),
    Unit("URL"),
]
"""A place that the agent can read, by http, https or file."""


def address_of_a_file(url: str) -> str:
    """The URL, if it can be that of a file. Raises what a validator does."""
    return _of_a_file(_address(url))


IMAGE_URL_PATTERN = rf"(?:{_WEB}/+[^/?#\s]|{_FILE}(?://[^/?#\s]*)?/*[^/?#\s])\S*"

ImageUrl = Annotated[
    str,
    AfterValidator(address_of_a_file),
    Field(json_schema_extra={"pattern": f"^{IMAGE_URL_PATTERN}$"}),
    Unit("URL"),
]
"""A file that the agent can read, by http, https or file."""
