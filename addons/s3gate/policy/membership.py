"""Which client group a client is in: one at most, the most specific of those that match it.

The normal case: groups of networks, and the one with the longest matching prefix. A group
matches when each key that it has does: one of its users, one of its VPC endpoints, one of
its networks. Of several that match, one with users wins over one without; among those one
with VPC endpoints; among those the longest prefix, any prefix over none. Groups that would
tie for a client are a mistake in the file (`consistency.py`), so that one is left.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final

from s3gate.policy.reading import Client

Network = IPv4Network | IPv6Network

CACHED_CLIENTS: Final = 4096  # client addresses remembered as values; as many as connections are served


@dataclass(frozen=True, slots=True)
class ClientGroup:
    """Clients under one name, as the policy's `clients:` writes them; an empty key limits nothing.

    Args:
        name: as rules name it.
        cidrs: networks.
        users: names of proxy users.
        vpc_endpoints: `vpce-…` ids, as a load balancer tells them.
    """

    name: str
    cidrs: tuple[Network, ...] = ()
    users: frozenset[str] = frozenset()
    vpc_endpoints: frozenset[str] = frozenset()


class Membership:
    """Finds the group of a client.

    Args:
        groups: no two of which tie for a client.
    """

    __slots__ = ("_tables", "asks_users")

    def __init__(self, groups: Iterable[ClientGroup]) -> None:
        places: dict[tuple[str | None, str | None], list[ClientGroup]] = {}
        self.asks_users = False
        """Whether any group has users, so that clients outside of all others must say who they are."""
        for group in groups:
            self.asks_users = self.asks_users or bool(group.users)
            for user in group.users or (None,):
                for endpoint in group.vpc_endpoints or (None,):
                    places.setdefault((user, endpoint), []).append(group)
        made: dict[tuple[str, ...], _Networks] = {}  # users of one group share its networks
        self._tables: dict[tuple[str | None, str | None], _Networks] = {}
        for place, listed in places.items():
            names = tuple(group.name for group in listed)
            if names not in made:
                made[names] = _Networks(listed)
            self._tables[place] = made[names]

    def find(self, client: Client) -> str | None:
        """The name of the client's group, or None when it is in none."""
        tables, address = self._tables, _number(client.address)
        for place in _places(client.user, client.vpc_endpoint):
            networks = tables.get(place)
            if networks is not None and (name := networks.find(address)) is not None:
                return name
        return None


def _places(user: str | None, endpoint: str | None) -> Iterator[tuple[str | None, str | None]]:
    """Where a client's group may be listed, the most specific first."""
    if user is not None:
        if endpoint is not None:
            yield user, endpoint
        yield user, None
    if endpoint is not None:
        yield None, endpoint
    yield None, None


class _Networks:
    """Groups by network, the longest prefix first."""

    __slots__ = ("_anywhere", "_lengths")

    def __init__(self, groups: Iterable[ClientGroup]) -> None:
        self._anywhere: str | None = None
        lengths: dict[tuple[int, int], dict[int, str]] = {}
        for group in groups:
            if not group.cidrs:
                self._anywhere = group.name
            for cidr in group.cidrs:
                shift = cidr.max_prefixlen - cidr.prefixlen
                lengths.setdefault((shift, cidr.version), {})[int(cidr.network_address) >> shift] = group.name
        self._lengths = tuple((version, shift, lengths[shift, version]) for shift, version in sorted(lengths))

    def find(self, address: tuple[int, int] | None) -> str | None:
        """The group of an address: the longest prefix, else one that asks for none."""
        if address is not None:
            version, number = address
            for of_version, shift, names in self._lengths:
                if of_version == version and (name := names.get(number >> shift)) is not None:
                    return name
        return self._anywhere


@lru_cache(maxsize=CACHED_CLIENTS)
def _number(text: str) -> tuple[int, int] | None:
    """Version and number of an address; None for what is none."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return address.version, int(address)
