"""Which resolved addresses may be dialled, row by row."""

from ipaddress import ip_address

import pytest

from s3gate.policy.network import UpstreamNetworks, classify_address, judge_address, parse_networks

PUBLIC = parse_networks(["public"])

ROWS = [
    ("s3 in tokyo", "52.219.0.10", None),
    ("s3 over ipv6", "2600:1fa0:4000::1", None),
    ("loopback", "127.0.0.1", "loopback"),
    ("loopback far end", "127.255.255.254", "loopback"),
    ("this network", "0.0.0.0", "this-network"),
    ("private 10", "10.1.2.3", "private"),
    ("private 172", "172.31.255.255", "private"),
    ("private 192", "192.168.0.1", "private"),
    ("shared", "100.64.0.1", "shared"),
    ("imds", "169.254.169.254", "instance-metadata"),
    ("ecs credentials", "169.254.170.2", "container-credentials"),
    ("link-local", "169.254.1.1", "link-local"),
    ("benchmark", "198.18.0.1", "benchmarking"),
    ("multicast", "224.0.0.1", "multicast"),
    ("broadcast", "255.255.255.255", "reserved"),
    ("documentation", "203.0.113.9", "documentation"),
    ("v6 loopback", "::1", "loopback"),
    ("v6 unspecified", "::", "unspecified"),
    ("mapped loopback", "::ffff:127.0.0.1", "ipv4-mapped"),
    ("mapped public", "::ffff:52.219.0.10", "ipv4-mapped"),
    ("translated", "::ffff:0:127.0.0.1", "ipv4-translated"),
    ("compatible", "::127.0.0.1", "ipv4-compatible"),
    ("nat64 of imds", "64:ff9b::a9fe:a9fe", "nat64"),
    ("local nat64", "64:ff9b:1::1", "nat64"),
    ("6to4 of private", "2002:0a00:0001::1", "6to4"),
    ("teredo", "2001:0:1::1", "teredo"),
    ("imds over v6", "fd00:ec2::254", "instance-metadata"),
    ("unique local", "fd12::1", "private"),
    ("v6 link-local", "fe80::1", "link-local"),
    ("v6 link-local with zone", "fe80::1%eth0", "zoned"),
    ("v6 multicast", "ff02::1", "multicast"),
    ("v6 outside global unicast", "4000::1", "unassigned"),
    ("a name", "localhost", "not an address"),
    ("a short spelling", "127.1", "not an address"),
    ("empty", "", "not an address"),
    ("trailing newline", "52.219.0.10\n", "not an address"),
]


@pytest.mark.parametrize(("name", "address", "problem"), ROWS, ids=[row[0] for row in ROWS])
def test_only_public_addresses_may_be_dialled_by_default(
    name: str, address: str, problem: str | None
) -> None:
    assert judge_address(address, PUBLIC) == problem


def test_without_public_even_a_public_address_is_refused() -> None:
    assert judge_address("52.219.0.10", UpstreamNetworks(public=False)) == "public"


LIFTS = [
    ("a written private range opens it", ["10.0.0.0/8"], "10.1.2.3", None),
    ("only that range", ["10.1.0.0/16"], "10.2.0.1", "private"),
    ("a written loopback range opens it", ["127.0.0.0/8"], "127.0.0.9", None),
    ("everything opens nothing special", ["0.0.0.0/0"], "127.0.0.1", "loopback"),
    ("everything opens the public ones", ["0.0.0.0/0"], "52.219.0.10", None),
    ("link-local does not open imds", ["169.254.0.0/16"], "169.254.169.254", "instance-metadata"),
    ("imds written out", ["169.254.169.254/32"], "169.254.169.254", None),
    ("mapped is never opened", ["::ffff:0:0/96"], "::ffff:10.0.0.1", "ipv4-mapped"),
    ("nat64 is never opened", ["64:ff9b::/96"], "64:ff9b::1", "nat64"),
    ("unique local does not open imds", ["fc00::/7"], "fd00:ec2::254", "instance-metadata"),
    ("v6 everything opens nothing special", ["::/0"], "::1", "loopback"),
]


@pytest.mark.parametrize(("name", "texts", "address", "problem"), LIFTS, ids=[row[0] for row in LIFTS])
def test_a_written_range_lifts_exactly_itself(
    name: str, texts: list[str], address: str, problem: str | None
) -> None:
    assert judge_address(address, parse_networks(texts)) == problem


@pytest.mark.parametrize("text", ["10.0.0.1/8", "everything", "", "10.0.0.0/33", "PUBLIC"])
def test_a_network_must_be_public_or_a_cidr(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_networks([text])


@pytest.mark.parametrize("address", ["0.0.0.0", "255.255.255.255", "::", "ffff::", "1.1.1.1"])
def test_every_address_has_a_class(address: str) -> None:
    name, network = classify_address(ip_address(address))
    assert name
    assert ip_address(address) in network
