"""One ARN for each access point: from its host, and as a policy writes it."""

import pytest

from s3gate.s3.access_point import AccessPoint, access_point_of, parse_access_point
from s3gate.s3.endpoint import Endpoint, classify_host
from s3gate.s3.host import HostName

A = "111122223333"
PAIRS = [
    ("a name that ends in an account", f"ap-{A}-{A}.s3-accesspoint.eu-west-1.amazonaws.com", f"arn:aws:s3:eu-west-1:{A}:accesspoint/ap-{A}"),
    ("china", f"ap1-{A}.s3-accesspoint.cn-north-1.amazonaws.com.cn", f"arn:aws-cn:s3:cn-north-1:{A}:accesspoint/ap1"),
    ("govcloud", f"ap1-{A}.s3-accesspoint.us-gov-west-1.amazonaws.com", f"arn:aws-us-gov:s3:us-gov-west-1:{A}:accesspoint/ap1"),
    ("object lambda", f"ap1-{A}.s3-object-lambda.eu-west-1.amazonaws.com", f"arn:aws:s3-object-lambda:eu-west-1:{A}:accesspoint/ap1"),
    ("outposts", f"ap1-{A}.op-0123.s3-outposts.eu-west-1.amazonaws.com", f"arn:aws:s3-outposts:eu-west-1:{A}:outpost/op-0123/accesspoint/ap1"),
    ("multi-region", "abc.mrap.accesspoint.s3-global.amazonaws.com", f"arn:aws:s3::{A}:accesspoint/abc.mrap"),
]  # fmt: skip


def named(host: str) -> AccessPoint | None:
    endpoint = classify_host(HostName(host))
    assert isinstance(endpoint, Endpoint)
    return access_point_of(endpoint)


@pytest.mark.parametrize(("host", "arn"), [row[1:] for row in PAIRS], ids=[row[0] for row in PAIRS])
def test_host_and_arn_name_the_same(host: str, arn: str) -> None:
    point = parse_access_point(arn)
    assert point is not None
    assert (point.arn, point.host) == (arn, host)
    found = named(host)
    assert found is not None
    assert found.arn.replace(":::", f"::{A}:") == arn
    assert found.multi_region is point.multi_region


@pytest.mark.parametrize(
    "host",
    [
        f"ap1-{A}.s3-accesspoint-fips.us-east-1.amazonaws.com",
        f"ap1-{A}.s3-accesspoint.dualstack.us-east-1.amazonaws.com",
        f"ap1-{A}.s3-accesspoint-fips.dualstack.us-east-1.amazonaws.com",
        f"ap1-{A}.accesspoint.vpce-0a1b-c2d3.s3.us-east-1.vpce.amazonaws.com",
    ],
)
def test_every_host_of_an_access_point_gives_its_arn(host: str) -> None:
    found = named(host)
    assert found is not None
    assert found.arn == f"arn:aws:s3:us-east-1:{A}:accesspoint/ap1"


@pytest.mark.parametrize(
    "host",
    [
        "bkt.s3.us-east-1.amazonaws.com",
        "s3.us-east-1.amazonaws.com",
        "route.s3-object-lambda.us-east-1.amazonaws.com",
        "s3-object-lambda.us-east-1.amazonaws.com",
        "ap--op-s3.op-0123.s3-outposts.us-east-1.amazonaws.com",
        "ap--op-s3.ec2.s3-outposts.us-east-1.amazonaws.com",
        f"{A}.s3-control.us-east-1.amazonaws.com",
        "ap-s3alias.s3.us-east-1.amazonaws.com",
        f"bkt-{A}.s3.us-east-1.amazonaws.com",
    ],
)
def test_other_hosts_name_none(host: str) -> None:
    assert named(host) is None


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "arn:aws:s3:::bucket",
        f"arn:aws:s3:eu-west-1:{A}:accesspoint:ap1",
        f"arn:aws:s3:eu-west-1:{A}:accesspoint/ap1/object/k",
        f"arn:aws:s3:eu-west-1:{A}:accesspoint/ap1\n",
        f"arn:aws:s3:eu-west-1:{A}:accesspoint/AP1",
        f"arn:aws:s3:eu-west-1:{A}:accesspoint/-ap",
        f"arn:aws:s3:eu-west-1:{A}:accesspoint/ap",
        f"arn:aws:s3:eu-west-1:{A}:accesspoint/x-s3alias",
        f"arn:aws:s3:eu-west-1:{A}:accesspoint/abc.mrap",
        f"arn:aws:s3::{A}:accesspoint/abc",
        f"arn:aws-cn:s3:eu-west-1:{A}:accesspoint/ap1",
        f"arn:aws:s3:cn-north-1:{A}:accesspoint/ap1",
        f"arn:aws-mars:s3:eu-west-1:{A}:accesspoint/ap1",
        "arn:aws:s3:eu-west-1:1234:accesspoint/ap1",
        f"arn:aws:s3-outposts:eu-west-1:{A}:accesspoint/ap1",
        f"arn:aws:s3:eu-west-1:{A}:outpost/op-01/accesspoint/ap1",
        f"arn:aws-us-gov:s3::{A}:accesspoint/abc.mrap",
        f"arn:aws:s3-object-lambda::{A}:accesspoint/abc.mrap",
    ],
)
def test_what_is_no_arn_of_an_access_point(arn: str) -> None:
    assert parse_access_point(arn) is None
