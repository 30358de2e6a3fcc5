"""What is read of an event, and what of a hostile one."""

from datetime import UTC, datetime

import pytest

from s3gate.aws.trail.event import NAMES_MAX, TEXT_CHARS, clean, parse_event, parse_time
from trail_events import BUCKET, ENDPOINT, event

WHEN = datetime(2026, 11, 22, 8, 30, 5, tzinfo=UTC)


def test_a_data_event() -> None:
    found = parse_event(event())
    assert found is not None
    assert (found.event_id, found.request_id, found.time, found.name) == ("e-1", "R1", WHEN, "PutObject")
    assert (found.region, found.category, found.address, found.endpoint) == (
        "eu-west-1",
        "Data",
        "10.20.1.7",
        ENDPOINT,
    )
    assert (found.error, found.service, found.buckets) == (None, False, frozenset({BUCKET}))
    assert found.who == "arn:aws:sts::111122223333:assumed-role/batch/i-1"


def test_a_network_activity_event_of_a_foreign_caller() -> None:
    refused = event(
        eventType="AwsVpceEvent", eventCategory="NetworkActivity", errorCode="VpceAccessDenied",
        userIdentity={"type": "AWSAccount", "accountId": "999988887777"}, requestParameters=None, resources=...,
    )  # fmt: skip
    found = parse_event(refused)
    assert found is not None
    assert (found.category, found.error, found.who) == ("NetworkActivity", "VpceAccessDenied", "999988887777")
    assert found.buckets == frozenset()


@pytest.mark.parametrize(
    ("changes", "buckets"),
    [
        pytest.param({"requestParameters": {"bucketName": "b"}, "resources": ...}, {"b"}, id="the parameter"),
        pytest.param(
            {"requestParameters": {"Host": ["a.b.s3.amazonaws.com"]}, "resources": ...},
            {"a.b"},
            id="old host",
        ),
        pytest.param(
            {"requestParameters": {"host": "s3.amazonaws.com"}, "resources": ...}, set(), id="path-style host"
        ),
        pytest.param(
            {"requestParameters": {"Host": "x.s3.y.s3.eu-west-1.amazonaws.com"}, "resources": ...},
            {"x", "x.s3.y"},
            id="a name with .s3 in it",
        ),
        pytest.param(
            {"requestParameters": {"bucketName": "t", "x-amz-copy-source": "/s%2Dx/k"}, "resources": ...},
            {"t", "s-x"},
            id="a copy",
        ),
        pytest.param(
            {"requestParameters": ..., "resources": [{"ARN": "arn:aws:s3:::r/k"}]}, {"r"}, id="a resource"
        ),
        pytest.param({"requestParameters": "text", "resources": "text"}, set(), id="other types"),
        pytest.param(
            {"requestParameters": {"bucketName": 7}, "resources": [7, {"ARN": 7}]}, set(), id="other values"
        ),
    ],
)
def test_every_bucket_that_it_names(changes: dict[str, object], buckets: set[str]) -> None:
    found = parse_event(event(**changes))
    assert found is not None
    assert found.buckets == buckets


@pytest.mark.parametrize(
    ("address", "service"),
    [
        ("cloudtrail.amazonaws.com", True),
        ("AWS Internal", True),
        ("10.0.0.1", False),
        ("", False),
        ("amazonaws.com.x", False),
    ],
)
def test_services(address: str, service: bool) -> None:
    found = parse_event(event(sourceIPAddress=address))
    assert found is not None
    assert found.service is service


@pytest.mark.parametrize("raw", [None, [], "x", {}, {"eventSource": "ec2.amazonaws.com"}, {"eventSource": 7}])
def test_what_is_no_event_of_s3(raw: object) -> None:
    assert parse_event(raw) is None


def test_a_hostile_event_is_bounded() -> None:
    many = [{"ARN": f"arn:aws:s3:::b{one}/k"} for one in range(5000)]
    found = parse_event(event(requestID="\ud800" + "x" * 9999, resources=many, eventTime="now", awsRegion={}))
    assert found is not None
    assert len(found.request_id) == TEXT_CHARS
    assert found.request_id.encode().startswith(b"?x")
    assert len(found.buckets) <= NAMES_MAX
    assert (found.time, found.region) == (None, "")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        pytest.param("2026-11-22T08:30:05Z", WHEN, id="log file"),
        pytest.param("2026-11-22 08:30:05.000", WHEN, id="Lake"),
        pytest.param("2026-11-22T09:30:05+01:00", WHEN, id="another zone"),
        pytest.param("", None, id="none"),
        pytest.param("1763800205", None, id="a number"),
    ],
)
def test_times(text: str, moment: datetime | None) -> None:
    assert parse_time(text) == moment


def test_clean_text_stays() -> None:
    assert clean("bücket") == "bücket"
