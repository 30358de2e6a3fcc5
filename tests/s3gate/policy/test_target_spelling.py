"""What a rule may name, how it is written, and what else a text could mean."""

from types import SimpleNamespace
from typing import cast

import pytest
from pydantic import ValidationInfo

from s3gate.policy.listed import Listed
from s3gate.policy.mistake import Misspelling
from s3gate.policy.target_spelling import (
    check_access_point,
    check_bucket,
    check_client,
    check_fqdn,
    check_mrap,
    check_service_host,
)

LISTED = Listed(
    partitions=frozenset({"aws", "aws-cn"}),
    regions=frozenset({"ap-northeast-1", "us-east-1", "cn-north-1"}),
    classes=frozenset({"standard", "fips"}),
    clients=frozenset({"batch"}),
)


def info(listed: object = LISTED) -> ValidationInfo:
    return cast("ValidationInfo", SimpleNamespace(context=listed))


BUCKETS = [
    ("upper case", "Example", "upper case in bucket `Example`", "write `example`"),
    ("trailing dot", "example.", "trailing dot in bucket", "write `example`"),
    ("space", " example", "spaces around bucket", "write `example`"),
    ("uri", "s3://example/key", "is a URL", "write `example`"),
    ("uri in capitals", "S3://Example", "is a URL", "write `example`"),
    ("https", "https://example/", "is a URL", "write `example`"),
    ("arn", "arn:aws:s3:::example", "is an ARN", "write `example`"),
    ("arn of objects", "arn:aws:s3:::example/*", "is an ARN", "write `example`"),
    ("arn with wildcard", "arn:aws:s3:::ex*", "is an ARN", "write the bucket's name alone"),
    (
        "arn of an access point",
        "arn:aws:s3:eu-west-1:111122223333:accesspoint/a",
        "is the ARN of an access point",
        "write `access_point: arn:aws:s3:eu-west-1:111122223333:accesspoint/a`",
    ),
    ("key", "example/incoming", "holds a key", 'write `bucket: example` and `keys: ["incoming"]`'),
    ("slash", "example/", "holds a key", 'write `bucket: example` and `keys: ["*"]`'),
    ("wildcard", "example-*", "wildcard in bucket", "write one rule for each bucket; `keys:` takes `*`"),
    ("question mark", "example-?", "wildcard in bucket", "write one rule for each bucket; `keys:` takes `*`"),
    ("regex", "^example$", "regular expression in bucket", "write one rule"),
    ("regex of words", "(a|b)-logs", "regular expression in bucket", "write one rule"),
    (
        "host",
        "b-c.s3.eu-west-1.amazonaws.com",
        "is a host name",
        "write `fqdn: b-c.s3.eu-west-1.amazonaws.com`",
    ),
    ("underscore", "my_bucket", "only a-z, 0-9", None),
    ("short", "ab", "3 to 63", None),
    ("long", "a" * 64, "3 to 63", None),
    ("empty", "", "3 to 63", None),
    ("address", "10.0.0.1", "IP address", None),
    ("two dots", "a..b", "two dots", None),
    ("alias", "point-abc-s3alias", "another kind of resource", None),
    ("reserved", "xn--abc", "reserves", None),
    ("line end", "example\n", "spaces around bucket", "write `example`"),
    ("cyrillic", "ехаmple", "only a-z, 0-9", None),
]


@pytest.mark.parametrize(
    ("text", "says", "hint"), [row[1:] for row in BUCKETS], ids=[row[0] for row in BUCKETS]
)
def test_what_is_no_bucket_name(text: str, says: str, hint: str | None) -> None:
    with pytest.raises(Misspelling) as caught:
        check_bucket(text, info())
    assert says in caught.value.message
    assert (caught.value.suggestion is None) == (hint is None)
    assert hint is None or str(caught.value.suggestion).startswith(hint)


@pytest.mark.parametrize("text", ["example", "a.b.c", "123", "a" * 63, "example-uploads"])
def test_bucket_names(text: str) -> None:
    assert check_bucket(text, info()) == text


def test_directory_buckets_need_their_class() -> None:
    name = "bkt--use1-az4--x-s3"
    assert check_bucket(name, info(Listed(classes=frozenset({"express"})))) == name
    with pytest.raises(Misspelling) as caught:
        check_bucket(name, info())
    assert caught.value.suggestion == "add `express` to `classes`"
    for wrong in ("bkt--x-s3", "bkt--use1-az4--xa-s3"):
        with pytest.raises(Misspelling, match="another kind of resource"):
            check_bucket(wrong, info(Listed(classes=frozenset({"express"}))))


POINT = "arn:aws:s3:us-east-1:111122223333:accesspoint/app"
OPEN = Listed(
    partitions=frozenset({"aws"}),
    regions=frozenset({"us-east-1"}),
    classes=frozenset({"access-point", "mrap", "outposts"}),
)
POINTS = [
    ("class not open", POINT.replace("s3:", "s3-object-lambda:"), "needs class `object-lambda`", "add `object-lambda`"),
    ("region not open", POINT.replace("us-east-1", "us-west-2"), "lies in region `us-west-2`", "add `us-west-2`"),
    ("another partition", POINT.replace(":aws:", ":aws-cn:"), "lies in partition `aws`, not in `aws-cn`", "write `arn:aws:…`"),
    ("partition not open", "arn:aws-cn:s3:cn-north-1:111122223333:accesspoint/app", "lies in partition `aws-cn`", "add `aws-cn`"),
    ("no partition", POINT.replace(":aws:", ":aws-mars:"), "`aws-mars` is not a partition", "write `aws`"),
    ("no region", POINT.replace("us-east-1", "moon"), "region `moon` of the ARN is no region", "write it like"),
    ("colons", POINT.replace("point/", "point:"), "not the canonical ARN", f"write `{POINT}`"),
    ("colons on an outpost", "arn:aws:s3-outposts:us-east-1:111122223333:outpost:op-01:accesspoint:app", "not the canonical ARN", "write `arn:aws:s3-outposts:us-east-1:111122223333:outpost/op-01/accesspoint/app`"),
    ("objects", f"{POINT}/object/in/*", "not the canonical ARN", f'write `{POINT}` and `keys: ["in/*"]`'),
    ("account", POINT.replace("111122223333", "1234"), "not an account id", "write it like"),
    ("name", POINT.replace("app", "a"), "that a host can name", "its name has 3 to 50"),
    ("alias", "app-abc-s3alias", "it is an access-point-alias", "write it like"),
    ("host", "app-111122223333.s3-accesspoint.us-east-1.amazonaws.com", "it is a host name", "write it like"),
    ("mrap", "arn:aws:s3::111122223333:accesspoint/app.mrap", "is a multi-region access point", "write `mrap: arn"),
    ("bucket", "arn:aws:s3:::bkt", "not the ARN of an access point", "write it like"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says", "hint"), [row[1:] for row in POINTS], ids=[row[0] for row in POINTS]
)
def test_what_is_no_listed_access_point(text: str, says: str, hint: str) -> None:
    with pytest.raises(Misspelling) as caught:
        check_access_point(text, info(OPEN))
    assert says in caught.value.message
    assert str(caught.value.suggestion).startswith(hint)


def test_access_points() -> None:
    assert check_access_point(POINT, info(OPEN)) == POINT
    multi = "arn:aws:s3::111122223333:accesspoint/app.mrap"
    assert check_mrap(multi, info(OPEN)) == multi
    with pytest.raises(Misspelling, match="access point of one region"):
        check_mrap(POINT, info(OPEN))


FQDNS = [
    ("upper case", "Bkt.s3.ap-northeast-1.amazonaws.com", "write `bkt.s3.ap-northeast-1.amazonaws.com`"),
    ("trailing dot", "bkt.s3.ap-northeast-1.amazonaws.com.", "write `bkt.s3.ap-northeast-1.amazonaws.com`"),
    ("port", "bkt.s3.ap-northeast-1.amazonaws.com:443", "write `bkt.s3.ap-northeast-1.amazonaws.com`"),
    ("url", "https://bkt.s3.ap-northeast-1.amazonaws.com/k", "write `bkt.s3.ap-northeast-1.amazonaws.com`"),
    ("user", "https://u@bkt.s3.ap-northeast-1.amazonaws.com/", "write `bkt.s3.ap-northeast-1.amazonaws.com`"),
    ("wildcard", "*.s3.ap-northeast-1.amazonaws.com", "write one entry for each name"),
    ("address", "52.219.0.10", "write the DNS name; addresses are never listed"),
    ("space", "a b", None),
    ("no bucket", "s3.ap-northeast-1.amazonaws.com", "write `bucket:` with the bucket's name"),
    ("foreign", "bkt.example.com", "only S3 is listed here"),
    ("service", "sts.ap-northeast-1.amazonaws.com", "AWS services beside S3 go under `hosts`"),
    ("look-alike", "bkt.s3.ap-northeast-1.amazonaws.com.evil.example", "only S3 is listed here"),
    ("class not open", "bkt.s3.dualstack.ap-northeast-1.amazonaws.com", "add `dualstack` to `classes`"),
    ("region not open", "bkt.s3.eu-west-1.amazonaws.com", "add `eu-west-1` to `regions`"),
    ("partition not open", "bkt.s3.us-gov-west-1.amazonaws.com", "add `aws-us-gov` to `partitions`"),
    ("accelerate", "bkt.s3-accelerate.amazonaws.com", "add `accelerate` to `classes`"),
    ("website", "bkt.s3-website-us-east-1.amazonaws.com", "add `website` to `classes`"),
    ("control", "111122223333.s3-control.us-east-1.amazonaws.com", "delete it"),
    (
        "access point",
        "app-111122223333.s3-accesspoint.us-east-1.amazonaws.com",
        "write `access_point: arn:aws:s3:us-east-1:111122223333:accesspoint/app`",
    ),
    (
        "general bucket at express",
        "bkt.s3express-use1-az4.us-east-1.amazonaws.com",
        "AWS services beside S3 go under `hosts`",
    ),
    ("alias", "point-abc-s3alias.s3.us-east-1.amazonaws.com", None),
    ("bad bucket", "a.s3.us-east-1.amazonaws.com", None),
]


@pytest.mark.parametrize(("text", "hint"), [row[1:] for row in FQDNS], ids=[row[0] for row in FQDNS])
def test_what_is_no_listed_fqdn(text: str, hint: str | None) -> None:
    with pytest.raises(Misspelling) as caught:
        check_fqdn(text, info())
    assert caught.value.suggestion == hint


@pytest.mark.parametrize(
    "text",
    [
        "bkt.s3.ap-northeast-1.amazonaws.com",
        "a.b.c.s3.us-east-1.amazonaws.com",
        "bkt.s3.amazonaws.com",
        "bkt.s3-ap-northeast-1.amazonaws.com",
        "bkt.s3-fips.us-east-1.amazonaws.com",
        "bkt.s3.cn-north-1.amazonaws.com.cn",
    ],
)
def test_fqdns(text: str) -> None:
    assert check_fqdn(text, info()) == text
    assert check_fqdn(text, info(Listed())) == text


HOSTS = [
    ("s3", "s3.us-east-1.amazonaws.com", "is S3"),
    ("bucket", "bkt.s3.us-east-1.amazonaws.com", "is S3"),
    ("s3 control", "111122223333.s3-control.us-east-1.amazonaws.com", "is S3"),
    ("s3 tables", "s3tables.us-east-1.amazonaws.com", "stores data"),
    ("s3 vectors", "s3vectors.us-east-1.api.aws", "stores data"),
    ("execute-api", "abc.execute-api.us-east-1.amazonaws.com", "belongs to a customer"),
    ("load balancer", "my-lb-123.us-east-1.elb.amazonaws.com", "belongs to a customer"),
    ("instance", "ec2-1-2-3-4.compute-1.amazonaws.com", "belongs to a customer"),
    ("interface endpoint", "vpce-0a1b-c2d3.sts.us-east-1.vpce.amazonaws.com", ""),
    ("foreign", "example.com", "is not an AWS name"),
    ("upper case", "STS.amazonaws.com", "is not a canonical host name"),
    ("wildcard", "*.amazonaws.com", "wildcard"),
]


@pytest.mark.parametrize(("text", "says"), [row[1:] for row in HOSTS], ids=[row[0] for row in HOSTS])
def test_what_is_no_service_host(text: str, says: str) -> None:
    with pytest.raises(Misspelling) as caught:
        check_service_host(text)
    assert says in caught.value.message


@pytest.mark.parametrize(
    "text", ["sts.ap-northeast-1.amazonaws.com", "logs.us-east-1.amazonaws.com", "sts.amazonaws.com"]
)
def test_service_hosts(text: str) -> None:
    assert check_service_host(text) == text


def test_clients() -> None:
    assert check_client("batch", info()) == "batch"
    assert check_client("any", info(Listed(clients=None))) == "any"
    for text, hint in (("bacth", "write `batch`"), ("zebra", "define `zebra` under `clients`")):
        with pytest.raises(Misspelling) as caught:
            check_client(text, info())
        assert caught.value.suggestion == hint
