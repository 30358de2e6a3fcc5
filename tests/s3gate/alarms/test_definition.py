"""The one data file of filters and alarms."""

import json
from datetime import UTC, datetime

import pytest

from s3gate.alarms.definition import MissingData, load_definition
from s3gate.alarms.evaluation import State, evaluate
from s3gate.alarms.pattern_reader import parse_value
from s3gate.audit.dead_letter import render_stub
from s3gate.audit.notice import Delivery, Late, Pulse, render_backfill, render_heartbeat, render_policy
from s3gate.audit.record import render_decision
from s3gate.policy.decision import ALLOWING, Decision, Reason
from s3gate.policy.reading import NOTHING_READ, Client, Request

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def message(reason: Reason, target: str = "/") -> str:
    """A record as the audit writes it."""
    request = Request("GET", "https", None, target, (), None, None, Client("10.0.0.1"), NOW)
    decision = Decision(reason, "why", NOTHING_READ)
    return json.dumps(render_decision(decision, request, audit_id="a", decision_id="d", time=NOW))


def test_every_alarm_watches_the_metric_of_exactly_one_filter() -> None:
    definition = load_definition()
    metrics = [filter_.metric for filter_ in definition.filters]
    assert len(set(metrics)) == len(metrics)
    assert {alarm.metric for alarm in definition.alarms} == set(metrics)


def test_names_are_unique() -> None:
    definition = load_definition()
    for items in (definition.filters, definition.alarms):
        assert len({item.name for item in items}) == len(items)


EVASION = {
    Reason.MALFORMED_REQUEST, Reason.MALFORMED_HOST, Reason.AMBIGUOUS_TARGET, Reason.IP_LITERAL,
    Reason.SNI_MISSING, Reason.SNI_MISMATCH, Reason.HOST_MISMATCH, Reason.PROTOCOL_UPGRADE,
    Reason.COPY_SOURCE_NOT_LISTED, Reason.ACCOUNT_NOT_ALLOWED, Reason.CREDENTIAL_SCOPE_MISMATCH,
    Reason.ENCRYPTION_NOT_ALLOWED, Reason.BUCKET_OWNER_NOT_PROVEN, Reason.PROXY_HEADER_INVALID,
    Reason.UPSTREAM_ADDRESS_NOT_ALLOWED, Reason.UPSTREAM_TLS_FAILURE,
}  # fmt: skip


def expected(reason: Reason) -> set[str]:
    if reason in ALLOWING:
        return {"Monitored"} if reason is Reason.MONITOR_ONLY else set()
    more = {"Evasion"} if reason in EVASION else set()
    return {"Denials"} | more | ({"AuditUnavailable"} if reason is Reason.AUDIT_UNAVAILABLE else set())


def counted(text: str) -> set[str]:
    return {item.metric for item in load_definition().filters if item.parsed.matches(text)}


@pytest.mark.parametrize("reason", Reason)
def test_the_filters_count_what_they_say(reason: Reason) -> None:
    assert counted(message(reason)) == expected(reason)


STANDING = Delivery(3, 150.5, 0, 0, 0, "ThrottlingException")
NOTICES: dict[str, tuple[dict[str, object], dict[str, float]]] = {
    "heartbeat": (
        render_heartbeat(Pulse("sha256:1", [], {}, used_percent=12), audit_id="a", time=NOW),
        {"Heartbeats": 1, "JournalUsed": 12},
    ),
    "heartbeat that lags": (
        render_heartbeat(Pulse("sha256:1", [], {}, delivery=STANDING), audit_id="a", time=NOW),
        {"Heartbeats": 1, "JournalUsed": 0, "ShippingLag": 150.5},
    ),
    "heartbeat after records were refused": (
        render_heartbeat(Pulse("sha256:1", [], {}, unavailable=2), audit_id="a", time=NOW),
        {"Heartbeats": 1, "JournalUsed": 0, "AuditUnavailable": 1},
    ),
    "backfill": (
        render_backfill(Late("w", 1, 9, 9, 4, NOW), audit_id="a", time=NOW),
        {"LateDenials": 4},
    ),
    "dead letter": (json.loads(render_stub("x", "InvalidParameterException")), {"DeadLetters": 1}),
    "policy at the start": (
        render_policy(audit_id="a", time=NOW, before=None, after="sha256:2", source="s"),
        {},
    ),
    "policy replaced": (
        render_policy(audit_id="a", time=NOW, before="sha256:1", after="sha256:2", source="s"),
        {"PolicyChanges": 1},
    ),
}


@pytest.mark.parametrize(("record", "values"), NOTICES.values(), ids=NOTICES)
def test_notices_are_counted_with_their_values(record: dict[str, object], values: dict[str, float]) -> None:
    text = json.dumps(record)
    assert counted(text) == set(values)
    for item in load_definition().filters:
        if item.metric in values:
            assert parse_value(item.value).of(text) == values[item.metric]


def test_silence_alarms_after_three_minutes_and_a_beat_calms() -> None:
    (alarm,) = (alarm for alarm in load_definition().alarms if alarm.name == "s3gate-heartbeat")
    assert evaluate(alarm, [None] * 5) is State.ALARM
    assert evaluate(alarm, [1, 1, 1, None, None]) is State.OK
    assert evaluate(alarm, [1, None, None, 1, 1]) is State.OK


def test_a_lag_of_two_minutes_alarms_and_a_full_journal() -> None:
    by_name = {alarm.name: alarm for alarm in load_definition().alarms}
    assert evaluate(by_name["s3gate-shipping-lag"], [None, 3, 121, 4, None]) is State.ALARM
    assert evaluate(by_name["s3gate-shipping-lag"], [None, 3, 120, 4, None]) is State.OK
    assert evaluate(by_name["s3gate-journal-filling"], [70, 71]) is State.ALARM
    assert evaluate(by_name["s3gate-journal-filling"], [69, 70]) is State.OK


@pytest.mark.parametrize("target", ["/?decision=deny&event=egress", '/","decision":"deny","event":"egress'])
def test_nothing_that_a_client_sends_is_counted(target: str) -> None:
    text = message(Reason.ALLOWED_BY_RULE, target)
    assert not any(filter_.parsed.matches(text) for filter_ in load_definition().filters)


def test_denials_alarm_on_one_in_five_minutes_and_silence_is_fine() -> None:
    (alarm,) = (alarm for alarm in load_definition().alarms if alarm.name == "s3gate-denials")
    assert (alarm.datapoints_to_alarm, alarm.evaluation_periods, alarm.period_s) == (1, 5, 60)
    assert (alarm.threshold, alarm.missing_data) == (0, MissingData.NOT_BREACHING)
