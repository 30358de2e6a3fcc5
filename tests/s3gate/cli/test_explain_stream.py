"""A stream of lines: each answered, in order, flushed; nothing a line holds ends it."""

import io
import json
from datetime import UTC, datetime
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gate.cli import explain_stream as module
from s3gate.cli.explain_stream import explain_stream
from s3gate.policy.document import parse_policy

POLICY = parse_policy(
    b"""\
version: 1
endpoints: {partitions: [aws], regions: [eu-west-1], classes: [standard]}
rules: [{id: r, bucket: bkt, allow: [read]}]
unsigned: allow
"""
)
GOOD = b'{"id":"g","method":"GET","url":"https://bkt.s3.eu-west-1.amazonaws.com/k"}'
NOT_JSON = {"id": None, "decision": "deny", "reason": "MALFORMED_REQUEST"}


def run(data: bytes) -> tuple[bool, list[dict[str, object]]]:
    sink = io.BytesIO()
    fine = explain_stream(POLICY, io.BytesIO(data), sink, lambda: datetime(2026, 7, 1, tzinfo=UTC))
    lines = sink.getvalue().split(b"\n")
    assert lines.pop() == b""
    return fine, [json.loads(line) for line in lines]


def test_lines_are_answered_in_order() -> None:
    fine, answers = run(GOOD + b"\n" + GOOD.replace(b"bkt", b"evil").replace(b'"g"', b"2") + b"\n" + GOOD)
    assert fine
    assert [(one["id"], one["decision"], one["reason"]) for one in answers] == [
        ("g", "allow", "ALLOWED_BY_RULE"),
        (2, "deny", "BUCKET_NOT_LISTED"),
        ("g", "allow", "ALLOWED_BY_RULE"),
    ]
    assert answers[1]["bucket"] == "evil"


def test_an_answer_is_compact_json_with_its_keys_in_order() -> None:
    sink = io.BytesIO()
    explain_stream(POLICY, io.BytesIO(GOOD), sink, lambda: datetime(2026, 7, 1, tzinfo=UTC))
    assert sink.getvalue() == (
        b'{"id":"g","decision":"allow","reason":"ALLOWED_BY_RULE","rule":"r","bucket":"bkt","key":"k",'
        b'"style":"virtual","endpoint_class":"standard","region":"eu-west-1","partition":"aws",'
        b'"operation":"GetObject","copy_source":null,"access_key_id":null,"account":null}\n'
    )


ROWS = [
    ("words", b"nope"),
    ("empty", b""),
    ("half an object", b'{"id":1'),
    ("not utf-8", b'{"id":"\xff"}'),
    ("nan", b'{"id":NaN,"method":"GET"}'),
    ("infinity", b'{"id":-Infinity}'),
    ("deep", b"[" * 100_000),
    ("deep object", b'{"a":' * 100_000),
    ("huge number", b'{"id":' + b"9" * 10_000 + b"}"),
    ("nul", b"\x00"),
]


@pytest.mark.parametrize("line", [row[1] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_line_that_is_no_json_is_denied_and_told_at_the_end(line: bytes) -> None:
    fine, answers = run(GOOD + b"\n" + line + b"\n" + GOOD + b"\n")
    assert not fine
    assert [one["decision"] for one in answers] == ["allow", "deny", "allow"]
    assert answers[1] == NOT_JSON


MALFORMED = [
    ("list", b"[1]", None),
    ("text", b'"x"', None),
    ("null", b"null", None),
    ("number", b"1", None),
    ("fields missing", b'{"id":5}', 5),
    (
        "key twice",
        b'{"id":5,"method":"GET","method":"PUT","url":"https://bkt.s3.eu-west-1.amazonaws.com/k"}',
        5,
    ),
    ("id twice", b'{"id":5,"id":6,"method":"GET","url":"https://bkt.s3.eu-west-1.amazonaws.com/k"}', None),
    ("header twice", GOOD[:-1] + b',"headers":{"Host":"a","Host":"b"}}', "g"),
    ("surrogate", GOOD[:-1] + b',"sni":"\\ud800"}', "g"),
    ("surrogate as id", b'{"id":"\\ud800"}', "\ud800"),
]


@pytest.mark.parametrize(
    ("line", "line_id"), [row[1:] for row in MALFORMED], ids=[row[0] for row in MALFORMED]
)
def test_json_that_describes_no_request_is_denied(line: bytes, line_id: object) -> None:
    fine, answers = run(line + b"\n")
    assert fine
    assert (answers[0]["id"], answers[0]["reason"]) == (line_id, "MALFORMED_REQUEST")
    assert len(answers[0]) == 14


def test_a_line_beyond_the_limit_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LINE_BYTES", 200)
    fine, answers = run(b'{"id":"' + b"x" * 1000 + b'"}\n' + GOOD + b"\n" + b"y" * 1000)
    assert not fine
    assert [one["decision"] for one in answers] == ["deny", "allow", "deny"]


class Flushes(io.BytesIO):
    """Remembers what was visible at each flush."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []

    def flush(self) -> None:
        self.seen.append(self.getvalue().count(b"\n"))


def test_each_answer_is_flushed() -> None:
    sink = Flushes()
    source: BinaryIO = io.BytesIO((GOOD + b"\n") * 3)
    explain_stream(POLICY, source, sink, lambda: datetime(2026, 7, 1, tzinfo=UTC))
    assert sink.seen[:3] == [1, 2, 3]


def test_what_nobody_thought_of_is_denied() -> None:
    def broken() -> datetime:
        raise ZeroDivisionError

    sink = io.BytesIO()
    assert explain_stream(POLICY, io.BytesIO(GOOD), sink, broken)
    assert json.loads(sink.getvalue())["reason"] == "INTERNAL_ERROR"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(["id", "method", "url", "headers", "connect", "sni", "client", "now", "user"])


@given(st.dictionaries(FIELDS, JSON | st.sampled_from(["GET", "https://bkt.s3.eu-west-1.amazonaws.com/k"])))
def test_whatever_object_arrives_there_is_one_answer(fields: dict[str, object]) -> None:
    _, answers = run(json.dumps(fields).encode() + b"\n")
    assert len(answers) == 1
    assert answers[0]["reason"] != "INTERNAL_ERROR"


@given(st.binary(max_size=100))
def test_whatever_bytes_arrive_there_is_an_answer_a_line(data: bytes) -> None:
    _, answers = run(data)
    assert len(answers) == data.count(b"\n") + (not data.endswith(b"\n") and data != b"")
    assert all(one["decision"] == "deny" for one in answers)
