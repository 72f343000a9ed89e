from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthdesk.connectors.policy import AddressPolicy, faces, special

BLOCKED_V4 = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.127.255.254",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "233.252.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "168.63.129.16",
    "100.100.100.200",
]
BLOCKED_V6 = [
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "100::1",
    "2001::1",
    "2001:10::1",
    "2001:db8::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "64:ff9b:1::808:808",
    "64:ff9b:2::808:808",
]
PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700:4700::1111",
    "2a00:1450:4001:81b::200e",
]


def wrapped(inner: IPv4Address) -> dict[str, IPv6Address]:
    number = int(inner)
    low = {"mapped": "::ffff:0:0", "compatible": "::", "translated": "::ffff:0:0:0", "nat64": "64:ff9b::"}
    made = {name: IPv6Address(int(IPv6Address(prefix)) + number) for name, prefix in low.items()}
    made["6to4"] = IPv6Address((0x2002 << 112) | number << 80 | 1)
    return made


special_v4 = st.one_of(
    *(
        st.ip_addresses(v=4, network=network)
        for network in (
            "127.0.0.0/8",
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "169.254.0.0/16",
            "100.64.0.0/10",
        )
    )
)
public_v4 = st.ip_addresses(v=4).filter(lambda address: not special(address))


@pytest.mark.parametrize("address", BLOCKED_V4 + BLOCKED_V6)
def test_special_addresses_are_refused_with_the_address_and_the_reason(address):
    refusal = AddressPolicy().refusal(address)
    assert refusal.startswith(address)
    assert " is " in refusal


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address):
    assert AddressPolicy().refusal(address) == ""


@given(special_v4)
def test_no_wrapping_gets_a_special_ipv4_address_past_the_policy(inner):
    policy = AddressPolicy()
    for name, outer in wrapped(inner).items():
        assert policy.refusal(str(outer)), name


@given(public_v4)
def test_a_wrapped_public_ipv4_address_is_judged_like_itself(inner):
    policy = AddressPolicy()
    for name, outer in wrapped(inner).items():
        if outer not in (IPv6Address("::"), IPv6Address("::1")):
            assert policy.refusal(str(outer)) == "", name


@given(st.ip_addresses(v=6).filter(lambda address: address not in IPv6Network("2000::/3")))
def test_ipv6_outside_global_unicast_is_public_only_through_what_it_carries(address):
    inner = [face for face in faces(address) if isinstance(face, IPv4Address)]
    if AddressPolicy().allows(str(address)):
        assert inner
        assert all(face.is_global for face in inner)


@given(st.ip_addresses(v=4))
def test_what_python_calls_not_global_is_never_allowed(address):
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert AddressPolicy().refusal(str(address))


@pytest.mark.parametrize(
    ("spelling", "inner"),
    [
        ("64:ff9b:1::7f00:1", "127.0.0.1"),
        ("64:ff9b:1:a00:0:100::", "10.0.0.1"),
        ("64:ff9b:1:a:0:1::", "10.0.0.1"),
        ("64:ff9b:1:0:a:0:100:0", "10.0.0.1"),
    ],
)
def test_the_local_nat64_prefix_is_refused_at_every_prefix_length_even_when_listed(spelling, inner):
    policy = AddressPolicy([ip_network("64:ff9b:1::/48")])
    assert f"(it leads to {inner})" in policy.refusal(spelling)


def test_the_local_nat64_prefix_reaches_public_addresses_once_listed():
    spelling = "64:ff9b:1:808:8:800::"
    assert AddressPolicy().refusal(spelling)
    assert ip_address("8.8.8.8") in faces(ip_address(spelling))
    assert AddressPolicy([ip_network("64:ff9b:1::/48")]).allows(spelling)


def test_teredo_and_isatap_are_judged_by_the_addresses_they_carry_too():
    teredo = ip_address("2001:0:7f00:1::f7f7:f7f7")
    assert ip_address("127.0.0.1") in faces(teredo)
    assert ip_address("8.8.8.8") in faces(teredo)
    assert "127.0.0.1" in AddressPolicy([ip_network("2001::/32")]).refusal(str(teredo))
    assert AddressPolicy().refusal("2a00:1450:4001:81b:0:5efe:7f00:1")
    assert AddressPolicy().refusal("2a00:1450:4001:81b:200:5efe:a00:1")


def test_listed_networks_are_allowed_in_every_wrapping_and_others_are_not():
    policy = AddressPolicy([ip_network("10.1.0.0/16"), ip_network("fd00:1::/32")])
    assert policy.allows("10.1.2.3")
    assert policy.allows("fd00:1::5")
    assert policy.allows("::ffff:10.1.2.3")
    assert policy.allows("64:ff9b::a01:203")
    assert policy.refusal("10.2.0.1")
    assert policy.refusal("::ffff:10.2.0.1")
    assert policy.refusal("fd00:2::5")
    assert policy.refusal("127.0.0.1")


def test_listing_a_wrapper_does_not_open_what_it_carries():
    assert AddressPolicy([ip_network("64:ff9b::/96")]).refusal("64:ff9b::7f00:1")


def test_a_scoped_address_is_listed_by_its_network():
    assert AddressPolicy([ip_network("fe80::/10")]).allows("fe80::1%eth0")


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "2130706433", "0x7f000001", "1.2.3.4.5"])
def test_what_is_not_an_address_is_refused(text):
    assert AddressPolicy([ip_network("0.0.0.0/0"), ip_network("::/0")]).refusal(text)


def test_a_refusal_says_where_a_wrapped_address_leads():
    assert (
        AddressPolicy().refusal("::ffff:127.0.0.1") == "::ffff:127.0.0.1 (it leads to 127.0.0.1) is loopback"
    )
