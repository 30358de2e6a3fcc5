"""Records keep schema version 1, hold nothing secret, and cannot be mistaken for what a client sent."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from s3gate.audit.chain import GENESIS, seal
from s3gate.audit.dead_letter import render_stub
from s3gate.audit.key_form import FULL, KeyForm
from s3gate.audit.notice import Delivery, Head, Late, Pulse, render_backfill, render_heartbeat, render_policy
from s3gate.audit.record import Transfer, Upstream, render_completion, render_decision, render_time, to_line
from s3gate.policy.decision import Decision, Reason
from s3gate.policy.reading import NOTHING_READ, Client, CopySourceReading, Reading, Request

SCHEMA = json.loads((Path(__file__).parents[3] / "config" / "audit.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)
NOW = datetime(2026, 11, 22, 8, 30, 0, 123456, tzinfo=UTC)
DIGEST = "sha256:" + "ab" * 32
TOKEN = "FwoGZXIvYXdzEXAMPLETOKEN"
SIGNATURE = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"

REQUEST = Request(
    "PUT",
    "https",
    None,
    f"/k%20ey?X-Amz-Security-Token={TOKEN}&x-id=PutObject",
    (
        ("Host", "b.s3.amazonaws.com"),
        (
            "Authorization",
            f"AWS4-HMAC-SHA256 Credential=AKIA/20261122/us-east-1/s3/aws4_request, Signature={SIGNATURE}",
        ),
        ("x-amz-security-token", TOKEN),
        ("User-Agent", f"aws-cli/2 {TOKEN}"),
        ("Content-Length", "12"),
    ),
    "b.s3.amazonaws.com:443",
    "b.s3.amazonaws.com",
    Client("10.20.0.5", 50123, "alice", "vpce-0123"),
    NOW,
)
READING = Reading(
    "b.s3.amazonaws.com", "b", "k ey", "virtual", "standard", "us-east-1", "aws", "PutObject",
    CopySourceReading("c", "d", "v"), "AKIAEXAMPLE", "111122223333",
)  # fmt: skip
ALLOW = Decision(Reason.ALLOWED_BY_RULE, "rule `uploads` allows it", READING, rule="uploads", policy=DIGEST)
DENY = Decision(Reason.BUCKET_NOT_LISTED, "bucket `b` is not on the list", READING, policy=DIGEST)
MONITORED = replace(ALLOW, reason=Reason.MONITOR_ONLY, would_deny=Reason.KEY_NOT_ALLOWED)
UNREAD = Decision(Reason.POLICY_UNAVAILABLE, "no policy", Reading())


def rendered(
    decision: Decision, request: Request = REQUEST, upstream: Upstream | None = None, keys: KeyForm = FULL
) -> dict[str, object]:
    return render_decision(
        decision, request, audit_id="A1", decision_id="D1", time=NOW, upstream=upstream, keys=keys
    )


def sealed(record: dict[str, object]) -> dict[str, object]:
    line, _ = seal(to_line(record), "w1", 1, GENESIS, b"k" * 32)
    found = json.loads(line)
    assert isinstance(found, dict)
    return found


def completion(transfer: Transfer) -> dict[str, object]:
    return render_completion(transfer, audit_id="A2", decision_id="D1", time=NOW)


RECORDS = {
    "deny": rendered(DENY),
    "allow": rendered(ALLOW, upstream=Upstream(("52.0.0.1", "52.0.0.2"), 5, reused=False)),
    "monitor": rendered(MONITORED, upstream=Upstream(("52.0.0.1",), None, reused=True)),
    "nothing read": rendered(UNREAD, replace(REQUEST, connect=None, sni=None, headers=(), target="*")),
    "completed": completion(
        Transfer(200, 12, 0, 5000, 4000, "52.0.0.1", 443, 5, reused=False, request_id="R", id_2="I"),
    ),
    "failed": completion(Transfer(None, 0, 0, 5, reason=Reason.UPSTREAM_UNREACHABLE, detail="refused")),
    "policy": render_policy(audit_id="A3", time=NOW, before=None, after=DIGEST, source="policy.yaml"),
    "heartbeat": render_heartbeat(
        Pulse(
            DIGEST,
            [Head("w1", 3, "0" * 64)],
            {"BUCKET_NOT_LISTED": 2},
            delivery=Delivery(2, 0.25, 1, 0, 0, "ThrottlingException"),
        ),
        audit_id="A4",
        time=NOW,
    ),
    "last heartbeat": render_heartbeat(Pulse(None, [], {}, 3, 80, None, last=True), audit_id="A5", time=NOW),
}


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_records_keep_the_schema(record: dict[str, object]) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(sealed(record))] == []


def test_a_backfill_record_keeps_the_schema_unsealed() -> None:
    record = render_backfill(Late("w1", 3, 9, 7, 2, NOW), audit_id="B1", time=NOW)
    assert [error.message for error in VALIDATOR.iter_errors(record)] == []


def test_the_schema_is_one_and_names_every_reason() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$defs"]["reason"]["enum"] == [reason.value for reason in Reason]
    assert [error.message for error in VALIDATOR.iter_errors(json.loads(render_stub("x", "E")))] == []


@pytest.mark.parametrize(
    "change",
    [
        {"decision": "maybe"},
        {"extra": 1},
        {"schema": 2},
        {"event": "other"},
        {"time": "2026-11-22T08:30:00Z"},
    ],
    ids=str,
)
def test_the_schema_refuses_others(change: dict[str, object]) -> None:
    assert not VALIDATOR.is_valid(sealed(RECORDS["deny"]) | change)


def test_a_denial_says_who_what_and_why() -> None:
    record = json.loads(to_line(RECORDS["deny"]))
    assert (record["event"], record["decision"], record["reason"]) == ("egress", "deny", "BUCKET_NOT_LISTED")
    assert record["time"] == "2026-11-22T08:30:00.123456Z"
    assert record["client"] == {
        "address": "10.20.0.5",
        "port": 50123,
        "user": "alice",
        "vpc_endpoint": "vpce-0123",
    }
    assert record["identity"] == {
        "access_key_id": "AKIAEXAMPLE", "account": "111122223333", "signature_version": "v4", "presigned": False,
    }  # fmt: skip
    asked = record["request"]
    assert (asked["bucket"], asked["key"], asked["operation"]) == ("b", "k ey", "PutObject")
    assert asked["copy_source"] == {"bucket": "c", "key": "d", "version_id": "v"}
    assert asked["content_length"] == 12
    assert record["upstream"] is None


def test_no_secret_is_in_any_record() -> None:
    text = json.dumps(RECORDS)
    assert TOKEN not in text
    assert SIGNATURE not in text


@pytest.mark.parametrize(
    ("target", "authorization", "label"),
    [
        ("/", None, (None, False)),
        ("/", "AWS4-HMAC-SHA256 Credential=x", ("v4", False)),
        ("/", "AWS4-ECDSA-P256-SHA256 Credential=x", ("v4a", False)),
        ("/", "AWS AKIA:abc", ("v2", False)),
        ("/", "Basic abc", ("other", False)),
        ("/?X-Amz-Signature=a&X-Amz-Algorithm=AWS4-HMAC-SHA256", None, ("v4", True)),
        ("/?X-Amz-Signature=a&X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256", None, ("v4a", True)),
        ("/?AWSAccessKeyId=a&Signature=b", None, ("v2", True)),
        ("/?prefix=signature", None, (None, False)),
    ],
)
def test_signature_labels(target: str, authorization: str | None, label: tuple[str | None, bool]) -> None:
    headers = (("authorization", authorization),) if authorization is not None else ()
    identity = rendered(DENY, replace(REQUEST, target=target, headers=headers))["identity"]
    assert isinstance(identity, dict)
    assert (identity["signature_version"], identity["presigned"]) == label


@pytest.mark.parametrize(
    ("value", "length"),
    [("12", 12), ("0", 0), ("+1", None), ("1\n", None), ("1, 1", None), ("9" * 20, None), ("٣", None)],
)
def test_content_length_is_a_number_or_nothing(value: str, length: int | None) -> None:
    asked = rendered(DENY, replace(REQUEST, headers=(("content-length", value),)))["request"]
    assert isinstance(asked, dict)
    assert asked["content_length"] == length


LATIN = st.text(st.characters(codec="latin-1"), max_size=4000)
ANY = st.text(st.characters(), max_size=4000)


@given(LATIN, LATIN, ANY, st.lists(st.tuples(LATIN, LATIN), max_size=3))
def test_whatever_a_client_sends_is_a_small_valid_record(
    method: str, target: str, name: str, headers: list[tuple[str, str]]
) -> None:
    """Lone surrogates, controls, forged JSON: one ASCII line, under the schema, below every limit."""
    request = replace(
        REQUEST,
        method=method,
        target=target,
        sni=name,
        connect=name,
        headers=(*headers, ("User-Agent", target)),
    )
    decision = replace(DENY, detail=name, reading=replace(READING, key=name, bucket=name))
    line, _ = seal(to_line(rendered(decision, request)), "w1", 1, GENESIS, b"k" * 32)
    assert line.isascii()
    assert b"\n" not in line
    assert len(line) < 256 * 1024
    record = json.loads(line)
    assert VALIDATOR.is_valid(record)
    assert (record["event"], record["decision"], record["schema"]) == ("egress", "deny", 1)
    json.dumps(record, ensure_ascii=False).encode("utf-8")


@pytest.mark.parametrize(
    "record",
    [{"seq": 1}, {"hash": ""}, {"n": float("nan")}, {"n": float("inf")}],
    ids=["seq", "hash", "nan", "inf"],
)
def test_what_is_no_record_is_refused(record: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"key|range|JSON|nan|inf"):
        to_line(record)


def test_a_record_that_holds_itself_is_refused() -> None:
    record: dict[str, object] = {}
    record["self"] = record
    with pytest.raises(ValueError, match="Circular"):
        to_line(record)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00.000000Z"),
        (datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=9))), "2026-01-01T15:00:00.000000Z"),
    ],
)
def test_times(moment: datetime, text: str) -> None:
    assert render_time(moment) == text


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        render_time(datetime(2026, 1, 1))  # noqa: DTZ001 - the case


GOLDEN = Path(__file__).parents[2] / "golden" / "audit-1.jsonl"
ADDED = {"monitor"}  # events that version 1 was given after it was frozen
FROZEN = "a61284a22437eddb1b39ae2d1b1c2230bad31271999568dd2f6527e615544897"


def golden() -> str:
    """One line for each kind of record, as version 1 renders it for ever."""
    backfill = render_backfill(Late("w1", 3, 9, 7, 2, NOW), audit_id="B1", time=NOW)
    return "".join(json.dumps(record) + "\n" for record in (*map(sealed, RECORDS.values()), backfill))


def shape(schema: object) -> object:
    """A schema without its words."""
    if isinstance(schema, list):
        return [shape(one) for one in schema]
    if isinstance(schema, dict):
        return {
            key: shape(one)
            for key, one in schema.items()
            if not (key == "description" and isinstance(one, str))
        }
    return schema


def test_version_1_is_frozen() -> None:
    """Whoever changes a record or the schema's shape needs version 2: new golden files beside these."""
    assert golden() == GOLDEN.read_text(encoding="ascii")
    frozen = {
        **SCHEMA,
        "oneOf": [one for one in SCHEMA["oneOf"] if one["$ref"].rpartition("/")[2] not in ADDED],
        "$defs": {name: one for name, one in SCHEMA["$defs"].items() if name not in ADDED} | {"reason": None},
    }  # a new reason is a new word, not a new shape; a new event is none that an old reader knew
    assert sha256(json.dumps(shape(frozen), sort_keys=True).encode()).hexdigest() == FROZEN


KEYED = replace(
    READING, key="patients/miller.pdf", copy_source=CopySourceReading("source", "patients/old.pdf", None)
)
QUOTED = Decision(Reason.KEY_NOT_ALLOWED, 'key "patients/miller.pdf" is outside', KEYED)


@pytest.mark.parametrize("form", ["full", "hash", "omit"])
def test_keys_are_recorded_as_the_setting_says(form: str) -> None:
    request = replace(REQUEST, target="/patients/miller.pdf?prefix=patients/&partNumber=3")
    record = rendered(QUOTED, request, keys=KeyForm(form, b"salt" * 8))
    text = to_line(record).decode()
    fields = record["request"]
    assert isinstance(fields, dict)
    assert fields["key_form"] == form
    assert ("patients" in text) == ("miller" in text) == (form == "full")
    assert "partNumber=3" in str(fields["target"])
    if form == "hash":
        assert str(fields["key"]).startswith("hmac-sha256:")
        assert fields["key"] != fields["copy_source"]["key"]
    if form == "omit":
        assert (fields["key"], fields["copy_source"]["key"]) == (None, None)
    assert [error.message for error in VALIDATOR.iter_errors(sealed(record))] == []


def test_a_claimed_user_is_recorded_where_nothing_was_proven() -> None:
    for unproven, told in (("alice", "alice"), ("", None)):
        client = replace(REQUEST.client, user=None, unproven=unproven)
        denied = Decision(Reason.PROXY_AUTH_REQUIRED, "why", NOTHING_READ)
        record = rendered(denied, replace(REQUEST, client=client))
        assert cast("dict[str, object]", record["client"])["user"] == told
