"""Guesses for a refusal: the words that its reason misses, the narrow ones among them."""

from datetime import UTC, datetime

from s3gate.policy.as_signed import sign_as
from s3gate.policy.decide import decide_request
from s3gate.policy.decision import Decision
from s3gate.policy.described_request import build_request
from s3gate.policy.document import parse_policy_tree
from s3gate.policy.edit import Edit
from s3gate.policy.edits import MAX_RULES, edits_for

HEAD = """\
version: 1
endpoints: {partitions: [aws], regions: [eu-west-1], classes: [standard]}
clients: {a: {cidrs: [10.0.0.0/8]}, b: {cidrs: [172.16.0.0/12]}}
rules:
"""


def edits(rules: str, method: str = "PUT", key_id: str = "AKIARTX3GSDSQAAACAQD") -> list[Edit]:
    policy, root = parse_policy_tree((HEAD + rules).encode())
    assert isinstance(root.value, dict)
    asked = build_request(
        {"method": method, "url": "https://bkt.s3.eu-west-1.amazonaws.com/k"}, datetime.now(UTC)
    )
    asked = sign_as(asked, key_id)

    def judge(document: object) -> Decision:
        assert isinstance(document, dict)
        (only,) = document["rules"]
        kept = [rule for rule in policy.rules if rule.id == only["id"]]
        return (
            decide_request(parse_policy_tree((HEAD + _row(only)).encode())[0], asked)
            if kept
            else decide_request(None, asked)
        )

    return list(edits_for(root.value, asked, decide_request(policy, asked), judge))


def _row(rule: dict[str, object]) -> str:
    return "  - {" + ", ".join(f"{key}: {value}" for key, value in rule.items()) + "}\n"


def test_each_rule_is_asked_for_what_it_misses_itself() -> None:
    found = edits(
        "  - {id: x, bucket: bkt, allow: [read]}\n  - {id: y, bucket: bkt, allow: [write], clients: [b]}\n"
    )
    assert [(one.rule, one.path, one.value) for one in found[:4]] == [
        ("x", ("allow",), "PutObject"),
        ("y", ("clients",), "a"),
        ("y", ("clients",), "b"),
        (None, ("clients", "client-127-0-0-1"), {"cidrs": ["127.0.0.1/32"]}),
    ]


def test_a_new_rule_has_a_name_of_its_own_and_the_groups_that_the_others_have() -> None:
    found = [
        one
        for one in edits("  - {id: bkt, bucket: bkt, allow: [read], clients: [a]}\n", "DELETE")
        if one.new_rule
    ]
    assert [(one.rule, one.value["clients"]) for one in found if isinstance(one.value, dict)] == [
        ("bkt-2", ["a"]),
        ("bkt-2", ["b"]),
    ]


def test_rules_beyond_a_bound_are_not_tried() -> None:
    rules = "".join(
        f"  - {{id: r{n}, bucket: bkt, allow: [read], keys: [k{n}]}}\n" for n in range(MAX_RULES + 5)
    )
    found = edits(rules)
    assert len([one for one in found if not one.new_rule]) == MAX_RULES
