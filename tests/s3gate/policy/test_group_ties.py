"""Two groups that would hold the same client are told, with the place; nested ones are not."""

import pytest

from s3gate.policy.group_ties import find_group_mistakes
from s3gate.policy.located import Node
from s3gate.policy.yaml_source import parse_yaml

ROWS = [
    ("one group", "a: {cidrs: [10.0.0.0/8]}", []),
    ("nested networks", "a: {cidrs: [10.0.0.0/8]}\nb: {cidrs: [10.1.0.0/16]}", []),
    ("the same network", "a: {cidrs: [10.0.0.0/8]}\nb: {cidrs: [fd00::/8, 10.0.0.0/8]}", [(2, 23)]),
    ("the same user", "a: {users: [u]}\nb: {users: [v, u]}", [(2, 16)]),
    ("capitals count", "a: {users: [u]}\nb: {users: [U]}", []),
    ("the same endpoint", "a: {vpc_endpoints: [vpce-1]}\nb: {vpc_endpoints: [vpce-1]}", [(2, 21)]),
    ("a user, and a network", "a: {users: [u]}\nb: {cidrs: [10.0.0.0/8]}", []),
    ("a user, and the same from a network", "a: {users: [u]}\nb: {users: [u], cidrs: [10.0.0.0/8]}", []),
    (
        "a user from two networks",
        "a: {users: [u], cidrs: [10.0.0.0/8]}\nb: {users: [u], cidrs: [10.1.0.0/16]}",
        [],
    ),
    (
        "a user from one network twice",
        "a: {users: [u], cidrs: [10.0.0.0/8]}\nb: {users: [u], cidrs: [10.0.0.0/8]}",
        [(2, 13)],
    ),
    (
        "one network through two endpoints",
        "a: {vpc_endpoints: [vpce-1], cidrs: [10.0.0.0/8]}\nb: {vpc_endpoints: [vpce-2], cidrs: [10.0.0.0/8]}",
        [],
    ),
    (
        "a user with a network, and with an endpoint",
        "a: {users: [u], cidrs: [10.0.0.0/8]}\nb: {users: [u], vpc_endpoints: [vpce-1]}",
        [],
    ),
    ("three that tie", "a: {users: [u]}\nb: {users: [u]}\nc: {users: [u]}", [(2, 13), (3, 13), (3, 13)]),
    ("two words in common, told once", "a: {users: [u, v]}\nb: {users: [u, v]}", [(2, 13)]),
    ("nobody", "a: {}", [(1, 4)]),
    ("what the schema refuses is not told twice", "a: x\nb: {users: u}\nc: {other: [u]}", []),
]


def tree(text: str) -> Node:
    root, mistakes = parse_yaml(text.encode())
    assert root is not None
    assert not mistakes
    return root


@pytest.mark.parametrize(("name", "text", "places"), ROWS, ids=[row[0] for row in ROWS])
def test_where_groups_tie(name: str, text: str, places: list[tuple[int, int]]) -> None:
    assert [(one.line, one.column) for one in find_group_mistakes(tree(text))] == places


def test_the_sentence_names_both_groups() -> None:
    (told,) = find_group_mistakes(tree("a: {users: [u]}\nb: {users: [u]}"))
    assert told.message == "user `u` in client group `a` too: for its clients `a` and `b` tie"
    assert told.suggestion == "delete it in one, or make one of the groups narrower"
