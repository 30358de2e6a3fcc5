"""What several keys must agree on, told beside every other mistake."""

import pytest

from s3gate.policy.consistency import find_inconsistencies
from s3gate.policy.mistake import in_file_order
from s3gate.policy.yaml_source import parse_yaml

ROWS = [
    ("fine", "rules: [{id: a, bucket: b}, {id: b, fqdn: f}]\n", []),
    ("monitor without end", "mode: monitor\n", [(1, 7, "`mode: monitor` without an end")]),
    ("end without monitor", "until: 2026-01-01\n", [(1, 1, "`until` without `mode: monitor`")]),
    ("end with enforce", "mode: enforce\nuntil: x\n", [(2, 1, "`until` without `mode: monitor`")]),
    ("both", "mode: monitor\nuntil: x\n", []),
    (
        "a rule's monitor",
        "rules:\n  - {bucket: b, mode: monitor}\n",
        [(2, 23, "`mode: monitor` without an end")],
    ),
    ("no target", "rules:\n  - {id: a}\n", [(2, 5, "the rule names no bucket")]),
    ("two targets", "rules:\n  - {bucket: b, fqdn: f}\n", [(2, 17, "`fqdn` beside `bucket` in one rule")]),
    (
        "which partition",
        "endpoints: {partitions: [aws, aws-cn]}\nrules:\n  - {bucket: b}\n  - {bucket: b, partition: aws}\n  - {fqdn: f}\n",
        [(3, 5, "the rule needs a partition: several are listed, and a bucket name is unique in one only")],
    ),
    (
        "same id",
        "rules: [{id: a, bucket: b}, {id: a, bucket: c}]\n",
        [(1, 34, "rule id `a` again, first on line 1")],
    ),
    (
        "same rule",
        "rules:\n  - {id: a, bucket: b, allow: [read, list]}\n  - {id: b, allow: [list, read], bucket: b}\n",
        [(3, 5, "the same rule as `a` on line 2")],
    ),
    (
        "same bucket, other keys",
        "rules:\n  - {id: a, bucket: b, keys: [x]}\n  - {id: b, bucket: b, keys: [y]}\n",
        [],
    ),
    ("same host", "hosts: [{name: a}, {name: a}]\n", [(1, 27, "host `a` again, first on line 1")]),
    (
        "vpce without ids",
        "endpoints: {classes: [standard, vpce]}\n",
        [(1, 33, "class `vpce` without ids: anybody can own an interface endpoint")],
    ),
    (
        "no ids",
        "endpoints: {vpce: [], classes: [vpce]}\n",
        [(1, 33, "class `vpce` without ids: anybody can own an interface endpoint")],
    ),
    (
        "ids without class",
        "endpoints: {vpce: [vpce-1], classes: [standard]}\n",
        [(1, 13, "`vpce` without class `vpce` opens nothing")],
    ),
    ("ids with class", "endpoints: {vpce: [vpce-1], classes: [vpce]}\n", []),
    (
        "another partition than the ARN's",
        "rules: [{access_point: 'arn:aws-cn:s3', partition: aws}]\n",
        [(1, 52, "`access_point` lies in partition `aws-cn`, not here")],
    ),
    (
        "another partition than the host's",
        "rules: [{fqdn: bkt.s3.cn-north-1.amazonaws.com.cn, partition: aws}]\n",
        [(1, 63, "`fqdn` lies in partition `aws-cn`, not here")],
    ),
    (
        "an odd host beside a partition",
        "rules: [{fqdn: 'a b', partition: aws}, {fqdn: example.com, partition: aws}]\n",
        [],
    ),
    (
        "same access point",
        "rules:\n  - {id: a, mrap: m}\n  - {id: b, mrap: m}\n",
        [(3, 5, "the same rule as `a` on line 2")],
    ),
    ("same word", "endpoints: {b: [x, y, x]}\n", [(1, 23, "`x` twice in one list")]),
    ("same word of a rule", "rules: [{bucket: b, keys: [x, [y], x]}]\n", [(1, 36, "`x` twice in one list")]),
    ("same word of a group", "clients: {b: {cidrs: [x, x]}}\n", [(1, 26, "`x` twice in one list")]),
    ("same word of a host", "hosts: [{accounts: [x, x]}]\n", [(1, 24, "`x` twice in one list")]),
    ("not even mappings", "rules: [a, [b], {bucket: [c]}]\nhosts: [a]\nmode: [x]\n", []),
    ("not even lists", "rules: a\nhosts: {b: c}\n", []),
]


@pytest.mark.parametrize(("text", "want"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_disagreements(text: str, want: list[tuple[int, int, str]]) -> None:
    root, mistakes = parse_yaml(text.encode())
    assert root is not None
    assert mistakes == ()
    found = in_file_order(find_inconsistencies(root))
    assert [(one.line, one.column, one.message) for one in found] == want
    assert all(one.suggestion for one in found)
