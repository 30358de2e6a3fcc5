"""One value of a dstdomain list: what it becomes, or why it is not taken over."""

import pytest

from s3gate.squid.translation import Refused, Target, translate

TAKEN = [
    ("my.dotted.s3.eu-west-1.amazonaws.com", "fqdn", "my.dotted.s3.eu-west-1.amazonaws.com"),
    ("Bucket-A.S3.eu-west-1.Amazonaws.com", "fqdn", "bucket-a.s3.eu-west-1.amazonaws.com"),
    ("bucket-a.s3.amazonaws.com", "fqdn", "bucket-a.s3.amazonaws.com"),
    ("bucket-a.s3-eu-west-1.amazonaws.com", "fqdn", "bucket-a.s3-eu-west-1.amazonaws.com"),
    ("bucket-a.s3.dualstack.eu-west-1.amazonaws.com", "fqdn", "bucket-a.s3.dualstack.eu-west-1.amazonaws.com"),
    ("bucket-a.s3.cn-north-1.amazonaws.com.cn", "fqdn", "bucket-a.s3.cn-north-1.amazonaws.com.cn"),
    ("fin-111122223333.s3-accesspoint.eu-west-1.amazonaws.com", "access_point", "arn:aws:s3:eu-west-1:111122223333:accesspoint/fin"),
    ("data--euw1-az1--x-s3.s3express-euw1-az1.eu-west-1.amazonaws.com", "fqdn", "data--euw1-az1--x-s3.s3express-euw1-az1.eu-west-1.amazonaws.com"),
    ("sts.eu-west-1.amazonaws.com", "host", "sts.eu-west-1.amazonaws.com"),
    ("logs.eu-west-1.amazonaws.com", "host", "logs.eu-west-1.amazonaws.com"),
]  # fmt: skip
REFUSED = [
    ("b.s3.eu-west-1.amazonaws.com", "3 to 63"),
    (".s3.eu-west-1.amazonaws.com", "every bucket of everybody"),
    (".amazonaws.com", "every AWS name below it"),
    (".bucket-a.s3.eu-west-1.amazonaws.com", "every bucket whose name ends in `.bucket-a`"),
    (".example.com", "not AWS's"),
    ("s3.eu-west-1.amazonaws.com", "by path it reaches every bucket of everybody"),
    ("s3.amazonaws.com", "by path it reaches every bucket of everybody"),
    ("www.example.org", "no AWS name"),
    ("10.0.0.1", "an address"),
    ("*.s3.eu-west-1.amazonaws.com", "a pattern"),
    ("bucket-a.s3.eu-west-1.amazonaws.com.", "trailing dot"),
    ("https://bucket-a.s3.eu-west-1.amazonaws.com/", "a URL"),
    ("bucket-a.s3.eu-west-1.amazonaws.com:443", "with a port"),
    ("bucket-a.s3.eu-west-1.amazonaws.com/key", "with a path"),
    ('"bucket-a.s3.eu-west-1.amazonaws.com"', "quoted"),
    (";bucket-a.s3.eu-west-1.amazonaws.com", "quoted, or a comment"),
    ("a.s3.amazonaws.com b.s3.amazonaws.com", "several names on one line"),
    ("111122223333.s3-control.eu-west-1.amazonaws.com", "S3 Control"),
    ("mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com", "does not tell its account"),
    ("bucket.s3-new.eu-west-1.amazonaws.com", "looks like S3"),
    ("s3tables.eu-west-1.amazonaws.com", "S3 Tables"),
    ("my-alb.eu-west-1.elb.amazonaws.com", "whoever registered the name"),
    ("point-abc-s3alias.s3.eu-west-1.amazonaws.com", "such names cannot be listed"),
]


@pytest.mark.parametrize(("value", "key", "becomes"), TAKEN, ids=[row[0] for row in TAKEN])
def test_taken_over(value: str, key: str, becomes: str) -> None:
    found = translate(value)
    assert isinstance(found, Target), found
    assert (found.key, found.value) == (key, becomes)


@pytest.mark.parametrize(("value", "why"), REFUSED, ids=[row[0] for row in REFUSED])
def test_not_taken_over(value: str, why: str) -> None:
    found = translate(value)
    assert isinstance(found, Refused), found
    assert why in found.why


def test_by_bucket() -> None:
    found = translate("bucket-a.s3.eu-west-1.amazonaws.com", by_bucket=True)
    assert isinstance(found, Target)
    assert (found.key, found.value) == ("bucket", "bucket-a")
    interface = translate("bucket-a.bucket.vpce-0a1b-c2d3.s3.eu-west-1.vpce.amazonaws.com", by_bucket=True)
    assert isinstance(interface, Target)
    assert interface.key == "fqdn", "whose endpoint it is matters"
