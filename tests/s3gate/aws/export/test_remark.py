"""What is told of an export, each thing once."""

import pytest

from s3gate.aws.export.remark import find_remarks, join_remarks, policy_remarks
from s3gate.aws.export.target import target_of
from s3gate.policy.document import parse_policy

HEAD = (
    "version: 1\nendpoints: {partitions: [aws], regions: [eu-west-1], classes: [standard, express, mrap]}\n"
)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("bucket: data, allow: [read, list]", []),
        ("bucket: data, allow: [GetObject]", []),
        ("bucket: data, allow: [read]", ["HeadBucket is s3:ListBucket to IAM"]),
        ('bucket: data, allow: [read, list], keys: ["in/*"]', ["HeadBucket is left out"]),
        ('bucket: data, allow: [read, list], keys: ["*"]', []),
        (
            'bucket: data, allow: [GetObject, HeadBucket], keys: ["in/*"]',
            ["HeadBucket is s3:ListBucket to IAM"],
        ),
        ("bucket: data--euw1-az1--x-s3, allow: [read]", ["S3 Express asks for a session alone"]),
        (
            "bucket: data, allow: [write], mode: monitor, until: 2027-02-01",
            ["in monitor mode until 2027-02-01"],
        ),
        (
            'mrap: "arn:aws:s3::111122223333:accesspoint/mfzwi23gnjvgw.mrap", allow: [write]',
            ["multi-region access"],
        ),
    ],
)
def test_of_one_rule(rule: str, said: list[str]) -> None:
    parsed = parse_policy(f"{HEAD}rules: [{{id: r, {rule}}}]\n".encode())
    found = list(find_remarks(parsed.rules[0], target_of(parsed, parsed.rules[0])))
    assert len(found) == len(said)
    assert all(text.startswith(start) for text, start in zip(found, said, strict=True))


def test_many_rules_share_a_sentence() -> None:
    remarks = [(f"r{number}", "so") for number in range(7)]
    assert list(join_remarks([*remarks, ("x", "else")])) == [
        "rules `r0`, `r1`, `r2`, `r3`, `r4` and 2 more: so",
        "rule `x`: else",
    ]


def test_of_the_policy() -> None:
    assert list(policy_remarks(parse_policy(HEAD.encode()))) == []
    watched = HEAD.replace("version: 1\n", "version: 1\nmode: monitor\nuntil: 2027-01-01\n")
    assert list(policy_remarks(parse_policy(watched.encode()))) == [
        "the policy is in monitor mode until 2027-01-01; what it only watches is refused here"
    ]
