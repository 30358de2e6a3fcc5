"""From an event to the message on the emulator, and every break in between."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest

from s3gate.alarms.definition import Definition, MetricFilter, load_definition
from s3gate.demo.alarm_chain import ACCESS_KEY_ID, SECRET_ACCESS_KEY, AlarmChain
from s3gate.demo.emulator import Emulator

ALARM = "s3gate-denials"
ALLOWED: dict[str, object] = {
    "event": "egress",
    "decision": "allow",
    "reason": "ALLOWED_BY_RULE",
    "request": {"decision": "deny"},
}
DENIED: dict[str, object] = {"event": "egress", "decision": "deny", "reason": "BUCKET_NOT_LISTED"}


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("emulator")) as running:
        yield running


def put(emulator: Emulator, region: str, definition: Definition, records: list[dict[str, object]]) -> None:
    session = boto3.session.Session(ACCESS_KEY_ID, SECRET_ACCESS_KEY, region_name=region)
    logs = session.client("logs", endpoint_url=emulator.url)
    logs.create_log_stream(logGroupName=definition.log_group, logStreamName="gate")
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": json.dumps(record)} for record in records]
    logs.put_log_events(logGroupName=definition.log_group, logStreamName="gate", logEvents=events)


def test_a_denial_turns_the_alarm_on_and_the_subscriber_hears_of_it(emulator: Emulator) -> None:
    definition = load_definition()
    chain = AlarmChain(emulator.url, "eu-west-1", definition)
    chain.deploy()
    assert chain.state(ALARM) == "OK"
    put(emulator, "eu-west-1", definition, [ALLOWED, DENIED, ALLOWED, DENIED])
    counts = {count.metric: len(count.matching) for count in chain.publish()}
    assert {metric: count for metric, count in counts.items() if count} == {"Denials": 2}
    assert chain.state(ALARM) == "ALARM"
    assert chain.state("s3gate-monitored") == "OK"
    (message,) = [item for item in chain.notifications() if item["NewStateValue"] == "ALARM"]
    assert (message["AlarmName"], message["OldStateValue"]) == (ALARM, "OK")
    assert "Sum 2.0" in str(message["NewStateReason"])
    assert chain.publish()
    assert chain.notifications(wait_s=0) == []


def test_allowed_requests_alone_change_nothing(emulator: Emulator) -> None:
    definition = load_definition()
    chain = AlarmChain(emulator.url, "eu-west-2", definition)
    chain.deploy()
    put(emulator, "eu-west-2", definition, [ALLOWED] * 5)
    assert len(chain.events()) == 5
    assert [count.matching for count in chain.publish()] == [()] * len(definition.filters)
    assert chain.state(ALARM) == "OK"
    assert chain.notifications(wait_s=0) == []


def changed(definition: Definition, **fields: str) -> Definition:
    filters = tuple(replace(item, **fields) for item in definition.filters)
    return replace(definition, filters=filters)


MUTANTS: dict[str, Callable[[Definition], Definition]] = {
    "pattern: other decision": lambda d: changed(d, pattern='{ $.decision = "denied" }'),
    "pattern: nested field": lambda d: changed(d, pattern='{ $.request.reason = "BUCKET_NOT_LISTED" }'),
    "metric: other name": lambda d: changed(d, metric="Refusals"),
    "value: nothing": lambda d: changed(d, value="0"),
    "no filter": lambda d: replace(d, filters=()),
}

REGIONS = ("us-east-1", "us-east-2", "us-west-1", "us-west-2", "sa-east-1")
"""One for each mutant: the emulator keeps regions apart."""


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_breaks_the_chain(name: str, emulator: Emulator) -> None:
    region = REGIONS[list(MUTANTS).index(name)]
    definition = MUTANTS[name](load_definition())
    chain = AlarmChain(emulator.url, region, definition)
    chain.deploy()
    put(emulator, region, definition, [DENIED])
    chain.publish()
    assert chain.state(ALARM) == "OK"
    assert chain.notifications(wait_s=0) == []


def test_events_of_another_group_are_not_counted(emulator: Emulator) -> None:
    definition = load_definition()
    chain = AlarmChain(emulator.url, "eu-north-1", definition)
    chain.deploy()
    other = replace(definition, log_group="/s3gate/other", alarms=())
    AlarmChain(emulator.url, "eu-north-1", other).deploy()
    put(emulator, "eu-north-1", other, [DENIED])
    chain.publish()
    assert chain.state(ALARM) == "OK"


def clients(emulator: Emulator, region: str) -> list[Any]:
    session = boto3.session.Session(ACCESS_KEY_ID, SECRET_ACCESS_KEY, region_name=region)
    return [session.client(name, endpoint_url=emulator.url) for name in ("logs", "cloudwatch")]


def test_a_filter_that_feeds_another_namespace_breaks_the_chain(emulator: Emulator) -> None:
    definition = load_definition()
    chain = AlarmChain(emulator.url, "ap-south-1", definition)
    chain.deploy()
    logs, _ = clients(emulator, "ap-south-1")
    change = {"metricName": "Denials", "metricNamespace": "elsewhere", "metricValue": "1"}
    logs.put_metric_filter(
        logGroupName=definition.log_group,
        filterName=ALARM,
        filterPattern=definition.filters[0].pattern,
        metricTransformations=[change],
    )
    put(emulator, "ap-south-1", definition, [DENIED])
    chain.publish()
    assert chain.state(ALARM) == "OK"
    assert chain.notifications(wait_s=0) == []


def test_an_alarm_without_an_action_tells_nobody(emulator: Emulator) -> None:
    definition = load_definition()
    chain = AlarmChain(emulator.url, "ap-south-2", definition)
    chain.deploy()
    _, metrics = clients(emulator, "ap-south-2")
    metrics.disable_alarm_actions(AlarmNames=[ALARM])
    put(emulator, "ap-south-2", definition, [DENIED])
    chain.publish()
    assert chain.state(ALARM) == "ALARM"
    assert chain.notifications(wait_s=0) == []


def test_an_alarm_that_is_not_deployed_is_absent(emulator: Emulator) -> None:
    chain = AlarmChain(emulator.url, "eu-central-1", load_definition())
    assert chain.state(ALARM) == "absent"


def test_a_filter_with_undocumented_syntax_is_refused(emulator: Emulator) -> None:
    bad = MetricFilter("bad", "{ $.a EXISTS }", "Bad", "1", "Count")
    chain = AlarmChain(emulator.url, "eu-west-3", replace(load_definition(), filters=(bad,)))
    chain.deploy()
    with pytest.raises(ValueError, match="column 14"):
        chain.counts()
