"""Rows of CloudTrail Lake, with and without the whole event."""

import json

import pytest

from s3gate.aws.trail.event import parse_event
from s3gate.aws.trail.lake import has_columns, join_row, parse_quoted, parse_row
from trail_events import BUCKET, ENDPOINT, event

ROW = {
    "eventid": "e-1",
    "requestid": "R1",
    "eventtime": "2026-11-22 08:30:05.000",
    "eventname": "PutObject",
    "eventsource": "s3.amazonaws.com",
    "awsregion": "eu-west-1",
    "eventcategory": "Data",
    "sourceipaddress": "10.20.1.7",
    "vpcendpointid": ENDPOINT,
    "requestparameters": f"{{bucketName={BUCKET}, Host=x.s3.amazonaws.com, key=a}}",
    "useridentity": "{type=AssumedRole, arn=arn:aws:sts::111122223333:assumed-role/batch/i-1, accountid=1}",
}


def test_the_columns_tell_what_the_event_tells() -> None:
    assert parse_event(parse_row(ROW)) == parse_event(event())


def test_the_whole_event_is_taken_where_it_is() -> None:
    assert parse_row({"eventJson": json.dumps(event()), "eventname": "Other"}) == event()


def test_a_row_is_a_list_of_columns() -> None:
    assert join_row([{"a": 1}, {"b": 2}, "x"]) == {"a": 1, "b": 2}
    assert join_row("x") == {}


@pytest.mark.parametrize(
    "row", [{}, {"eventname": "x"}, {"eventjson": "no JSON"}, {"eventjson": "[" * 99_999}]
)
def test_what_tells_no_event(row: dict[str, object]) -> None:
    assert parse_row(row) is None


def test_an_empty_column_is_none() -> None:
    found = parse_event(parse_row(ROW | {"vpcendpointid": "", "requestparameters": None}))
    assert found is not None
    assert (found.endpoint, found.buckets) == (None, frozenset())


def test_columns() -> None:
    assert has_columns(["x", "eventjson"])
    assert has_columns(["eventsource", "eventname", "eventtime"])
    assert not has_columns(["eventsource"])


@pytest.mark.parametrize("text", [None, 7, "", "{"])
def test_what_is_not_quoted_json(text: object) -> None:
    assert parse_quoted(text) is None
