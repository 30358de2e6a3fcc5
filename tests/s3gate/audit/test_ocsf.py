"""The mapping keeps every fact of a decision, and only decisions are HTTP activity."""

import json
from pathlib import Path

import pytest

from s3gate.audit.ocsf import render_ocsf

GOLDEN = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "golden" / "audit-1.jsonl").read_text().splitlines()
]
DENIED = next(record for record in GOLDEN if record.get("decision") == "deny")
ALLOWED = next(record for record in GOLDEN if record.get("reason") == "ALLOWED_BY_RULE")
# http_activity 1.3.0: attributes of requirement "required", and those of its objects.
REQUIRED = ("activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid")


@pytest.mark.parametrize("record", [one for one in GOLDEN if one["event"] == "egress"])
def test_what_the_class_requires_is_there(record: dict[str, object]) -> None:
    event = render_ocsf(record)
    assert event is not None
    assert [name for name in REQUIRED if name not in event] == []
    assert event["type_uid"] == 400200 + int(str(event["activity_id"]))
    assert "null" not in json.dumps(event)


def test_a_refusal() -> None:
    event = render_ocsf(DENIED)
    assert event is not None
    facts = ("status_code", "action_id", "disposition_id", "severity_id", "status_id", "time")
    assert [event[name] for name in facts] == ["BUCKET_NOT_LISTED", 2, 2, 3, 2, 1_795_336_200_123]
    text = json.dumps(event)
    for fact in (
        "10.20.0.5",
        "alice",
        "AKIAEXAMPLE",
        "111122223333",
        "PutObject",
        "b.s3.amazonaws.com",
        "A1",
        "D1",
    ):
        assert fact in text
    severe = render_ocsf(DENIED, severe=True)
    assert severe is not None
    assert severe["severity_id"] == 4


def test_an_allowed_request_names_its_rule() -> None:
    event = render_ocsf(ALLOWED)
    assert event is not None
    assert (event["action_id"], event["severity_id"]) == (1, 1)
    assert event["firewall_rule"] == {"uid": "uploads", "version": ALLOWED["policy"]}


def test_an_unusual_method_is_other() -> None:
    event = render_ocsf(DENIED | {"request": DENIED["request"] | {"method": "BREW"}})
    assert event is not None
    assert (event["activity_id"], event["activity_name"]) == (99, "BREW")


@pytest.mark.parametrize("kind", ["completion", "heartbeat", "policy", "audit_backfill"])
def test_notices_are_no_http_activity(kind: str) -> None:
    assert render_ocsf({"event": kind}) is None


@pytest.mark.parametrize("time", [None, "", "yesterday", "9999-99-99T00:00:00Z", 7, {}])
def test_a_line_that_anybody_wrote_is_shown_without_its_time(time: object) -> None:
    event = render_ocsf({"event": "egress", "decision": "deny", "time": time})
    assert event is not None
    assert "time" not in event
