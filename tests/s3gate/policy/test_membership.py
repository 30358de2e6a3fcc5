"""A client is in one group at most: user over VPC endpoint over the longest prefix."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gate.policy.document import parse_policy
from s3gate.policy.mistake import PolicyErrors
from s3gate.policy.model import Policy
from s3gate.policy.reading import Client

HEAD = "version: 1\nendpoints: {partitions: [aws], regions: [eu-west-1], classes: [standard]}\nclients:\n"
POLICY = parse_policy(
    (
        HEAD
        + "  office: {cidrs: [10.0.0.0/8, fd00::/8]}\n"
        + "  batch: {cidrs: [10.20.0.0/24]}\n"
        + "  one: {cidrs: [10.20.0.7/32]}\n"
        + "  people: {users: [alice, bob]}\n"
        + "  desk: {users: [alice], cidrs: [10.9.0.0/16]}\n"
        + "  shop: {vpc_endpoints: [vpce-1, vpce-2]}\n"
        + "  till: {vpc_endpoints: [vpce-2], cidrs: [10.20.0.0/24]}\n"
        + "  clerk: {users: [bob], vpc_endpoints: [vpce-2]}\n"
        + "  strict: {users: [carol], cidrs: [10.9.0.0/16], vpc_endpoints: [vpce-1]}\n"
    ).encode()
)

ROWS = [
    ("outside", Client("192.0.2.1"), None),
    ("a network", Client("10.1.1.1"), "office"),
    ("IPv6", Client("fd00::1"), "office"),
    ("the longer prefix", Client("10.20.0.9"), "batch"),
    ("one address", Client("10.20.0.7"), "one"),
    ("no address", Client("nowhere"), None),
    ("a user", Client("192.0.2.1", user="alice"), "people"),
    ("a user over the longest prefix", Client("10.20.0.7", user="alice"), "people"),
    ("a user and a network over the user", Client("10.9.1.1", user="alice"), "desk"),
    ("capitals make another user", Client("10.20.0.7", user="Alice"), "one"),
    ("a user of no group", Client("10.20.0.7", user="dave"), "one"),
    ("a user of no group from nowhere", Client("192.0.2.1", user="dave"), None),
    ("an endpoint", Client("192.0.2.1", vpc_endpoint="vpce-1"), "shop"),
    ("an endpoint over a prefix", Client("10.20.0.7", vpc_endpoint="vpce-1"), "shop"),
    ("an endpoint and a network", Client("10.20.0.7", vpc_endpoint="vpce-2"), "till"),
    ("an endpoint of no group", Client("10.20.0.7", vpc_endpoint="vpce-3"), "one"),
    ("a user over an endpoint", Client("10.20.0.7", user="alice", vpc_endpoint="vpce-2"), "people"),
    ("both over the user", Client("10.20.0.7", user="bob", vpc_endpoint="vpce-2"), "clerk"),
    ("all three", Client("10.9.0.1", user="carol", vpc_endpoint="vpce-1"), "strict"),
    ("all but the network", Client("10.8.0.1", user="carol", vpc_endpoint="vpce-1"), "shop"),
    ("all but the endpoint", Client("10.9.0.1", user="carol"), "office"),
    ("a name that is not proven", Client("192.0.2.1", unproven="alice"), None),
]


@pytest.mark.parametrize(("name", "client", "group"), ROWS, ids=[row[0] for row in ROWS])
def test_the_most_specific_group_wins(name: str, client: Client, group: str | None) -> None:
    assert POLICY.membership.find(client) == group


def test_users_are_asked_for_where_a_group_has_some() -> None:
    assert POLICY.membership.asks_users
    assert not parse_policy((HEAD + "  a: {cidrs: [10.0.0.0/8]}\n").encode()).membership.asks_users


ADDRESSES = ("10.0.0.1", "10.0.1.1", "10.1.0.1", "11.0.0.1")
CIDRS = ("10.0.0.0/8", "10.0.0.0/16", "10.0.0.0/24", "11.0.0.1/32")
USERS, ENDPOINTS = ("u", "v"), ("vpce-a", "vpce-b")


def subset(words: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(words), unique=True, max_size=2)


def matches(
    group: dict[str, list[str]], client: Client, policy: Policy, name: str
) -> tuple[int, int, int] | None:
    """How specific a group is for a client, found the long way; None where it does not match."""
    if group["users"] and client.user not in group["users"]:
        return None
    if group["vpc_endpoints"] and client.vpc_endpoint not in group["vpc_endpoints"]:
        return None
    lengths = [
        cidr.prefixlen
        for cidr in policy.clients[name].cidrs
        if cidr.supernet_of(type(cidr)(client.address))  # type: ignore[arg-type] # IPv4 both
    ]
    if group["cidrs"] and not lengths:
        return None
    return bool(group["users"]), bool(group["vpc_endpoints"]), max(lengths, default=-1)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"cidrs": subset(CIDRS), "users": subset(USERS), "vpc_endpoints": subset(ENDPOINTS)}
        ).filter(lambda group: any(group.values())),
        min_size=1,
        max_size=4,
    )
)
def test_a_file_without_ties_has_one_winner_for_every_client(groups: list[dict[str, list[str]]]) -> None:
    rows = (
        f"  g{n}: {{"
        + ", ".join(f"{key}: [{', '.join(words)}]" for key, words in group.items() if words)
        + "}\n"
        for n, group in enumerate(groups)
    )
    text = HEAD + "".join(rows)
    try:
        policy = parse_policy(text.encode())
    except PolicyErrors:  # `test_group_ties.py` says which these are
        return
    for address, user, endpoint in product(ADDRESSES, (None, *USERS), (None, *ENDPOINTS)):
        client = Client(address, user=user, vpc_endpoint=endpoint)
        ranks = {f"g{n}": matches(group, client, policy, f"g{n}") for n, group in enumerate(groups)}
        fitting = {name: rank for name, rank in ranks.items() if rank is not None}
        best = [name for name, rank in fitting.items() if rank == max(fitting.values())]
        assert len(best) <= 1, "a tie that the file's reader did not tell"
        assert policy.membership.find(client) == (best[0] if best else None)
