"""What in a valid policy deserves a second look."""

from datetime import UTC, datetime

import pytest

from s3gate.policy.document import parse_policy_tree
from s3gate.policy.warning import find_warnings

NOW = datetime(2026, 7, 1, tzinfo=UTC)
HEAD = """\
version: 1
endpoints: {partitions: [aws], regions: [ap-northeast-1, us-east-1], classes: [standard], path_style: allow}
clients: {a: {cidrs: [10.0.0.0/8]}, b: {cidrs: [172.16.0.0/12]}}
"""
RULE = "rules:\n  - {id: r, bucket: bkt, allow: [read]%s}\n"


def warnings(text: str) -> list[tuple[int, int, str]]:
    policy, root = parse_policy_tree(text.encode())
    found = find_warnings(policy, root, NOW)
    assert all(one.suggestion for one in found)
    return [(one.line, one.column, one.message) for one in found]


def pair(first: str, second: str) -> str:
    return HEAD + f"rules:\n  - {{id: x, bucket: bkt, {first}}}\n  - {{id: y, bucket: bkt, {second}}}\n"


def test_a_plain_policy_has_none() -> None:
    assert warnings(HEAD + RULE % "") == []


ROWS = [
    ("expired", HEAD + RULE % ", mode: monitor, until: 2026-06-30", (5, 63), "has passed"),
    ("expired as a whole", HEAD + RULE % "" + "mode: monitor\nuntil: 2026-01-01\n", (7, 8), "has passed"),
    ("empty list", HEAD, (1, 1), "the list is empty"),
    ("unknown region", (HEAD + RULE % "").replace("us-east-1", "us-eats-1"), (2, 58), "is not known"),
    (
        "path style",
        (HEAD + RULE % "").replace("style: allow", "style: deny"),
        (2, 91),
        "path-style is refused",
    ),
    (
        "path style denied",
        (HEAD + RULE % "").replace("path_style: allow", "path_style: deny"),
        (2, 91),
        "path-style is refused",
    ),
    (
        "fqdn elsewhere",
        HEAD
        + "rules:\n  - {id: r, fqdn: bkt.s3.us-east-1.amazonaws.com, allow: [read], regions: [ap-northeast-1]}\n",
        (5, 75),
        "the rule never matches: its host lies in `us-east-1`",
    ),
    (
        "regions of another partition",
        HEAD.replace("[aws]", "[aws, aws-cn]").replace("us-east-1", "cn-north-1")
        + RULE % ", partition: aws-cn, regions: [ap-northeast-1]",
        (5, 69),
        "the rule never matches: none of its regions lies in partition `aws-cn`",
    ),
    (
        "partition without a region",
        (HEAD + RULE % ", partition: aws").replace("[aws]", "[aws, aws-cn]"),
        (2, 31),
        "partition `aws-cn` never matches",
    ),
    (
        "operation that names no key",
        HEAD + RULE.replace("[read]", "[write, DeleteObjects]") % ', keys: ["a/*"]',
        (5, 41),
        "`DeleteObjects` never passes here",
    ),
    (
        "covered by a later one",
        pair("allow: [read]", "allow: [read, list]"),
        (5, 5),
        "covered by `y` on line 6",
    ),
    ("owner for awscli", HEAD + RULE % ', owner: "111122223333"', (5, 41), "`aws s3 cp` cannot send"),
    (
        "owner of a directory bucket",
        HEAD.replace("[standard]", "[express]")
        + RULE.replace("bkt", "bkt--use1-az4--x-s3") % ', owner: "111122223333"',
        (5, 57),
        "cannot be proven to CreateSession",
    ),
    (
        "website without clear text",
        (HEAD + RULE % "").replace("[standard]", "[website]"),
        (2, 80),
        "websites are served in clear text",
    ),
    ("covered", pair("allow: [read, list]", "allow: [read]"), (6, 5), "rule `y` is covered by `x` on line 5"),
    ("covered operation", pair("allow: [read]", "allow: [GetObject]"), (6, 5), "is covered"),
    (
        "covered keys",
        pair('allow: [read], keys: ["a/*"]', 'allow: [read], keys: ["a/b/*", "a/c"]'),
        (6, 5),
        "is covered",
    ),
    ("covered clients", pair("allow: [read]", "allow: [read], clients: [a]"), (6, 5), "is covered"),
]
HOSTS = [
    ("sqs", "sqs.us-east-1.amazonaws.com"),
    ("sts", "sts.amazonaws.com"),
    ("sns", "sns.us-east-1.amazonaws.com"),
    ("lambda", "lambda.us-east-1.amazonaws.com"),
    ("dynamodb", "dynamodb.us-east-1.amazonaws.com"),
    ("fips", "sqs-fips.us-east-1.amazonaws.com"),
]


@pytest.mark.parametrize(("text", "place", "says"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_warned(text: str, place: tuple[int, int], says: str) -> None:
    found = warnings(text)
    assert len(found) == 1, found
    assert found[0][:2] == place
    assert says in found[0][2]


@pytest.mark.parametrize("name", [row[1] for row in HOSTS], ids=[row[0] for row in HOSTS])
def test_services_that_write_elsewhere(name: str) -> None:
    found = warnings(HEAD + RULE % "" + f'hosts: [{{name: {name}, accounts: ["111122223333"]}}]\n')
    assert [one[:2] for one in found] == [(6, 16)]
    assert "of other accounts there" in found[0][2]


def test_a_service_that_does_not_is_not_warned_of() -> None:
    text = HEAD + RULE % "" + 'hosts: [{name: logs.us-east-1.amazonaws.com, accounts: ["111122223333"]}]\n'
    assert warnings(text) == []


def test_an_owner_in_the_name_is_not_warned_of() -> None:
    text = (HEAD + RULE % ', owner: "111122223333"').replace("bkt", "bkt-111122223333-us-east-1-an")
    assert warnings(text) == []
    other = text.replace('owner: "1', 'owner: "2')
    assert [one[2][:11] for one in warnings(other)] == ["`aws s3 cp`"]


def test_a_dotted_bucket_needs_path_style() -> None:
    text = (HEAD + RULE % "").replace("style: allow", "style: deny").replace("bkt", "a.b.c")
    assert [one[:2] for one in warnings(text)] == [(2, 91), (5, 21)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("allow: [read]", "allow: [write]"),
        ("allow: [GetObject]", "allow: [read]"),
        ("allow: [read], clients: [a]", "allow: [read], clients: [b]"),
        ("allow: [read], clients: [a]", "allow: [read]"),
        ('allow: [read], keys: ["a/*"]', 'allow: [read], keys: ["b/*"]'),
        ('allow: [read], keys: ["a/*"]', 'allow: [read], keys: ["a?*"]'),
        ('allow: [read], keys: ["a/*"]', "allow: [list, read]"),
        ('allow: [read], accounts: ["111122223333"]', "allow: [read]"),
        ("allow: [read], regions: [us-east-1]", "allow: [read]"),
        ("allow: [read], mode: monitor, until: 2026-12-31", "allow: [read]"),
        ("allow: [read]", "allow: [read], encryption: any"),
    ],
)
def test_rules_that_add_something_are_not_covered(first: str, second: str) -> None:
    assert [one for one in warnings(pair(first, second)) if one[0] == 6] == []
