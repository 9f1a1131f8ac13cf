"""Where channels may connect: the table, the wrappings, the settings, and names that resolve to several addresses."""

import socket
from ipaddress import IPv4Address, IPv6Address

import pytest
from aiohttp.abc import AbstractResolver
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from receiver.addresses import BlockedAddress, Guard, GuardedResolver, HttpSettings

PUBLIC = ["1.1.1.1", "119.29.29.29", "2606:4700::1111", "64:ff9b::101:101"]
PRIVATE = ["10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "100.100.100.201", "fd12::1", "fc00::1"]
NEVER = [
    "0.0.0.0",
    "0.1.2.3",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.0.23",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fd00:c1::a9fe:a9fe",
    "fd00:42::42",
    "fe80::1",
    "fe80::a9fe:a9fe",
    "fe80::1%1",
    "fec0::1",
    "ff02::1",
    "::ffff:169.254.169.254",
    "::ffff:0.0.0.0",
    "::ffff:100.100.100.200",
    "64:ff9b::169.254.169.254",
    "64:ff9b::6464:64c8",
    "64:ff9b:1::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "::169.254.169.254",
    "::ffff:0:169.254.169.254",
    "2001:0:4136:e378:8000:63bf:5601:5601",
    "fd00::5efe:a9fe:a9fe",
    "fd00::200:5efe:a9fe:a9fe",
]
UNLESS_LISTED = [
    "127.0.0.1",
    "127.255.255.254",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "::127.0.0.1",
    "192.0.0.1",
    "192.0.2.1",
    "198.51.100.1",
    "203.0.113.1",
    "198.18.0.1",
    "192.88.99.1",
    "100::1",
    "2001:db8::1",
    "3fff::1",
    "5f00::1",
    "2002:101:101::1",
    "2001:100::1",
    "64:ff9b:1::101:101",
]
EVERYTHING = {"allowed_networks": ["0.0.0.0/0", "::/0"]}


def guard(**settings) -> Guard:
    return Guard(HttpSettings.model_validate(settings))


def wrapped(address: IPv4Address) -> list[str]:
    """`address` in every IPv6 form that may carry it."""
    bits = int(address)
    forms = [0xFFFF << 32 | bits, 0x64FF9B << 96 | bits, 0x2002 << 112 | bits << 80, 0xFFFF << 48 | bits]
    teredo = 0x20010000 << 96 | 0x01010101 << 64 | bits ^ 0xFFFFFFFF
    isatap = 0xFD00 << 112 | 0x5EFE << 32 | bits
    return [str(IPv6Address(form)) for form in (*forms, teredo, isatap)]


@pytest.mark.parametrize("address", PUBLIC + PRIVATE)
def test_public_and_private_addresses_are_open(address):
    guard().check(address, 443)


@pytest.mark.parametrize("address", NEVER)
def test_metadata_and_link_local_are_blocked_even_when_everything_is_allowed(address):
    with pytest.raises(BlockedAddress, match="never"):
        guard(**EVERYTHING).check(address, 80)


@pytest.mark.parametrize("address", UNLESS_LISTED)
def test_loopback_and_special_ranges_need_to_be_listed(address):
    with pytest.raises(BlockedAddress, match=r"http\.allowed_networks"):
        guard().check(address, 80)
    guard(**EVERYTHING).check(address, 80)


@given(st.ip_addresses(v=4, network="169.254.0.0/16"), st.integers(0, 5))
def test_every_wrapping_of_metadata_is_blocked_for_good(address, form):
    with pytest.raises(BlockedAddress):
        guard(**EVERYTHING).check(wrapped(address)[form], 80)


@given(st.ip_addresses(v=4, network="127.0.0.0/8"), st.integers(0, 5))
def test_every_wrapping_of_loopback_is_blocked_by_default(address, form):
    with pytest.raises(BlockedAddress):
        guard().check(wrapped(address)[form], 80)


@given(st.ip_addresses(v=4, network="10.0.0.0/8"), st.integers(0, 5))
def test_a_blocked_network_is_blocked_in_every_wrapping(address, form):
    with pytest.raises(BlockedAddress):
        guard(blocked_networks=["10.0.0.0/8"], **EVERYTHING).check(wrapped(address)[form], 80)


def test_blocked_networks_win_over_allowed_ones():
    with pytest.raises(BlockedAddress, match=r"http\.blocked_networks"):
        guard(allowed_networks=["10.1.0.0/16"], blocked_networks=["10.0.0.0/8"]).check("10.1.2.3", 80)


@pytest.mark.parametrize("literal", ["127.1", "0x7f000001", "2130706433", "0177.0.0.1", "①②⑦.⓪.⓪.①", "localhost", ""])
def test_odd_literals_are_judged_as_the_system_would_read_them(literal):
    with pytest.raises(BlockedAddress):
        guard().check(literal, 80)


def test_trusted_pairs_are_reached_and_only_they():
    trusting = Guard(HttpSettings(), trusted=[("127.0.0.1", 8061)])
    trusting.check("127.0.0.1", 8061)
    with pytest.raises(BlockedAddress):
        trusting.check("127.0.0.1", 8062)


def test_the_socket_factory_refuses_before_there_is_a_socket():
    with pytest.raises(BlockedAddress):
        guard().socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 80)))


@pytest.mark.parametrize("network", ["10.0.0.1/8", "10.0.0.0/33", "example.org", "", 10, None])
def test_what_is_no_network_is_refused(network):
    with pytest.raises(ValidationError, match="must be a network like"):
        HttpSettings.model_validate({"allowed_networks": [network]})


class Fixed(AbstractResolver):
    """Answers every name with the same addresses."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    async def resolve(self, host, port=0, family=socket.AF_INET):
        return [
            {"hostname": host, "host": address, "port": port, "family": family, "proto": 0, "flags": 0}
            for address in self.addresses
        ]

    async def close(self):
        pass


async def test_a_name_keeps_only_its_allowed_addresses():
    resolver = GuardedResolver(Fixed("127.0.0.1", "10.0.0.1", "169.254.169.254"), guard())
    assert [found["host"] for found in await resolver.resolve("mixed.example", 80)] == ["10.0.0.1"]


async def test_a_name_with_blocked_addresses_only_is_blocked():
    resolver = GuardedResolver(Fixed("127.0.0.1", "169.254.169.254"), guard())
    with pytest.raises(BlockedAddress):
        await resolver.resolve("rebound.example", 80)
