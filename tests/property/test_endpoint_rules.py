"""What botocore's endpoint rules write for a set of parameters reads back to those parameters."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from urllib.parse import urlsplit

import pytest
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import EndpointProviderError

from generate.partition_data import load
from s3gate.s3.address import Style, parse_address
from s3gate.s3.endpoint import Endpoint, OtherService, classify_host
from s3gate.s3.host import parse_authority
from s3gate.s3.partitions import PARTITIONS

ACCOUNT = "111122223333"
OUTPOST = "op-01234567890123456"


@dataclass(frozen=True)
class Question:
    """Parameters for botocore's rules, and what must be read out of their answer.

    Args:
        service: whose rules.
        parameters: beside region, FIPS and dualstack.
        needs: the classes that must be needed, beside those of FIPS and dualstack.
        style: where the bucket must be found.
        bucket: what must be found there.
        label: what must stand left of the service, when that is no bucket.
        special: why it is no general purpose bucket.
        region: whether the name carries the region.
    """

    service: str
    parameters: dict[str, object]
    needs: frozenset[str]
    style: Style | None = None
    bucket: str | None = None
    label: str | None = None
    special: str | None = None
    region: bool = True


def bucket(name: str, style: Style, needs: str = "", special: str | None = None, **more: object) -> Question:
    parameters = {"Bucket": name, **more}
    label = name if style is Style.VIRTUAL else None
    return Question(
        "s3", parameters, frozenset(needs.split()), style, name, label, special, region=needs != "accelerate"
    )


def arn(
    kind: str,
    needs: str,
    label: str,
    *,
    region: bool = True,
    resource: str = "accesspoint/ap",
    **more: object,
) -> Question:
    name = f"arn:{{partition}}:{kind}:{'{region}' if region else ''}:{ACCOUNT}:{resource}"
    style = Style.VIRTUAL
    return Question("s3", {"Bucket": name, **more}, frozenset({needs}), style, None, label, needs, region)


ZONAL = "data--use1-az4--x-s3"
ALIAS = "test-accessp-o0b1d075431d83bebde8xz5w8ijx1qzlbp3i3kuse10--op-s3"
QUESTIONS = {
    "service root": Question("s3", {}, frozenset()),
    "bucket": bucket("example-bucket", Style.VIRTUAL),
    "bucket by path": bucket("example-bucket", Style.PATH, ForcePathStyle=True),
    "dotted bucket": bucket("www.example.org", Style.PATH),
    "legacy bucket": bucket("Legacy_Bucket", Style.PATH),
    "bucket named like a region": bucket("us-east-1", Style.VIRTUAL),
    "bucket named like a service": bucket("s3-accesspoint", Style.VIRTUAL),
    "global endpoint asked for": bucket("example-bucket", Style.VIRTUAL, UseGlobalEndpoint=True),
    "accelerate": bucket("example-bucket", Style.VIRTUAL, "accelerate", Accelerate=True),
    "access point alias": bucket("ap-hash-s3alias", Style.VIRTUAL, special="access-point-alias"),
    "directory bucket": bucket(ZONAL, Style.VIRTUAL, "express", "directory-bucket"),
    "directory access point": bucket(
        "ap--use1-az4--xa-s3", Style.VIRTUAL, "express", "directory-access-point"
    ),
    "directory bucket, local zone": bucket(
        "d--usw2-lax1-az1--x-s3", Style.VIRTUAL, "express", "directory-bucket"
    ),
    "directory bucket, control": bucket(
        ZONAL, Style.PATH, "express", "directory-bucket", UseS3ExpressControlEndpoint=True
    ),
    "directory buckets, list": Question("s3", {"UseS3ExpressControlEndpoint": True}, frozenset({"express"})),
    "access point": arn("s3", "access-point", f"ap-{ACCOUNT}"),
    "multi-region access point": arn(
        "s3", "mrap", "alias.mrap", region=False, resource="accesspoint/alias.mrap"
    ),
    "Object Lambda": arn("s3-object-lambda", "object-lambda", f"ap-{ACCOUNT}"),
    "Object Lambda response": Question(
        "s3", {"UseObjectLambdaEndpoint": True}, frozenset({"object-lambda"}), special="object-lambda"
    ),
    "Outposts": arn(
        "s3-outposts", "outposts", f"ap-{ACCOUNT}.{OUTPOST}", resource=f"outpost/{OUTPOST}/accesspoint/ap"
    ),
    "Outposts alias": Question(
        "s3",
        {"Bucket": ALIAS},
        frozenset({"outposts"}),
        Style.VIRTUAL,
        None,
        f"{ALIAS}.op-0b1d075431d83bebd",
        "outposts",
    ),
    "control": Question(
        "s3control",
        {"AccountId": ACCOUNT, "RequiresAccountId": True},
        frozenset({"control"}),
        None,
        None,
        ACCOUNT,
        "control",
    ),
    "control without account": Question("s3control", {}, frozenset({"control"}), special="control"),
    "Outposts control": Question("s3outposts", {}, frozenset({"outposts"}), special="outposts"),
    "S3 Tables": Question("s3tables", {}, frozenset()),
    "S3 Vectors": Question("s3vectors", {}, frozenset()),
    "S3 Files": Question("s3files", {}, frozenset()),
}
REGIONS = [
    (partition.id, region) for partition in PARTITIONS.values() for region in sorted(partition.regions)
]


@cache
def provider(service: str) -> EndpointProvider:
    return EndpointProvider(load(service), load(None))


def answers(question: Question) -> Iterator[tuple[str, str, bool, bool, str]]:
    """(partition, region, fips, dualstack, URL) for every place where the rules have an answer."""
    for (partition, region), fips, dualstack in product(REGIONS, (False, True), (False, True)):
        filled = {
            name: value.format(partition=partition, region=region) if isinstance(value, str) else value
            for name, value in question.parameters.items()
        }
        known = provider(question.service).ruleset.parameters
        asked = {"Region": region, "UseFIPS": fips, "UseDualStack": dualstack, "UseArnRegion": True, **filled}
        try:
            found = provider(question.service).resolve_endpoint(
                **{k: v for k, v in asked.items() if k in known}
            )
        except EndpointProviderError:
            continue
        yield partition, region, fips, dualstack, found.url


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_rules_read_back(question: Question) -> None:
    count = 0
    for partition, region, fips, dualstack, url in answers(question):
        count += 1
        parts = urlsplit(url)
        host = parse_authority(parts.netloc)
        found = classify_host(host.name)
        if question.service in {"s3tables", "s3vectors", "s3files"}:
            assert isinstance(found, OtherService)
            assert found.partition == partition
            continue
        assert isinstance(found, Endpoint), url
        shared = (
            not question.region and partition == "aws-us-gov"
        )  # one suffix, and no region to tell them apart
        assert found.partition == ("aws" if shared else partition), url
        assert found.region == (region if question.region else None), url
        assert found.label == (question.label), url
        spelled = {
            "fips": fips and "-fips" in url,
            "dualstack": dualstack and (".dualstack." in url or question.service == "s3outposts"),
        }
        needs = {*question.needs, *(word for word, holds in spelled.items() if holds)} or {"standard"}
        assert found.needs == needs, url
        address = parse_address(found, parts.path)
        assert (address.style, address.bucket, address.special) == (
            question.style,
            question.bucket,
            question.special,
        ), url
        if question.style is not None:
            assert parse_address(found, f"{parts.path}/key").key == "key"
    assert count >= len(PARTITIONS) - 1


def test_the_pseudo_region_of_aws_is_its_global_endpoint() -> None:
    for more, host in (
        ({}, "bkt.s3.amazonaws.com"),
        ({"Accelerate": True}, "bkt.s3-accelerate.amazonaws.com"),
    ):
        url = provider("s3").resolve_endpoint(Region="aws-global", Bucket="bkt", **more).url
        assert urlsplit(url).netloc == host
        found = classify_host(parse_authority(host).name)
        assert isinstance(found, Endpoint)
        assert (found.partition, found.label, found.any_region_scope) == ("aws", "bkt", True)
