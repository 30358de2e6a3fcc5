"""A case keeps what was read, in the order of the steps, and invents nothing."""

from datetime import UTC, datetime

import pytest

from s3gate.policy.case import Case
from s3gate.policy.document import parse_policy
from s3gate.policy.reading import NOTHING_READ, Client, Request
from s3gate.s3.refusal import MalformedRequest, UnknownOperation

HOST = "bucket-a.s3.eu-west-1.amazonaws.com"
POLICY = parse_policy(
    b"version: 1\nendpoints: {partitions: [aws], regions: [eu-west-1], classes: [standard]}\nrules:\n"
    b"  - {id: second, bucket: bucket-a, allow: [read]}\n"
    b"  - {id: first, fqdn: bucket-a.s3.eu-west-1.amazonaws.com, allow: [write]}\n"
)


def case(method: str = "GET", target: str = "/k", scheme: str = "https") -> Case:
    request = Request(
        method,
        scheme,
        None,
        target,
        (("Host", HOST),),
        f"{HOST}:443",
        HOST,
        Client("10.0.0.1"),
        datetime(2026, 11, 22, tzinfo=UTC),
    )
    return Case(POLICY, request)


def test_a_fresh_case_has_read_nothing() -> None:
    assert case().reading() == NOTHING_READ


def test_the_connect_alone_tells_where_but_not_what() -> None:
    started = case()
    started.read_connect(f"{HOST}:443")
    reading = started.reading()
    assert (reading.host, reading.region, reading.endpoint_class) == (HOST, "eu-west-1", "standard")
    assert (reading.bucket, reading.operation) == (None, None)


def test_reading_on_fills_in_what_is_legible() -> None:
    started = case("PUT", "/a/b")
    started.read_connect(f"{HOST}:443")
    started.read_head()
    started.read_on()
    assert (started.reading().bucket, started.reading().operation) == ("bucket-a", "PutObject")


def test_reading_on_leaves_what_is_not_legible() -> None:
    started = case("GET", "/%zz")
    started.read_head()
    started.read_on()
    assert started.reading().key is None


def test_an_unknown_operation_waits_for_its_step() -> None:
    started = case("PATCH")
    started.read_head()
    assert started.read_target(started.named).bucket == "bucket-a"  # type: ignore[arg-type]  # HOST is S3's
    with pytest.raises(UnknownOperation):
        started.read_operation()


def test_another_scheme_is_refused() -> None:
    with pytest.raises(MalformedRequest, match="scheme"):
        case(scheme="ftp").read_head()


def test_rules_by_bucket_and_by_name_come_in_file_order() -> None:
    started = case()
    started.read_head()
    address = started.read_target(started.named)  # type: ignore[arg-type]  # HOST is S3's
    rules = started.rules_for(address)
    assert [rule.id for rule in rules] == ["second", "first"]


@pytest.mark.parametrize(
    ("method", "target", "probes"),
    [("HEAD", "/", True), ("HEAD", "/k", False), ("HEAD", "/?x", False), ("GET", "/", False)],
)
def test_a_probe_is_a_head_of_the_root_without_a_query(method: str, target: str, probes: bool) -> None:
    started = case(method, target)
    started.read_head()
    assert started.probes_bucket is probes
