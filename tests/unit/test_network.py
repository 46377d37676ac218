"""The words of `ip=` and of a DHCP lease."""

import pytest

from hammer.errors import NetworkDown
from hammer.host.network import Address, parse_ip, read_lease


@pytest.mark.parametrize("text", [None, "dhcp", "on", "any", "both", ":::::eth0:dhcp", "::::::"])
def test_dhcp(text: str | None) -> None:
    option = parse_ip(text)
    assert option.autoconf
    assert option.address is None
    assert option.interface == ("eth0" if text and "eth0" in text else None)


@pytest.mark.parametrize("text", ["off", "none"])
def test_no_network(text: str) -> None:
    assert parse_ip(text).off


def test_an_address() -> None:
    option = parse_ip("10.0.0.7::10.0.0.1:255.255.255.0:node1:eth1:off:10.0.0.2:10.0.0.3")
    assert str(option.address) == "10.0.0.7/24"
    assert str(option.gateway) == "10.0.0.1"
    assert option.interface == "eth1"
    assert option.dns == ("10.0.0.2", "10.0.0.3")
    assert not option.autoconf


@pytest.mark.parametrize(
    "text", ["10.0.0.300", "10.0.0.7::x:255.255.255.0", "10.0.0.7::::::maybe", "dhpc:::::::x"]
)
def test_what_makes_no_sense(text: str) -> None:
    with pytest.raises(NetworkDown, match=r"ip="):
        parse_ip(text)


def test_a_lease() -> None:
    text = "ip=10.0.2.15\nsubnet=255.255.255.0\nrouter=10.0.2.2 10.0.2.9\ndns=10.0.2.3\nsiaddr=\n"
    text += "ntpsrv=10.0.2.4 10.0.2.5\n"
    found = read_lease("eth0", text)
    assert isinstance(found, Address)
    assert (str(found.address), str(found.gateway)) == ("10.0.2.15/24", "10.0.2.2")
    assert found.dns == ("10.0.2.3",)
    assert found.ntp == ("10.0.2.4", "10.0.2.5")
