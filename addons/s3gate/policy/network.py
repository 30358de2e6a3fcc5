"""Resolved address → what kind of network it lies in, and whether it may be dialled.

The normal case: a public unicast address, allowed by `networks: [public]`. Every
other range has its row and source below. An address inside an IPv6 form that
carries an IPv4 address (mapped, NAT64, 6to4, Teredo) is judged as special: S3
never answers with one, and each is a way to name a private address twice.

A CIDR written out in the settings lifts the ban, if it lies wholly within the
range that bans: `10.0.0.0/8` opens private addresses, `0.0.0.0/0` opens nothing
that is special, and IMDS needs its own address written out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from s3gate.policy.membership import Network

PUBLIC: Final = "public"

# (network, class, source). First match wins, so narrower rows stand before wider ones.
# https://www.iana.org/assignments/iana-ipv4-special-registry and …/iana-ipv6-special-registry
_ROWS: Final = (
    ("0.0.0.0/8", "this-network", "RFC 791 §3.2"),
    ("10.0.0.0/8", "private", "RFC 1918"),
    ("100.64.0.0/10", "shared", "RFC 6598"),
    ("127.0.0.0/8", "loopback", "RFC 1122 §3.2.1.3"),
    ("169.254.169.254/32", "instance-metadata", "EC2 user guide, IMDS"),
    ("169.254.170.2/32", "container-credentials", "ECS developer guide, task IAM roles"),
    ("169.254.0.0/16", "link-local", "RFC 3927"),
    ("172.16.0.0/12", "private", "RFC 1918"),
    ("192.0.0.0/24", "protocol-assignments", "RFC 6890"),
    ("192.0.2.0/24", "documentation", "RFC 5737"),
    ("192.31.196.0/24", "as112", "RFC 7535"),
    ("192.52.193.0/24", "amt", "RFC 7450"),
    ("192.88.99.0/24", "6to4-relay", "RFC 7526"),
    ("192.168.0.0/16", "private", "RFC 1918"),
    ("192.175.48.0/24", "as112", "RFC 7534"),
    ("198.18.0.0/15", "benchmarking", "RFC 2544"),
    ("198.51.100.0/24", "documentation", "RFC 5737"),
    ("203.0.113.0/24", "documentation", "RFC 5737"),
    ("224.0.0.0/4", "multicast", "RFC 5771"),
    ("240.0.0.0/4", "reserved", "RFC 1112 §4"),
    ("::/128", "unspecified", "RFC 4291 §2.5.2"),
    ("::1/128", "loopback", "RFC 4291 §2.5.3"),
    ("::ffff:0:0:0/96", "ipv4-translated", "RFC 2765"),
    ("::ffff:0:0/96", "ipv4-mapped", "RFC 4291 §2.5.5.2"),
    ("::/96", "ipv4-compatible", "RFC 4291 §2.5.5.1"),
    ("64:ff9b::/96", "nat64", "RFC 6052"),
    ("64:ff9b:1::/48", "nat64", "RFC 8215"),
    ("100::/64", "discard", "RFC 6666"),
    ("2001::/32", "teredo", "RFC 4380"),
    ("2001::/23", "protocol-assignments", "RFC 2928"),
    ("2001:db8::/32", "documentation", "RFC 3849"),
    ("2002::/16", "6to4", "RFC 3056"),
    ("2620:4f:8000::/48", "as112", "RFC 7534"),
    ("3fff::/20", "documentation", "RFC 9637"),
    ("5f00::/16", "srv6-sids", "RFC 9602"),
    ("fd00:ec2::/32", "instance-metadata", "EC2 user guide, IMDS over IPv6"),
    ("fc00::/7", "private", "RFC 4193"),
    ("fe80::/10", "link-local", "RFC 4291 §2.5.6"),
    ("fec0::/10", "site-local", "RFC 3879"),
    ("ff00::/8", "multicast", "RFC 4291 §2.7"),
    # Outside 2000::/3 IANA has assigned no global unicast addresses.
    ("2000::/3", PUBLIC, "RFC 4291 §2.4"),
    ("::/0", "unassigned", "RFC 4291 §2.4"),
    ("0.0.0.0/0", PUBLIC, "RFC 791"),
)
# Forms that carry an IPv4 address: no setting opens them, or a private address would have a second name.
_CARRIES_IPV4: Final = frozenset(
    {"ipv4-mapped", "ipv4-translated", "ipv4-compatible", "nat64", "6to4", "teredo"}
)
_NETWORKS: Final = tuple((ip_network(text), name) for text, name, _source in _ROWS)


@dataclass(frozen=True, slots=True)
class UpstreamNetworks:
    """Where the gate may connect to.

    Args:
        public: whether public addresses may be dialled.
        cidrs: further ranges, written out (interface endpoints, tests).
    """

    public: bool
    cidrs: tuple[Network, ...] = ()


def parse_networks(texts: Sequence[str]) -> UpstreamNetworks:
    """`upstream.networks` of the settings as a value.

    Args:
        texts: "public" or CIDRs without host bits.

    Raises:
        ValueError: for anything else; the message holds the offending text.
    """
    cidrs = tuple(ip_network(text, strict=True) for text in texts if text != PUBLIC)
    return UpstreamNetworks(PUBLIC in texts, cidrs)


def classify_address(address: IPv4Address | IPv6Address) -> tuple[str, Network]:
    """The class of an address and the range that gives it: `("public", …)`, or a special range."""
    for network, name in _NETWORKS:
        if address.version == network.version and address in network:
            return name, network
    raise AssertionError("the last rows cover every address")


def judge_address(text: str, networks: UpstreamNetworks) -> str | None:
    """None when the address may be dialled, else the class that forbids it.

    Args:
        text: textual address as the resolver gave it; one with a zone id is refused.
        networks: what the settings allow.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return "not an address"
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return "zoned"
    name, range_ = classify_address(address)
    if name == PUBLIC and networks.public:
        return None
    lifted = name not in _CARRIES_IPV4 and any(
        _within(cidr, range_) and address in cidr for cidr in networks.cidrs
    )
    return None if lifted else name


def _within(inner: Network, outer: Network) -> bool:
    if isinstance(inner, IPv4Network) and isinstance(outer, IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(inner, IPv6Network) and isinstance(outer, IPv6Network):
        return inner.subnet_of(outer)
    return False
