"""The way to a server: through which proxy, and whose certificates count there."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import urllib3

CA_FILE = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True, kw_only=True)
class Proxies:
    """Which proxy is for which URL, as the variables http_proxy, https_proxy and no_proxy say."""

    http: str | None = None
    """URL of the proxy, http or https, perhaps with user and password."""
    https: str | None = None
    """Of the proxy that tunnels to https servers."""
    not_for: tuple[str, ...] = ()
    """Hosts, domains (with all hosts below), networks such as 10.0.0.0/8, or `*`."""

    def of(self, url: str) -> str | None:
        """The proxy for this URL; None: none."""
        parts = urlsplit(url)
        proxy = {"http": self.http, "https": self.https}.get(parts.scheme)
        host = parts.hostname or ""
        return None if any(_covers(each, host) for each in self.not_for) else proxy


@dataclass(frozen=True, kw_only=True)
class Way:
    """How servers are reached."""

    proxies: Proxies = Proxies()
    ca_file: Path = CA_FILE
    more_ca: Callable[[], str] | None = None
    """Gives more of them, in PEM, when they are needed for the first time."""


def _covers(rule: str, host: str) -> bool:
    rule, host = rule.lower().removeprefix(".").rstrip("."), host.lower().rstrip(".")
    if not rule or not host:
        return False
    if rule == "*" or host == rule or host.endswith(f".{rule}"):
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(rule, strict=False)
    except ValueError:
        return False


def manager_for(
    way: Way, url: str, *, connect_s: float, read_s: float, checked: bool = True
) -> urllib3.PoolManager:
    """What makes connections to the server of this URL. Raises what `way.more_ca` raises.

    Not `checked`, it talks to whoever answers.
    """
    proxy = way.proxies.of(url)
    timeout = urllib3.Timeout(connect=connect_s, read=read_s)
    ca_certs = str(way.ca_file) if way.ca_file.exists() else None
    encrypted = [each for each in (url, proxy or "") if urlsplit(each).scheme == "https"]
    more = way.more_ca() if way.more_ca and encrypted and checked else None
    cert_reqs = None if checked else "CERT_NONE"
    if proxy is None:
        return urllib3.PoolManager(
            ca_certs=ca_certs, ca_cert_data=more, cert_reqs=cert_reqs, timeout=timeout
        )
    parts = urlsplit(proxy)
    credentials = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return urllib3.ProxyManager(
        urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])),
        proxy_headers=urllib3.make_headers(proxy_basic_auth=credentials)
        if parts.username
        else None,
        ca_certs=ca_certs,
        ca_cert_data=more,
        cert_reqs=cert_reqs,
        timeout=timeout,
    )
