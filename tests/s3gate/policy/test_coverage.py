"""Rules that say nothing new, and rules that only look like it."""

import pytest

from s3gate.policy.coverage import COMPARED, bucket_of, find_covered
from s3gate.policy.document import parse_policy_tree

HEAD = """\
version: 1
endpoints: {partitions: [aws], regions: [ap-northeast-1, us-east-1], classes: [standard, access-point]}
clients: {a: {cidrs: [10.0.0.0/8]}, b: {cidrs: [172.16.0.0/12]}}
rules:
"""
BUCKET, HOST = "bucket: bkt", "fqdn: bkt.s3.us-east-1.amazonaws.com"
POINT = "access_point: 'arn:aws:s3:us-east-1:111122223333:accesspoint/point'"


def covered(*rules: str) -> list[tuple[int, str]]:
    text = HEAD + "".join(f"  - {{id: r{number}, {rule}}}\n" for number, rule in enumerate(rules, 1))
    policy, root = parse_policy_tree(text.encode())
    return [(one.line, one.message) for one in find_covered(policy.rules, root.at(("rules",)).items)]


def of(rule: str, by: str) -> str:
    return f"rule `{rule}` is covered by `{by}` on line {4 + int(by[1:])}"


COVERED = [
    ("by an earlier one", (f"{BUCKET}, allow: [read, list]", f"{BUCKET}, allow: [read]"), [(6, of("r2", "r1"))]),
    ("by a later one", (f"{BUCKET}, allow: [read]", f"{BUCKET}, allow: [read, list]"), [(5, of("r1", "r2"))]),
    ("of two alike the later", (f"{BUCKET}, allow: [read]", f"{BUCKET}, allow: [read], keys: ['*']" ),
     [(6, of("r2", "r1"))]),
    ("a host by its bucket", (f"{BUCKET}, allow: [read]", f"{HOST}, allow: [read]"), [(6, of("r2", "r1"))]),
    ("a host by its bucket there", (f"{HOST}, allow: [read]", f"{BUCKET}, allow: [read], regions: [us-east-1]"), [(5, of("r1", "r2"))]),
    ("an access point", (f"{POINT}, allow: [read]", f"{POINT}, allow: [GetObject]"), [(6, of("r2", "r1"))]),
    ("keys", (f"{BUCKET}, allow: [read], keys: ['a/*']", f"{BUCKET}, allow: [read], keys: ['a/b/*', a/c]"), [(6, of("r2", "r1"))]),
    ("a pattern of its own rule", (f"{BUCKET}, allow: [read], keys: [a/b, 'a/*', 'a/c/*']",),
     [(5, "key pattern `a/b` is covered by `a/*`"), (5, "key pattern `a/c/*` is covered by `a/*`")]),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "told"), [row[1:] for row in COVERED], ids=[row[0] for row in COVERED])
def test_covered(rules: tuple[str, ...], told: list[tuple[int, str]]) -> None:
    assert covered(*rules) == told


NOT_COVERED = [
    ("a bucket by a host", (f"{HOST}, allow: [read]", f"{BUCKET}, allow: [GetObject]")),
    ("a host elsewhere", (f"{BUCKET}, allow: [read], regions: [ap-northeast-1]", f"{HOST}, allow: [read]")),
    ("another host", (f"{HOST}, allow: [read]", "fqdn: bkt.s3.ap-northeast-1.amazonaws.com, allow: [read]")),
    ("an access point by a bucket", (f"{BUCKET}, allow: [read]", f"{POINT}, allow: [read]")),
    ("clients", (f"{BUCKET}, allow: [read], clients: [a]", f"{BUCKET}, allow: [read, list], clients: [b]")),
    ("owner", (f"{BUCKET}, allow: [read], owner: '111122223333'", f"{BUCKET}, allow: [GetObject]")),
    (
        "monitored",
        (f"{BUCKET}, allow: [read], mode: monitor, until: 2026-12-31", f"{BUCKET}, allow: [GetObject]"),
    ),
    ("one more character", (f"{BUCKET}, allow: [read], keys: ['a/?*', 'a/*b']",)),
]


@pytest.mark.parametrize("rules", [row[1] for row in NOT_COVERED], ids=[row[0] for row in NOT_COVERED])
def test_not_covered(rules: tuple[str, ...]) -> None:
    assert covered(*rules) == []


def test_many_rules_for_one_bucket_are_compared_with_those_before_them() -> None:
    rules = [f"{BUCKET}, allow: [read], keys: [k{number}]" for number in range(3 * COMPARED)]
    assert covered(*rules, f"{BUCKET}, allow: [GetObject], keys: [k{3 * COMPARED - 2}]") == [
        (4 + len(rules) + 1, of(f"r{len(rules) + 1}", f"r{len(rules) - 1}"))
    ]


def test_the_bucket_of_a_rule() -> None:
    policy, _ = parse_policy_tree(
        (
            HEAD
            + "".join(
                f"  - {{id: r{n}, {one}, allow: [read]}}\n" for n, one in enumerate((BUCKET, HOST, POINT))
            )
        ).encode()
    )
    assert [bucket_of(rule) for rule in policy.rules] == ["bkt", "bkt", None]
