"""Host names: the class, partition, region and label of each, and what is no endpoint."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gate.s3.endpoint import AwsName, Endpoint, EndpointClass, Foreign, OtherService, classify_host
from s3gate.s3.host import HostName, parse_authority
from s3gate.s3.partitions import PARTITIONS, SUFFIXES
from s3gate.s3.refusal import ReadError

ROWS = json.loads(Path(__file__).with_name("hostile_hosts.json").read_text(encoding="utf-8"))
READ = [row for row in ROWS if row["reads"] not in {"IpLiteral", "MalformedHost"}]

S = "amazonaws.com"
R = "eu-west-1"
Row = tuple[str, str, str, str, str | None, str | None]

# name: (host, class, further classes needed, partition, region, label)
ENDPOINTS: dict[str, Row] = {
    "regional": (f"b.s3.{R}.{S}", "standard", "", "aws", R, "b"),
    "regional root": (f"s3.{R}.{S}", "standard", "", "aws", R, None),
    "dotted bucket": (f"a.b.c.s3.{R}.{S}", "standard", "", "aws", R, "a.b.c"),
    "region of tomorrow": (f"b.s3.mx-north-7.{S}", "standard", "", "aws", "mx-north-7", "b"),
    "legacy dash": (f"b.s3-us-west-2.{S}", "standard", "", "aws", "us-west-2", "b"),
    "legacy dash root": (f"s3-us-west-2.{S}", "standard", "", "aws", "us-west-2", None),
    "legacy dash, GovCloud": (f"b.s3-us-gov-west-1.{S}", "standard", "", "aws-us-gov", "us-gov-west-1", "b"),
    "GovCloud": (f"b.s3.us-gov-east-1.{S}", "standard", "", "aws-us-gov", "us-gov-east-1", "b"),
    "China": (f"b.s3.cn-north-1.{S}.cn", "standard", "", "aws-cn", "cn-north-1", "b"),
    "China, dash": (f"b.s3-cn-north-1.{S}.cn", "standard", "", "aws-cn", "cn-north-1", "b"),
    "eusc": ("b.s3.eusc-de-east-1.amazonaws.eu", "standard", "", "aws-eusc", "eusc-de-east-1", "b"),
    "iso": ("b.s3.us-iso-east-1.c2s.ic.gov", "standard", "", "aws-iso", "us-iso-east-1", "b"),
    "iso-b": ("b.s3.us-isob-east-1.sc2s.sgov.gov", "standard", "", "aws-iso-b", "us-isob-east-1", "b"),
    "iso-e": ("b.s3.eu-isoe-west-1.cloud.adc-e.uk", "standard", "", "aws-iso-e", "eu-isoe-west-1", "b"),
    "iso-f": ("b.s3.us-isof-south-1.csp.hci.ic.gov", "standard", "", "aws-iso-f", "us-isof-south-1", "b"),
    "dualstack": (f"b.s3.dualstack.{R}.{S}", "dualstack", "", "aws", R, "b"),
    "dualstack root": (f"s3.dualstack.{R}.{S}", "dualstack", "", "aws", R, None),
    "fips": (f"b.s3-fips.us-east-1.{S}", "fips", "", "aws", "us-east-1", "b"),
    "fips root": (f"s3-fips.us-east-1.{S}", "fips", "", "aws", "us-east-1", None),
    "fips dualstack": (f"b.s3-fips.dualstack.us-east-1.{S}", "fips", "dualstack", "aws", "us-east-1", "b"),
    "fips, legacy dash": (f"b.s3-fips-us-gov-west-1.{S}", "fips", "", "aws-us-gov", "us-gov-west-1", "b"),
    "website dash": (f"b.s3-website-{R}.{S}", "website", "", "aws", R, "b"),
    "website dot": (f"www.b.s3-website.{R}.{S}", "website", "", "aws", R, "www.b"),
    "access point": (f"ap-123456789012.s3-accesspoint.{R}.{S}", "access-point", "", "aws", R, "ap-123456789012"),
    "access point that ends in digits": (
        f"ap-111122223333-123456789012.s3-accesspoint.{R}.{S}",
        "access-point", "", "aws", R, "ap-111122223333-123456789012",
    ),
    "access point fips dualstack": (
        f"ap-123456789012.s3-accesspoint-fips.dualstack.{R}.{S}",
        "access-point", "fips dualstack", "aws", R, "ap-123456789012",
    ),
    "Object Lambda": (f"ap-123456789012.s3-object-lambda.{R}.{S}", "object-lambda", "", "aws", R, "ap-123456789012"),
    "Object Lambda route": (f"io-x.s3-object-lambda-fips.{R}.{S}", "object-lambda", "fips", "aws", R, "io-x"),
    "Object Lambda root": (f"s3-object-lambda.{R}.{S}", "object-lambda", "", "aws", R, None),
    "Outposts": (
        f"ap-123456789012.op-0123.s3-outposts.{R}.{S}", "outposts", "", "aws", R, "ap-123456789012.op-0123",
    ),
    "Outposts alias": (f"ap-h--op-s3.op-0123.s3-outposts.{R}.{S}", "outposts", "", "aws", R, "ap-h--op-s3.op-0123"),
    "Outposts alias, ec2": (f"ap-h--op-s3.ec2.s3-outposts.{R}.{S}", "outposts", "", "aws", R, "ap-h--op-s3.ec2"),
    "Outposts control": (f"s3-outposts-fips.{R}.{S}", "outposts", "fips", "aws", R, None),
    "Outposts control on api.aws": (f"s3-outposts.{R}.api.aws", "outposts", "dualstack", "aws", R, None),
    "control": (f"123456789012.s3-control.{R}.{S}", "control", "", "aws", R, "123456789012"),
    "control root, fips dualstack": (f"s3-control-fips.dualstack.{R}.{S}", "control", "fips dualstack", "aws", R, None),
    "express": (
        f"b--use1-az4--x-s3.s3express-use1-az4.us-east-1.{S}",
        "express", "", "aws", "us-east-1", "b--use1-az4--x-s3",
    ),
    "express fips dualstack, local zone": (
        f"a--b--usw2-lax1-az1--x-s3.s3express-fips-usw2-lax1-az1.dualstack.us-west-2.{S}",
        "express", "fips dualstack", "aws", "us-west-2", "a--b--usw2-lax1-az1--x-s3",
    ),
    "express access point": (
        f"ap--use1-az4--xa-s3.s3express-use1-az4.us-east-1.{S}",
        "express", "", "aws", "us-east-1", "ap--use1-az4--xa-s3",
    ),
    "express control": (f"s3express-control.{R}.{S}", "express", "", "aws", R, None),
    "express control fips dualstack": (
        f"s3express-control-fips.dualstack.{R}.{S}", "express", "fips dualstack", "aws", R, None,
    ),
}  # fmt: skip

# name: (host, class, further classes needed, partition, region, label): names that carry no region
REGIONLESS: dict[str, Row] = {
    "global": (f"b.s3.{S}", "standard", "", "aws", "us-east-1", "b"),
    "global root": (f"s3.{S}", "standard", "", "aws", "us-east-1", None),
    "global, China": (f"b.s3.{S}.cn", "standard", "", "aws-cn", "cn-northwest-1", "b"),
    "external": (f"b.s3-external-1.{S}", "standard", "", "aws", "us-east-1", "b"),
    "accelerate": (f"b.s3-accelerate.{S}", "accelerate", "", "aws", None, "b"),
    "accelerate dualstack": (f"b.s3-accelerate.dualstack.{S}", "accelerate", "dualstack", "aws", None, "b"),
    "accelerate dualstack of aws-global": (
        f"b.s3-accelerate.dualstack.us-east-1.{S}", "accelerate", "dualstack", "aws", None, "b",
    ),
    "multi-region access point": (f"x.mrap.accesspoint.s3-global.{S}", "mrap", "", "aws", None, "x.mrap"),
}  # fmt: skip

INTERFACES: dict[str, Row] = {
    "bucket root": (f"bucket.vpce-1a2b3c-5e6f.s3.{R}.vpce.{S}", "vpce", "", "aws", R, None),
    "bucket": (f"a.b.bucket.vpce-1a2b3c-5e6f.s3.{R}.vpce.{S}", "vpce", "", "aws", R, "a.b"),
    "bucket, zonal": (f"b.bucket.vpce-1a2b3c-5e6f-eu-west-1a.s3.{R}.vpce.{S}", "vpce", "", "aws", R, "b"),
    "access point": (
        f"ap-123456789012.accesspoint.vpce-1a2b3c-5e6f.s3.{R}.vpce.{S}",
        "vpce", "access-point", "aws", R, "ap-123456789012",
    ),
    "control": (
        f"123456789012.control.vpce-1a2b3c-5e6f.s3.{R}.vpce.{S}", "vpce", "control", "aws", R, "123456789012",
    ),
    "China": (
        f"b.bucket.vpce-1a2b3c-5e6f.s3.cn-north-1.vpce.{S}.cn", "vpce", "", "aws-cn", "cn-north-1", "b",
    ),
}  # fmt: skip


def expected(row: Row, *, any_region: bool, vpce: str | None) -> Endpoint:
    host, kind, further, partition, region, label = row
    needs = frozenset(EndpointClass(word) for word in [kind, *further.split()])
    return Endpoint(HostName(host), EndpointClass(kind), needs, partition, region, any_region, label, vpce)


@pytest.mark.parametrize("row", ENDPOINTS.values(), ids=ENDPOINTS)
def test_reads_names_with_a_region(row: Row) -> None:
    assert classify_host(HostName(row[0])) == expected(row, any_region=False, vpce=None)


@pytest.mark.parametrize("row", REGIONLESS.values(), ids=REGIONLESS)
def test_names_without_a_region_take_any_scope(row: Row) -> None:
    assert classify_host(HostName(row[0])) == expected(row, any_region=True, vpce=None)


@pytest.mark.parametrize("row", INTERFACES.values(), ids=INTERFACES)
def test_interface_endpoints_tell_their_id(row: Row) -> None:
    assert classify_host(HostName(row[0])) == expected(row, any_region=False, vpce="vpce-1a2b3c")


@pytest.mark.parametrize("row", READ, ids=[row["name"] for row in READ])
def test_reads_hostile_names(row: dict[str, object]) -> None:
    found = classify_host(parse_authority(str(row["authority"])).name)
    told = {field: value for field, value in row.items() if field not in {"name", "authority"}}
    fields = {field: getattr(found, field) for field in told if field != "reads"}
    assert {"reads": type(found).__name__, **fields} == told


@pytest.mark.parametrize(
    ("host", "service"),
    [
        ("s3tables.eu-west-1.amazonaws.com", "S3 Tables"),
        ("s3tables-fips.eu-west-1.api.aws", "S3 Tables"),
        ("s3vectors.cn-north-1.api.amazonwebservices.com.cn", "S3 Vectors"),
        ("s3files-fips.us-gov-west-1.api.aws", "S3 Files"),
    ],
)
def test_names_the_services_beside_s3(host: str, service: str) -> None:
    found = classify_host(HostName(host))
    assert isinstance(found, OtherService)
    assert found.service == service


def test_every_region_of_every_partition_has_its_names() -> None:
    for partition in PARTITIONS.values():
        for region in partition.regions:
            for host in (f"b.s3.{region}.{partition.dns_suffix}", f"b.s3-{region}.{partition.dns_suffix}"):
                found = classify_host(HostName(host))
                assert isinstance(found, Endpoint)
                assert (found.partition, found.region, found.label) == (partition.id, region, "b")


def test_no_region_fits_the_suffix_of_another_partition() -> None:
    for partition in PARTITIONS.values():
        for suffix in SUFFIXES.values():
            if partition in suffix.partitions:
                continue
            for service in ("s3", "s3-fips", "s3.dualstack", "s3-accesspoint", "s3-control"):
                host = f"b.{service}.{partition.global_region}.{suffix.text}"
                assert not isinstance(classify_host(HostName(host)), Endpoint), host


# Labels from which names that look like S3's can be built in every wrong order.
LABELS = st.sampled_from(
    [
        "b",
        "s3",
        "s3-fips",
        "s3-website",
        "s3-accesspoint",
        "s3-control",
        "s3-outposts",
        "s3-object-lambda",
        "s3-accelerate",
        "s3-global",
        "s3-external-1",
        "s3express-control",
        "s3express-use1-az4",
        "s3-us-west-2",
        "s3-website-us-east-1",
        "s3-foo",
        "s3tables",
        "dualstack",
        "accesspoint",
        "bucket",
        "control",
        "mrap",
        "ec2",
        "vpce",
        "vpce-1a2b-x",
        "ap-123456789012",
        "123456789012",
        "op-1",
        "b--use1-az4--x-s3",
        "us-east-1",
        "us-gov-west-1",
        "cn-north-1",
        "elb",
        "amazonaws",
        "com",
        "cn",
        "api",
        "aws",
    ]
)
NAMES = st.builds(
    lambda labels, suffix: HostName(".".join([*labels, suffix])),
    st.lists(LABELS, max_size=7),
    st.sampled_from([*SUFFIXES]),
)


@given(NAMES)
def test_an_endpoint_is_read_from_every_label(name: HostName) -> None:
    found = classify_host(name)
    assert found == classify_host.__wrapped__(name)
    assert not isinstance(found, Foreign)
    assert found.host == name
    if isinstance(found, Endpoint):
        rest = name if found.label is None else name.removeprefix(f"{found.label}.")
        assert rest != name or found.label is None
        assert found.endpoint_class in found.needs
        assert found.partition in {
            partition.id for suffix in SUFFIXES.values() for partition in suffix.partitions
        }
        assert found.region is None or PARTITIONS[found.partition].region_pattern.fullmatch(found.region)


@given(NAMES, LABELS)
def test_a_label_more_on_the_left_never_changes_service_or_place(name: HostName, label: str) -> None:
    short, long = classify_host(name), classify_host(HostName(f"{label}.{name}"))
    if isinstance(short, Endpoint) and isinstance(long, Endpoint) and short.label is not None:
        assert (short.endpoint_class, short.partition, short.region) == (
            long.endpoint_class,
            long.partition,
            long.region,
        )
        assert long.label == f"{label}.{short.label}"


@given(NAMES)
def test_what_looks_like_s3_and_is_not_read_may_not_be_listed_as_a_host(name: HostName) -> None:
    found = classify_host(name)
    if isinstance(found, AwsName) and any(label.startswith("s3") for label in name.split(".")):
        assert found.s3_family


@given(st.text(st.sampled_from("abs3019.-")) | st.text())
def test_any_text_that_is_a_host_has_a_reading(text: str) -> None:
    try:
        host = parse_authority(text)
    except ReadError:
        return
    assert isinstance(classify_host(host.name), Endpoint | OtherService | AwsName | Foreign)


def test_the_rows_are_told_apart_by_name() -> None:
    names = sorted(row["name"] for row in ROWS)
    assert all(left != right for left, right in pairwise(names))
    assert len(ROWS) > 150
