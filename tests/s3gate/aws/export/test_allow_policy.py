"""Which rules go into an endpoint's or a user's policy; what they then allow is in property/test_export_laws.py."""

import pytest

from drive.evaluator import lint_policy
from s3gate.aws.export.allow_policy import S3, S3_EXPRESS, Choice, Rendered, render_grants
from s3gate.aws.export.document import allow_document
from s3gate.policy.document import parse_policy

POLICY = parse_policy(b"""
version: 1
endpoints:
  partitions: [aws, aws-cn]
  regions: [eu-west-1, us-east-1, cn-north-1]
  classes: [standard, express, access-point, mrap, object-lambda]
clients:
  batch: {cidrs: [10.1.0.0/16]}
  build: {cidrs: [10.2.0.0/16]}
rules:
  - {id: every, bucket: everywhere, partition: aws, allow: [GetObject]}
  - {id: west, bucket: in-the-west, partition: aws, allow: [GetObject], regions: [eu-west-1]}
  - {id: host, fqdn: hosted.s3.us-east-1.amazonaws.com, allow: [GetObject]}
  - {id: china, bucket: in-china, partition: aws-cn, allow: [GetObject]}
  - {id: batch, bucket: for-batch, partition: aws, allow: [GetObject], clients: [batch]}
  - {id: signed, bucket: for-keys, partition: aws, allow: [GetObject], accounts: ["111122223333"]}
  - {id: point, access_point: "arn:aws:s3:eu-west-1:111122223333:accesspoint/fin", allow: [GetObject]}
  - {id: many, mrap: "arn:aws:s3::111122223333:accesspoint/mfzwi23gnjvgw.mrap", allow: [GetObject]}
  - {id: lambda, access_point: "arn:aws:s3-object-lambda:eu-west-1:111122223333:accesspoint/thumbs", allow: [GetObject]}
  - {id: zonal, bucket: data--euw1-az1--x-s3, partition: aws, allow: [read], regions: [eu-west-1]}
""")


def names(rendered: Rendered) -> set[str]:
    """The words by which a resource is told."""
    words = [resource.split(":::")[-1] for one in rendered.grants for resource in one.resources]
    return {word.removesuffix("/*").removesuffix("/object").rpartition(":")[2] for word in words}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        pytest.param(
            Choice("eu-west-1"),
            {"everywhere", "in-the-west", "for-batch", "for-keys", "accesspoint/fin", "accesspoint/mfzwi23gnjvgw.mrap", "*"},
            id="one region",
        ),
        pytest.param(
            Choice("us-east-1"),
            {"everywhere", "hosted", "for-batch", "for-keys", "accesspoint/mfzwi23gnjvgw.mrap", "*"},
            id="another",
        ),
        pytest.param(Choice("cn-north-1"), {"in-china"}, id="another partition"),
        pytest.param(
            Choice("us-east-1", client="build", account="999988887777"),
            {"everywhere", "hosted", "accesspoint/mfzwi23gnjvgw.mrap", "*"},
            id="for one group and account",
        ),
    ],
)  # fmt: skip
def test_the_rules_that_are_meant(choice: Choice, expected: set[str]) -> None:
    rendered = render_grants(POLICY, choice, (S3,))
    assert names(rendered) == expected
    lint_policy(allow_document(rendered.grants, principal=True))


def test_directory_buckets_have_an_endpoint_of_their_own() -> None:
    [grant] = render_grants(POLICY, Choice("eu-west-1"), (S3_EXPRESS,)).grants
    assert grant.resources == ("arn:aws:s3express:eu-west-1:*:bucket/data--euw1-az1--x-s3",)
    lint_policy(allow_document([grant], principal=True))


def test_what_is_left_out_is_told() -> None:
    notes = "\n".join(render_grants(POLICY, Choice("eu-west-1"), (S3,)).notes)
    assert "rule `lambda`: left out" in notes
    assert "rule `zonal`: left out: directory buckets are of service `s3express`" in notes
    assert "`clients` is the gate's alone" in notes
    assert "rule `many`: multi-region access points have an endpoint of their own" in notes


def test_monitor_mode_is_told() -> None:
    text = "version: 1\nmode: monitor\nuntil: 2027-01-01\nendpoints: {partitions: [aws], regions: [eu-west-1], classes: [standard]}\n"
    rules = "rules: [{id: a, bucket: data, allow: [read], keys: [x], mode: monitor, until: 2027-02-01}]\n"
    notes = render_grants(parse_policy((text + rules).encode()), Choice()).notes
    assert "the policy is in monitor mode until 2027-01-01; what it only watches is refused here" in notes
    assert "rule `a`: in monitor mode until 2027-02-01; what it only watches is refused here" in notes
    assert any(note.startswith("rule `a`: HeadBucket is left out") for note in notes)


def test_the_owner_that_nobody_said_can_be_given() -> None:
    rendered = render_grants(POLICY, Choice("cn-north-1", owner="111122223333"), (S3,))
    assert {one.conditions for one in rendered.grants} == {
        frozenset({("StringEquals", "aws:ResourceAccount", ("111122223333",))})
    }
