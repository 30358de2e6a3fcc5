"""The one data file of filters and alarms."""

import json
from datetime import UTC, datetime

import pytest

from s3gate.alarms.definition import MissingData, load_definition
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


@pytest.mark.parametrize("reason", Reason)
def test_the_filters_count_what_they_say(reason: Reason) -> None:
    counted = {
        filter_.metric for filter_ in load_definition().filters if filter_.parsed.matches(message(reason))
    }
    expected = set() if reason in ALLOWING else {"Denials"}
    assert counted == ({"Monitored"} if reason is Reason.MONITOR_ONLY else expected)


@pytest.mark.parametrize("target", ["/?decision=deny&event=egress", '/","decision":"deny","event":"egress'])
def test_nothing_that_a_client_sends_is_counted(target: str) -> None:
    text = message(Reason.ALLOWED_BY_RULE, target)
    assert not any(filter_.parsed.matches(text) for filter_ in load_definition().filters)


def test_denials_alarm_on_one_in_five_minutes_and_silence_is_fine() -> None:
    (alarm,) = (alarm for alarm in load_definition().alarms if alarm.name == "s3gate-denials")
    assert (alarm.datapoints_to_alarm, alarm.evaluation_periods, alarm.period_s) == (1, 5, 60)
    assert (alarm.threshold, alarm.missing_data) == (0, MissingData.NOT_BREACHING)
