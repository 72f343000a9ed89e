"""The address policy: which addresses the desk may connect to. Pure, and light enough for any process to import."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

FIX = "to allow it, list its network under security.allow_private_networks in config.toml"

_SPECIAL_V4 = tuple(
    (IPv4Network(network), word)
    for network, word in (
        ("127.0.0.0/8", "loopback"),
        ("10.0.0.0/8", "a private network"),
        ("172.16.0.0/12", "a private network"),
        ("192.168.0.0/16", "a private network"),
        ("169.254.0.0/16", "link-local, where cloud metadata lives"),
        ("168.63.129.16/32", "a cloud's metadata service"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("0.0.0.0/8", "this host"),
        ("192.0.0.0/24", "reserved for protocols"),
        ("192.0.2.0/24", "reserved for documentation"),
        ("198.51.100.0/24", "reserved for documentation"),
        ("203.0.113.0/24", "reserved for documentation"),
        ("192.88.99.0/24", "a 6to4 relay"),
        ("198.18.0.0/15", "reserved for benchmarks"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)

_SPECIAL_V6 = tuple(
    (IPv6Network(network), word)
    for network, word in (
        ("::1/128", "loopback"),
        ("::/128", "this host"),
        ("fc00::/7", "a private network"),
        ("fec0::/10", "a private network"),
        ("fe80::/10", "link-local"),
        ("ff00::/8", "multicast"),
        ("64:ff9b:1::/48", "a private NAT64 translator"),
        ("2001::/32", "a Teredo tunnel"),
        ("2001::/23", "reserved for protocols"),
        ("2001:db8::/32", "reserved for documentation"),
        ("3fff::/20", "reserved for documentation"),
    )
)

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_LOW_32 = 0xFFFF_FFFF
# An IPv4 address is the last 32 bits of an address in one of these: mapped, compatible, translated, NAT64.
_WRAPPERS = tuple(
    IPv6Network(network) for network in ("::ffff:0:0/96", "::/96", "::ffff:0:0:0/96", "64:ff9b::/96")
)
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")
_SIX_TO_FOUR = IPv6Network("2002::/16")
_TEREDO = IPv6Network("2001::/32")
_ISATAP_IDS = (0x0000_5EFE, 0x0200_5EFE)
_THIS_NETWORK = IPv4Network("0.0.0.0/8")


class AddressPolicy:
    """Public addresses are allowed; special ones only where `allow` lists their network.

    An IPv6 address that carries an IPv4 address is judged by what it carries, whatever its wrapping.
    """

    def __init__(self, allow: Iterable[Network] = ()) -> None:
        self._allow = tuple(allow)

    def refusal(self, address: str) -> str:
        """Return why `address` (a literal, as connected to) may not be reached, or an empty string."""
        try:
            parsed = ip_address(address)
        except ValueError:
            return f"{address} is not an IP address"
        for face in faces(parsed):
            word = special(face)
            if word and not self._listed(face):
                carried = "" if face == parsed else f" (it leads to {face})"
                return f"{address}{carried} is {word}"
        return ""

    def allows(self, address: str) -> bool:
        """Return whether `address` may be connected to."""
        return not self.refusal(address)

    def _listed(self, address: Address) -> bool:
        bare = _without_scope(address)
        return any(bare.version == network.version and bare in network for network in self._allow)


def special(address: Address) -> str:
    """Return what kind of special address this is, in words, or an empty string for a public one."""
    if isinstance(address, IPv4Address):
        for v4, word in _SPECIAL_V4:
            if address in v4:
                return word
        return "" if address.is_global else "not a public address"
    bare = _without_scope(address)
    for v6, word in _SPECIAL_V6:
        if bare in v6:
            return word
    return "" if bare in _GLOBAL_UNICAST else "not a public address"


def faces(address: Address) -> tuple[Address, ...]:
    """Return every address that must be allowed before `address` may be connected to, itself or what it carries."""
    if isinstance(address, IPv4Address):
        return (address,)
    bare = _without_scope(address)
    if bare in (IPv6Address("::"), IPv6Address("::1")):
        return (bare,)
    number = int(bare)
    if any(bare in wrapper for wrapper in _WRAPPERS):
        return (IPv4Address(number & _LOW_32),)
    if bare in _SIX_TO_FOUR:
        return (IPv4Address(number >> 80 & _LOW_32),)
    if bare in _NAT64_LOCAL:
        return (bare, *_nat64_local(number))
    if bare in _TEREDO:
        return (bare, IPv4Address(number >> 64 & _LOW_32), IPv4Address(~number & _LOW_32))
    if number >> 32 & _LOW_32 in _ISATAP_IDS:
        return (bare, IPv4Address(number & _LOW_32))
    return (address,)


def _nat64_local(number: int) -> Iterator[IPv4Address]:
    """Yield what an address of the local NAT64 prefix can carry: its translator may use any prefix length."""
    # Prefixes shorter than 96 put the address around the octet of bits 64 to 71, which is always zero.
    without_octet = number >> 64 << 56 | number & (1 << 56) - 1
    for prefix_length in (48, 56, 64, 96):
        whole = number if prefix_length == 96 else without_octet >> 88 - prefix_length
        carried = IPv4Address(whole & _LOW_32)
        # No translator leads to 0.0.0.0/8: that form is not the one in use.
        if carried not in _THIS_NETWORK:
            yield carried


def _without_scope(address: Address) -> Address:
    """Drop the zone of a scoped IPv6 address: networks do not contain scoped addresses' zones."""
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return IPv6Address(int(address))
    return address


def is_literal(host: str) -> bool:
    """Return whether `host` is an IP address rather than a name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
