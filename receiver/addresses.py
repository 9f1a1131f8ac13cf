"""Where channels may connect: judged by the final IP address, with an own table instead of the library's guesses.

Public and private addresses are open; loopback and other special ranges only when listed; link-local, cloud metadata,
multicast and reserved addresses never, in whatever IPv6 wrapping they come.
"""

from __future__ import annotations

import socket
from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated, Any

from aiohttp.abc import AbstractResolver, ResolveResult
from pydantic import BeforeValidator

from receiver.settings import Section

Address = IPv4Address | IPv6Address


def network(value: object) -> IPv4Network | IPv6Network:
    """`10.0.0.0/8`, `fd00::/8` or a single address as a network. ValueError otherwise, also when host bits are set."""
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    try:
        return ip_network(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError("must be a network like 10.0.0.0/8 or fd00::/8 (no host bits), or one address") from None


Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(network)]


class HttpSettings(Section):
    """Which addresses channels may connect to, besides or against the default. What is blocked here stays blocked."""

    allowed_networks: tuple[Network, ...] = ()
    blocked_networks: tuple[Network, ...] = ()


_NEVER = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # "this host": reaches loopback on Linux
        "169.254.0.0/16",  # link-local: metadata of AWS, Azure, GCP, Tencent, Huawei, DigitalOcean
        "100.100.100.200/32",  # metadata of Alibaba Cloud
        "168.63.129.16/32",  # platform address of Azure
        "192.0.0.192/32",  # metadata of Oracle Cloud, older
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
        "::/128",
        "fd00:ec2::254/128",  # metadata of AWS
        "fd20:ce::254/128",  # metadata of GCP
        "fd00:c1::a9fe:a9fe/128",  # metadata of Oracle Cloud
        "fd00:42::42/128",  # metadata of Scaleway
        "fe80::/10",
        "fec0::/10",  # site-local, deprecated by RFC 3879
        "ff00::/8",
    )
)
_IF_LISTED = tuple(
    ip_network(text)
    for text in (
        "127.0.0.0/8",
        "::1/128",
        "192.0.0.0/24",  # IETF protocol assignments
        "192.0.2.0/24",  # documentation, likewise the next two
        "198.51.100.0/24",
        "203.0.113.0/24",
        "192.88.99.0/24",  # 6to4 relays, deprecated
        "198.18.0.0/15",  # benchmarks
        "::/96",  # IPv4-compatible, deprecated
        "::ffff:0:0:0/96",  # IPv4-translated (RFC 2765)
        "64:ff9b:1::/48",  # local NAT64
        "100::/64",  # discard
        "2001::/23",  # IETF protocol assignments, Teredo among them
        "2001:db8::/32",
        "3fff::/20",
        "2002::/16",  # 6to4
        "5f00::/16",  # segment routing
    )
)
_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
_NAT64 = ip_network("64:ff9b::/96")
_LAST_32_BITS = (_NAT64, ip_network("64:ff9b:1::/48"), ip_network("::ffff:0:0:0/96"), ip_network("::/96"))
_ISATAP = (0x00005EFE, 0x02005EFE)


class BlockedAddress(OSError):
    """An address no channel may connect to; the sentence says which setting decides."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class Guard:
    """Judges addresses by `settings`; the (address, port) pairs in `trusted` are always reached."""

    def __init__(self, settings: HttpSettings, trusted: Collection[tuple[str, int]] = ()) -> None:
        self._allowed = settings.allowed_networks
        self._blocked = settings.blocked_networks
        self._trusted = frozenset(trusted)

    def check(self, host: str, port: int) -> None:
        """Return if `host`, an IP address, may be connected to; raise BlockedAddress otherwise."""
        if (host, port) in self._trusted:
            return
        sentence = self._verdict(_final(_parsed(host)))
        if sentence:
            raise BlockedAddress(sentence)

    def socket(self, info: tuple[Any, ...]) -> socket.socket:
        """A socket for the address aiohttp is about to connect to: its `socket_factory`."""
        family, kind, protocol, _, address = info
        self.check(address[0], address[1])
        return socket.socket(family, kind, protocol)

    def _verdict(self, address: Address) -> str:
        faces = (address, *_embedded(address))
        if any(_within(face, _NEVER) for face in faces):
            return f"{address} is link-local, cloud metadata or reserved: a channel never connects there"
        if any(_within(face, self._blocked) for face in faces):
            return f"{address} is inside http.blocked_networks"
        if _within(address, self._allowed) or not any(_within(face, _IF_LISTED) for face in faces):
            return ""
        what = "a loopback address" if _within(address, _LOOPBACK) else "a special-purpose address"
        return f"{address} is {what}: it must be listed in http.allowed_networks"


class GuardedResolver(AbstractResolver):
    """Resolves names by `inner` and keeps only the addresses that may be reached, so that these alone are tried."""

    def __init__(self, inner: AbstractResolver, guard: Guard) -> None:
        self._inner = inner
        self._guard = guard

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The reachable addresses of `host`. Raises BlockedAddress when it has none, OSError when it has no address."""
        reachable, refusal = [], None
        for found in await self._inner.resolve(host, port, family):
            try:
                self._guard.check(found["host"], port)
                reachable.append(found)
            except BlockedAddress as blocked:
                refusal = blocked
        if not reachable and refusal:
            raise refusal
        return reachable

    async def close(self) -> None:
        """Close the inner resolver."""
        await self._inner.close()


def _parsed(host: str) -> Address:
    """`host` as an address; also `127.1` and `0x7f000001`, which the system would take for one."""
    try:
        return ip_address(host)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        raise BlockedAddress("the host is not an address the system would connect to") from None


def _final(address: Address) -> Address:
    """The address the system really connects to: an IPv4-mapped one is IPv4."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _embedded(address: Address) -> tuple[IPv4Address, ...]:
    """The IPv4 addresses that `address` carries: NAT64, 6to4, Teredo, ISATAP and the older forms."""
    if isinstance(address, IPv4Address) or address == IPv6Address("::1"):
        return ()
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return address.teredo
    number = int(address)
    if _within(address, _LAST_32_BITS) or (number >> 32) & 0xFFFFFFFF in _ISATAP:
        return (IPv4Address(number & 0xFFFFFFFF),)
    return ()


def _within(address: Address, networks: Collection[IPv4Network | IPv6Network]) -> bool:
    return any(address in network for network in networks)
