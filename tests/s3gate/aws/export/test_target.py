"""What a rule names, as ARNs."""

import pytest

from s3gate.aws.export.target import Kind, NotRendered, as_pattern, partition_of_region, target_of
from s3gate.policy.document import parse_policy
from s3gate.policy.model import Policy

HEAD = (
    "version: 1\nendpoints: {partitions: [aws], regions: [eu-west-1, us-east-1], classes: "
    "[standard, access-point, mrap, express, object-lambda, outposts]}\n"
)


def policy(rule: str) -> Policy:
    return parse_policy(f"{HEAD}rules: [{{id: r, {rule}, allow: [read]}}]\n".encode())


@pytest.mark.parametrize(
    ("rule", "kind", "own", "objects"),
    [
        ("bucket: data", Kind.BUCKET, ["arn:aws:s3:::data"], "arn:aws:s3:::data/*"),
        (
            "fqdn: data.s3.eu-west-1.amazonaws.com",
            Kind.BUCKET,
            ["arn:aws:s3:::data"],
            "arn:aws:s3:::data/*",
        ),
        (
            'access_point: "arn:aws:s3:eu-west-1:111122223333:accesspoint/fin"',
            Kind.ACCESS_POINT,
            ["arn:aws:s3:eu-west-1:111122223333:accesspoint/fin"],
            "arn:aws:s3:eu-west-1:111122223333:accesspoint/fin/object/*",
        ),
        (
            'mrap: "arn:aws:s3::111122223333:accesspoint/mfzwi23gnjvgw.mrap"',
            Kind.ACCESS_POINT,
            ["arn:aws:s3::111122223333:accesspoint/mfzwi23gnjvgw.mrap"],
            "arn:aws:s3::111122223333:accesspoint/mfzwi23gnjvgw.mrap/object/*",
        ),
        (
            "bucket: data--euw1-az1--x-s3, regions: [eu-west-1]",
            Kind.DIRECTORY_BUCKET,
            ["arn:aws:s3express:eu-west-1:999988887777:bucket/data--euw1-az1--x-s3"],
            None,
        ),
    ],
)
def test_arns(rule: str, kind: Kind, own: list[str], objects: str | None) -> None:
    parsed = policy(rule)
    target = target_of(parsed, parsed.rules[0])
    assert target.kind is kind
    assert list(target.own("999988887777")) == own
    if objects is not None:
        assert target.objects(()) == (objects,)


def test_a_directory_bucket_without_region_or_account_has_one_arn_a_region() -> None:
    parsed = policy("bucket: data--euw1-az1--x-s3")
    assert target_of(parsed, parsed.rules[0]).own(None) == (
        "arn:aws:s3express:eu-west-1:*:bucket/data--euw1-az1--x-s3",
        "arn:aws:s3express:us-east-1:*:bucket/data--euw1-az1--x-s3",
    )


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (
            'access_point: "arn:aws:s3-object-lambda:eu-west-1:111122223333:accesspoint/fin"',
            "s3-object-lambda",
        ),
        (
            'access_point: "arn:aws:s3-outposts:eu-west-1:111122223333:outpost/op-01ac5d28a6a232904/accesspoint/fin"',
            "s3-outposts",
        ),
    ],
)
def test_what_has_actions_of_its_own_is_not_rendered(rule: str, why: str) -> None:
    parsed = policy(rule)
    with pytest.raises(NotRendered, match=why):
        target_of(parsed, parsed.rules[0])


def test_a_dollar_begins_no_variable() -> None:
    assert as_pattern("a$b/${aws:username}/*?") == "a${$}b/${$}{aws:username}/*?"


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-west-1", "aws"), ("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn")],
)
def test_a_region_tells_its_partition(region: str, partition: str) -> None:
    assert partition_of_region(region) == partition
