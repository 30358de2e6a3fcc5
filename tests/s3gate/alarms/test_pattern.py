"""Patterns against events: the examples of the CloudWatch Logs user guide, and what it says in words."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gate.alarms.pattern_reader import parse_pattern

FIRST = {
    "eventType": "UpdateTrail",
    "sourceIPAddress": "111.111.111.111",
    "arrayKey": ["value", "another value"],
    "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
    "SomeObject": None,
    "cluster.name": "c",
}
SECOND = {
    "user": {"id": 1, "email": "John.Stiles@example.com"},
    "users": [
        {"id": 2, "email": "John.Doe@example.com"},
        {"id": 3, "email": "Jane.Doe@example.com"},
    ],
    "actions": ["GET", "PUT", "DELETE"],
    "coordinates": [[0, 1, 2], [4, 5, 6], [7, 8, 9]],
}
OURS = {
    "bandwidth": 76,
    "latency": 49.5,
    "number": [0.001, 1000],
    "text": "75",
    "yes": True,
    "no": False,
    "nothing": None,
    "object": {"a": 1},
    "array": [1],
    "lines": "one\ntwo",
}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ('{ $.eventType = "UpdateTrail" }', True),
        ("{ $.sourceIPAddress != 123.123.* }", True),
        ('{ $.arrayKey[0] = "value" }', True),
        ("{ $.eventType = %Trail% }", True),
        ("{ $.arrayKey[*] = %val.{2}% }", True),
        (r"{ $.* = %111\.111\.111\.1[0-9]{1,2}% }", True),
        ("{ $.['cluster.name'] = \"c\" }", True),
        ("{ $.objectList[1].id = 2 }", True),
        ("{ $.SomeObject IS NULL }", True),
        ("{ $.SomeOtherObject NOT EXISTS }", True),
    ],
)
def test_guide_single_conditions(pattern: str, expected: bool) -> None:
    assert parse_pattern(pattern).matches(json.dumps(FIRST)) is expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ('{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }', True),
        (
            (
                '{ $.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = "nonmatch"'
                ' && $.actions[2] = "nonmatch" }'
            ),
            True,
        ),
        (
            (
                '{ ($.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = "nonmatch")'
                ' && $.actions[2] = "nonmatch" }'
            ),
            False,
        ),
        ('{ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" }', False),
    ],
)
def test_guide_compound_conditions(pattern: str, expected: bool) -> None:
    assert parse_pattern(pattern).matches(json.dumps(SECOND)) is expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        pytest.param("{ $.bandwidth > 75 }", True, id="greater"),
        pytest.param("{ $.bandwidth > 76 }", False, id="not greater"),
        pytest.param("{ $.latency < 50 }", True, id="less"),
        pytest.param("{ $.bandwidth >= 76 }", True, id="at least"),
        pytest.param("{ $.bandwidth <= 75 }", False, id="not at most"),
        pytest.param("{ $.number[0] = 1e-3 }", True, id="scientific notation"),
        pytest.param("{ $.number[1] != 1e+3 }", False, id="scientific notation with plus"),
        pytest.param("{ $.bandwidth = 7* }", False, id="a wildcard text is no number"),
        pytest.param("{ $.bandwidth != 7* }", True, id="and so differs from one"),
        pytest.param('{ $.bandwidth = "76" }', False, id="quoted is text"),
        pytest.param("{ $.text = 75 }", True, id="bare number equals the same text"),
        pytest.param("{ $.text > 74 }", False, id="text has no order"),
        pytest.param("{ $.yes IS TRUE }", True, id="true"),
        pytest.param("{ $.yes = 1 }", False, id="true is not 1"),
        pytest.param("{ $.no IS FALSE }", True, id="false"),
        pytest.param("{ $.no IS NULL }", False, id="false is not null"),
        pytest.param("{ $.nothing NOT EXISTS }", False, id="null exists"),
        pytest.param('{ $.nothing != "x" }', False, id="null compares with nothing"),
        pytest.param('{ $.missing != "x" }', False, id="what is missing compares with nothing"),
        pytest.param('{ $.object != "x" }', False, id="an object compares with nothing"),
        pytest.param("{ $.array = 1 }", False, id="an array compares with nothing"),
        pytest.param("{ $.array[1] NOT EXISTS }", True, id="index past the end"),
        pytest.param("{ $.object[0] NOT EXISTS }", True, id="an index into an object"),
        pytest.param("{ $.array.a NOT EXISTS }", True, id="a name in an array"),
        pytest.param('{ $.lines = "one*two" }', True, id="a wildcard passes line ends"),
        pytest.param('{ $.lines = "one" }', False, id="the whole value counts"),
        pytest.param('{ $.text = "*" }', True, id="any text"),
        pytest.param("{ $.object.* = 1 }", True, id="any property"),
        pytest.param('{$.text="75"&&$.yes IS TRUE}', True, id="no spaces"),
    ],
)
def test_conditions(pattern: str, expected: bool) -> None:
    assert parse_pattern(pattern).matches(json.dumps(OURS)) is expected


@pytest.mark.parametrize(
    "message", ["", "deny", "[]", '"deny"', "{", '{"decision": "deny"} x', "[" * 100_000]
)
def test_a_message_that_is_not_one_object_matches_nothing(message: str) -> None:
    assert not parse_pattern("{ $.decision NOT EXISTS }").matches(message)


@given(st.text())
def test_any_text_value_equals_itself_only(text: str) -> None:
    pattern = parse_pattern('{ $.decision = "deny" }')
    assert pattern.matches(json.dumps({"decision": text})) is (text == "deny")
    assert not pattern.matches(json.dumps({"request": {"decision": "deny", "text": text}}))
