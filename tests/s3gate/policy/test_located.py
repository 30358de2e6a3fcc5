"""Walking a located tree."""

from s3gate.policy.located import Node

LEAF = Node("x", 2, 6)
LIST = Node(["x"], 2, 3, [LEAF])
ROOT = Node({"a": ["x"]}, 1, 1, (), {"a": LIST}, {"a": (2, 1)})


def test_a_path_leads_to_its_node() -> None:
    assert ROOT.at(("a", 0)) is LEAF
    assert ROOT.at(()) is ROOT


def test_a_path_that_ends_early_leads_as_far_as_it_can() -> None:
    assert ROOT.at(("a", 7)) is LIST
    assert ROOT.at(("b", "c")) is ROOT


def test_a_key_has_its_own_place() -> None:
    assert ROOT.key_at(("a",)) == (2, 1)
    assert ROOT.key_at(("a", 0)) == (2, 6)
    assert ROOT.key_at(()) == (1, 1)
