"""The words `hammer.*` of the kernel command line, as frozen settings."""

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from hammer import redact
from hammer.algorithm import Algorithm
from hammer.errors import CmdlineInvalid
from hammer.public_keys import public_keys
from hammer.step import Break, Step

PROC_CMDLINE = Path("/proc/cmdline")
EMBEDDED_SPEC = "/etc/hammer/machine.yaml"
"""Where the ramdisk build puts a machine document."""


_FETCHED = ("http", "https", "file")
_PROXIES = ("hammer.proxy", "http_proxy", "https_proxy", "all_proxy")


class Verify(StrEnum):
    """What is compared with the image, beyond its digest."""

    TREE = "tree"


class OnFailure(StrEnum):
    """What becomes of the machine after a failed installation (obeyed by initramfs/init)."""

    REBOOT = "reboot"
    SHELL = "shell"
    HALT = "halt"


def _text(value: str) -> str:
    if not value:
        raise ValueError("needs a value")
    return value


def _http_url(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError("must be a URL that begins with http:// or https://")
    return value


def _url(value: str) -> str:
    if not value.startswith(("http://", "https://", "file://")):
        raise ValueError("must be a URL that begins with http://, https:// or file://")
    return value


def _kib_per_s(value: str) -> int:
    # 1 GiB/s: a floor above it would refuse every network.
    if not value.isascii() or not value.isdigit() or int(value) > 1 << 20:
        raise ValueError("must be a whole number of KiB/s, at most 1048576")
    return int(value)


def _urls(value: str) -> tuple[str, ...]:
    urls = tuple(value.split(","))
    for url in urls:
        scheme, separator, rest = url.partition("://")
        if not separator or scheme not in _FETCHED or not rest:
            raise ValueError("must be an http, https or file URL, or several with commas")
    return urls


def _place(value: str) -> str:
    scheme, separator, rest = value.partition("://")
    if not value.startswith("/") and not (separator and scheme in _FETCHED and rest):
        raise ValueError("must be an http, https or file URL, or an absolute path")
    return value


def _proxy(value: str) -> str | None:
    # As everywhere, an empty one is none, and one without a scheme speaks http.
    if not value:
        return None
    url = value if "://" in value else f"http://{value}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("must be the URL of a proxy, http or https")
    return url


def _hosts(value: str) -> tuple[str, ...]:
    return tuple(host.strip() for host in value.split(",") if host.strip())


def _flag(value: str) -> bool:
    if value not in ("0", "1"):
        raise ValueError("must be 0 or 1")
    return value == "1"


def _seconds(value: str) -> int:
    # A day is more than any of these waits can mean; beyond it is a typing error.
    if not value.isascii() or not value.isdigit() or int(value) > 86400:
        raise ValueError("must be a whole number of seconds, at most 86400")
    return int(value)


def _hours(value: str) -> int:
    if not value.isascii() or not value.isdigit() or not 1 <= int(value) <= 168:
        raise ValueError("must be a whole number of hours, from 1 to 168")
    return int(value)


def _one_of(kind: type[StrEnum]) -> Callable[[str], StrEnum]:
    def parse(value: str) -> StrEnum:
        if value not in list(kind):
            raise ValueError(f"must be one of {', '.join(kind)}")
        return kind(value)

    return parse


def _breaks(value: str) -> frozenset[Break]:
    places = {str(place): place for step in Step for place in (Break(step), Break(step, True))}
    names = value.split(",")
    if not set(names) <= set(places):
        raise ValueError(
            f"must be STEP or STEP:after, or several with commas; of {', '.join(Step)}"
        )
    return frozenset(places[name] for name in names)


def _ssh_key(value: str) -> str:
    scheme, separator, rest = value.partition("://")
    if separator and scheme in _FETCHED and rest:
        return value
    try:
        public_keys(value)
    except ValueError as problem:
        raise ValueError(
            f"must be a public key in quotes, or an http, https or file URL: this {problem}"
        ) from None
    return value


def _word(name: str, parse: Callable[[str], object]) -> dict[str, object]:
    return {"word": name, "parse": parse}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every word the agent reads, with its default. docs/operator.md explains each."""

    spec: str = field(default=EMBEDDED_SPEC, metadata=_word("hammer.spec", _text))
    """URL or path of the machine document."""
    breaks: frozenset[Break] = field(default=frozenset(), metadata=_word("hammer.break", _breaks))
    """Stop at these places, and open a shell on the console."""
    on_failure: OnFailure = field(
        default=OnFailure.REBOOT, metadata=_word("hammer.on_failure", _one_of(OnFailure))
    )
    """What initramfs/init does when the agent has failed."""
    backoff_s: int = field(default=60, metadata=_word("hammer.backoff_s", _seconds))
    """How long to wait before the next attempt: after a second failure four times that."""
    pause_s: int = field(default=3, metadata=_word("hammer.pause_s", _seconds))
    """How long to wait before kexec."""
    install_limit_s: int = field(default=1800, metadata=_word("hammer.install_limit_s", _seconds))
    """How long the installer may take."""
    retry_s: int = field(default=120, metadata=_word("hammer.retry_s", _seconds))
    """How long a server is tried again while nothing gets on."""
    os_image: str | None = field(default=None, metadata=_word("hammer.os_image", _url))
    """URL of an OSImage, which names the image in place of the machine document."""
    min_digest: Algorithm = field(
        default=Algorithm.MD5, metadata=_word("hammer.min_digest", _one_of(Algorithm))
    )
    """The weakest digest by which an image may be compared."""
    min_rate_kib_s: int = field(default=256, metadata=_word("hammer.min_rate", _kib_per_s))
    """What an image must come with; 0: however slow it is."""
    mirrors: tuple[str, ...] = field(default=(), metadata=_word("hammer.mirror", _urls))
    """Where images are as well: URLs of an image, or bases that have it under its own path."""
    ca: str | None = field(default=None, metadata=_word("hammer.ca", _place))
    """URL or path of certificates in PEM that count as well as those of the ramdisk."""
    proxy: str | None = field(default=None, metadata=_word("hammer.proxy", _proxy))
    """The proxy for http and https; before the two below."""
    http_proxy: str | None = field(default=None, metadata=_word("http_proxy", _proxy))
    https_proxy: str | None = field(default=None, metadata=_word("https_proxy", _proxy))
    ntp: tuple[str, ...] = field(default=(), metadata=_word("hammer.ntp", _hosts))
    """Time servers, in place of those of DHCP."""
    no_proxy: tuple[str, ...] = field(default=(), metadata=_word("no_proxy", _hosts))
    """Hosts, domains and networks that are reached without a proxy."""
    verify: Verify | None = field(default=None, metadata=_word("hammer.verify", _one_of(Verify)))
    """Read what was unpacked back from the disk."""
    watchdog_s: int = field(default=60, metadata=_word("hammer.watchdog_s", _seconds))
    """Timeout of the watchdog; 0 leaves every watchdog alone."""
    shell_max_h: int = field(default=8, metadata=_word("hammer.shell_max_h", _hours))
    """How long a shell on the console may be open."""
    preserve: bool = field(default=False, metadata=_word("hammer.preserve", _flag))
    """Leave the disks as they are after a failure, for an autopsy."""
    debug: bool = field(default=False, metadata=_word("hammer.debug", _flag))
    """Show every command on the console."""
    events: str | None = field(default=None, metadata=_word("hammer.events", _text))
    """A device or file that gets every event as a line of JSON, such as /dev/ttyS1."""
    report: str | None = field(default=None, metadata=_word("hammer.report", _http_url))
    """URL of a server that is told how the installation goes, and gets the failure bundle."""
    pixie_api_url: str | None = field(default=None, metadata=_word("PIXIE_API_URL", _text))
    """Where metal-stack's pixie tells about the control plane."""
    ssh_key: str | None = field(default=None, metadata=_word("hammer.ssh_key", _ssh_key))
    """Who may log in by SSH: a public key, or the URL of a file with such keys."""
    ip: str | None = field(default=None, metadata=_word("ip", _text))
    """Network configuration as Documentation/admin-guide/nfs/nfsroot.rst of Linux has it."""
    console: str | None = field(default=None, metadata=_word("console", _text))
    """The last `console=` with a name; earlier ones only mirror the kernel's messages."""


def words(cmdline: str) -> Iterator[tuple[str, str | None]]:
    """The words of a kernel command line as key and value; None without a `=`.

    White space separates, double quotes protect it, as next_arg() in
    lib/cmdline.c of Linux does.
    """
    word, quoted = "", False
    for char in cmdline + " ":
        if char == '"':
            quoted = not quoted
        elif char.isspace() and not quoted:
            if word:
                key, equals, value = word.partition("=")
                yield key, value if equals else None
            word = ""
        else:
            word += char
    if word.strip():  # an open quote runs to the end
        key, equals, value = word.rstrip().partition("=")
        yield key, value if equals else None


def parse(cmdline: str) -> Settings:
    """The settings of a command line. Of a repeated word the last one counts.

    A word `hammer.*` that nobody knows raises CmdlineInvalid: it was meant for
    us, and what was meant would not happen. Other words are not ours to judge.
    """
    known = {str(each.metadata["word"]): each for each in fields(Settings)}
    found: dict[str, object] = {}
    for key, value in words(cmdline):
        if key not in known:
            if key.startswith("hammer."):
                raise CmdlineInvalid(word=key, reason=_unknown(key, list(known)))
            continue
        if key == "console" and not value:
            continue  # without a name it is the kernel's word for no console, and tells us none
        try:
            if value is None:
                raise ValueError("needs a value")
            found[known[key].name] = known[key].metadata["parse"](value)
        except ValueError as problem:
            raise CmdlineInvalid(word=key, reason=str(problem)) from None
    return Settings(**found)  # type: ignore[arg-type]  # each parser returns its field's type


def _unknown(key: str, known: list[str]) -> str:
    ours = [name for name in known if name.startswith("hammer.")]
    near = difflib.get_close_matches(key, ours, n=1)
    return f"nobody knows this word, did you mean {near[0]}?" if near else "nobody knows this word"


def redacted(cmdline: str) -> str:
    """A command line that may be shown: of URLs without user, password and query."""
    told = []
    for key, value in _complete(cmdline):
        if value is not None and "://" in value:
            word = f"{key}={redact.url(value)}"
        else:
            word = redact.text(key if value is None else f"{key}={value}")
        told.append(f'"{word}"' if " " in word else word)
    return " ".join(told)


def _complete(cmdline: str) -> Iterator[tuple[str, str | None]]:
    """The words, with a scheme where a proxy has none: it may have a password all the same."""
    for key, value in words(cmdline):
        proxy = value and "://" not in value and key.lower() in _PROXIES
        yield key, f"http://{value}" if proxy else value


def secrets(cmdline: str) -> list[str]:
    """The parts of its URLs that `redacted` leaves out, as they are written there."""
    values = [value for _, value in _complete(cmdline) if value and "://" in value]
    # One word may hold several, and a comma may be part of a password as well.
    urls = dict.fromkeys([*values, *(url for value in values for url in value.split(","))])
    return [hidden for url in urls for hidden in redact.hidden_of(url)]


def events(cmdline: str) -> str | None:
    """Where events go: known before `parse`, which may have a failure to tell."""
    return _last("hammer.events", cmdline)


def report(cmdline: str) -> str | None:
    """The URL of hammer.report=, also on a command line that `parse` refuses."""
    return _last("hammer.report", cmdline)


def _last(word: str, cmdline: str) -> str | None:
    found = [value for key, value in words(cmdline) if key == word and value]
    return found[-1] if found else None


def read() -> str:
    """The running kernel's command line (proc_cmdline(5))."""
    return PROC_CMDLINE.read_text(errors="replace")
