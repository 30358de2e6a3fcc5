"""What botocore builds for a resource passes where exactly that resource is listed, and nowhere else.

Access points of every kind, directory buckets, interface endpoints, accelerate, FIPS and
dualstack: botocore builds and signs, `decide_request` judges by two policies.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final  # Any: botocore has no types

import pytest
from botocore.endpoint_provider import EndpointProvider

from generate.partition_data import load
from generate.s3_requests import ACCOUNT, KEY_ID, Requests, Sent
from s3gate.policy.decide import decide_request
from s3gate.policy.decision import Decision, Reason
from s3gate.policy.document import parse_policy
from s3gate.policy.model import Policy
from s3gate.policy.reading import Client, Request

KEYS: Final = ("plain.txt", "a b/日本", "a//b", "evil-bucket/k", "what?versions")
OPERATIONS: Final = ("GetObject", "PutObject", "HeadObject", "DeleteObject", "ListObjectsV2", "UploadPart")
VPCE: Final = "vpce-1a2b3c4d"
OTHER: Final = "444455556666"
TARGETS: Final = ("bucket", "access_point", "mrap")


@dataclass(frozen=True, slots=True)
class Way:
    """One kind of resource, and how botocore is told to reach it.

    Args:
        name: what `Bucket` is given.
        other: a resource that is listed instead.
        classes: the endpoint classes it needs; the last is the one that is reported.
        endpoint: of an interface endpoint.
    """

    target: str
    name: str
    other: str
    region: str
    classes: tuple[str, ...]
    partition: str = "aws"
    options: tuple[str, ...] = ()
    endpoint: str | None = None


def arn(region: str, name: str, service: str = "s3", partition: str = "aws", account: str = ACCOUNT) -> str:
    return f"arn:{partition}:{service}:{region}:{account}:{name}"


def points() -> Iterator[tuple[str, Way]]:
    """Access points of one region, by each way to them."""
    for partition, region in (
        ("aws", "eu-west-1"),
        ("aws-cn", "cn-north-1"),
        ("aws-us-gov", "us-gov-west-1"),
    ):
        own = arn(region, "accesspoint/app", partition=partition)
        foreign = arn(region, "accesspoint/app", partition=partition, account=OTHER)
        yield (
            f"access point {partition}",
            Way("access_point", own, foreign, region, ("access-point",), partition),
        )
        other = arn(region, "accesspoint/app2", partition=partition)
        options = ("use_dualstack_endpoint",)
        classes = ("dualstack", "access-point")
        yield (
            f"dualstack access point {partition}",
            Way("access_point", own, other, region, classes, partition, options),
        )
    for region in ("us-east-1", "us-gov-east-1"):
        partition = "aws-us-gov" if "gov" in region else "aws"
        own, other = (arn(region, f"accesspoint/{name}", partition=partition) for name in ("app-1", "app-2"))
        classes, options = ("fips", "access-point"), ("use_fips_endpoint",)
        yield (
            f"fips access point {partition}",
            Way("access_point", own, other, region, classes, partition, options),
        )
    own, other = (arn("us-west-2", f"accesspoint/{name}") for name in ("app-1", "app-2"))
    host = f"https://accesspoint.{VPCE}-5e6f.s3.us-west-2.vpce.amazonaws.com"
    yield (
        "vpce access point",
        Way("access_point", own, other, "us-west-2", ("access-point", "vpce"), endpoint=host),
    )
    own, other = (arn("us-west-2", f"accesspoint/{name}", "s3-object-lambda") for name in ("ola", "olb"))
    yield "object lambda", Way("access_point", own, other, "us-west-2", ("object-lambda",))
    yield (
        "fips object lambda",
        Way(
            "access_point", own, other, "us-west-2", ("fips", "object-lambda"), options=("use_fips_endpoint",)
        ),
    )
    own, other = (arn("us-west-2", f"outpost/op-{n}/accesspoint/app", "s3-outposts") for n in ("01", "02"))
    yield "outposts", Way("access_point", own, other, "us-west-2", ("outposts",))


def buckets() -> Iterator[tuple[str, Way]]:
    """Buckets, by each way beside the plain one."""
    zonal, other = "good--usw2-az1--x-s3", "good--usw2-az2--x-s3"
    yield "express", Way("bucket", zonal, other, "us-west-2", ("express",))
    yield (
        "fips express",
        Way("bucket", zonal, other, "us-west-2", ("fips", "express"), options=("use_fips_endpoint",)),
    )
    host = f"https://bucket.{VPCE}-5e6f.s3.us-west-2.vpce.amazonaws.com"
    yield "vpce", Way("bucket", "good-bucket", "evil-bucket", "us-west-2", ("vpce",), endpoint=host)
    for option, classes in (
        (("use_accelerate_endpoint",), ("accelerate",)),
        (("use_accelerate_endpoint", "use_dualstack_endpoint"), ("dualstack", "accelerate")),
        (("use_fips_endpoint",), ("fips",)),
        (("use_dualstack_endpoint",), ("dualstack",)),
        (("use_fips_endpoint", "use_dualstack_endpoint"), ("dualstack", "fips")),
    ):
        yield (
            " ".join(classes),
            Way("bucket", "good-bucket", "evil-bucket", "us-east-2", classes, options=option),
        )


WAYS: Final = dict([*points(), *buckets()])


def policy(way: Way, listed: str, allow: str = "read, write, list, delete") -> Policy:
    vpce = f"vpce: [{VPCE}], " if "vpce" in way.classes else ""
    return parse_policy(
        f"version: 1\nendpoints: {{partitions: [{way.partition}], regions: [{way.region}], {vpce}"
        f"classes: [{', '.join(way.classes)}]}}\n"
        f'rules: [{{id: r, {way.target}: "{listed}", allow: [{allow}], accounts: ["{ACCOUNT}"]}}]\n'.encode()
    )


def asked(sent: Sent) -> Request:
    return Request(
        sent.method, "https", None, sent.target, sent.headers, f"{sent.host}:443", sent.host,
        Client("10.0.0.1"), datetime.now(UTC),
    )  # fmt: skip


def check(decision: Decision, way: Way, operation: str, key: str | None) -> None:
    assert decision.reason is Reason.ALLOWED_BY_RULE, decision.detail
    reading = decision.reading
    assert (reading.operation, reading.key) == (operation, key)
    assert (reading.partition, reading.account) == (way.partition, ACCOUNT)
    assert reading.endpoint_class == way.classes[-1]
    assert reading.region == (None if way.classes[-1] in {"accelerate", "mrap"} else way.region)
    assert reading.bucket == (way.name if way.target == "bucket" else None)


@pytest.fixture(scope="module")
def requests() -> Requests:
    return Requests()


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_what_is_listed_passes_and_nothing_else(requests: Requests, way: Way) -> None:
    client: Any = requests.client(way.region, "auto", None, way.endpoint, **dict.fromkeys(way.options, True))
    own, other = policy(way, way.name), policy(way, way.other)
    narrow = policy(way, way.name, "CreateBucket")
    operations = (*OPERATIONS, "CreateSession") if "express" in way.classes else OPERATIONS
    for operation in operations:
        for key in KEYS if "Object" in operation and operation != "ListObjectsV2" else KEYS[:1]:
            arguments = requests.parameters(operation, way.name, key, full=False)
            request = asked(requests.sent(client, operation, arguments))
            check(decide_request(own, request), way, operation, arguments.get("Key"))
            assert decide_request(other, request).reason is Reason.BUCKET_NOT_LISTED
            assert decide_request(narrow, request).reason is Reason.OPERATION_NOT_ALLOWED
            foreign = replace(
                request,
                headers=tuple((n, v.replace(KEY_ID, "ASIAVJ2E6QGR2WZILJFM")) for n, v in request.headers),
            )
            assert decide_request(own, foreign).reason is Reason.ACCOUNT_NOT_ALLOWED


@pytest.mark.parametrize("way", [WAYS["access point aws"], WAYS["object lambda"], WAYS["outposts"]])
def test_copies_name_access_points_by_their_arns(requests: Requests, way: Way) -> None:
    """A copy within one access point needs `read` and `write` of its one rule."""
    client = requests.client(way.region, "auto")
    for key in KEYS:
        arguments = {"Bucket": way.name, "Key": "k", "CopySource": {"Bucket": way.name, "Key": key}}
        if "object-lambda" in way.name:  # S3 takes no copy source of Object Lambda
            assert not decide_request(
                policy(way, way.name), asked(requests.sent(client, "CopyObject", arguments))
            ).allowed
            continue
        request = asked(requests.sent(client, "CopyObject", arguments))
        decision = decide_request(policy(way, way.name), request)
        check(decision, way, "CopyObject", "k")
        assert decision.reading.copy_source is not None
        assert (decision.reading.copy_source.bucket, decision.reading.copy_source.key) == (way.name, key)
        assert decide_request(policy(way, way.name, "write"), request).reason is Reason.COPY_SOURCE_NOT_LISTED


def test_multi_region_access_points_are_found_by_their_alias() -> None:
    """botocore signs these with the AWS CRT alone: its rules give name and scope, the head is written here."""
    name, other = (arn("", f"accesspoint/{alias}.mrap") for alias in ("good", "evil"))
    way = Way("mrap", name, other, "us-west-2", ("mrap",))
    built = EndpointProvider(load("s3"), load(None)).resolve_endpoint(Region="us-west-2", Bucket=name)
    (scheme,) = built.properties["authSchemes"]
    assert scheme["name"] == "sigv4a"
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    signed = (
        f"AWS4-ECDSA-P256-SHA256 Credential={KEY_ID}/{stamp[:8]}/{scheme['signingName']}/aws4_request, "
        "SignedHeaders=host;x-amz-date;x-amz-region-set, Signature=00"
    )
    host = built.url.removeprefix("https://")
    pairs = (
        ("Host", host),
        ("X-Amz-Date", stamp),
        ("X-Amz-Region-Set", ",".join(scheme["signingRegionSet"])),
        ("Authorization", signed),
    )
    request = asked(Sent("GET", host, "/k", pairs))
    check(decide_request(policy(way, name), request), way, "GetObject", "k")
    assert decide_request(policy(way, other), request).reason is Reason.BUCKET_NOT_LISTED
