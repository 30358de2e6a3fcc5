"""The links after the refusal, on the emulator: each that breaks is named, and only it."""

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.config import Config

from s3gate.alarms.definition import load_definition
from s3gate.canary.chain import Chain, Patience
from s3gate.canary.request import Refusal
from s3gate.canary.step import Step
from s3gate.demo.alarm_chain import ACCESS_KEY_ID, SECRET_ACCESS_KEY, AlarmChain
from s3gate.demo.emulator import Emulator

DEFINITION = load_definition()
GROUP = DEFINITION.log_group
# The emulator holds each region apart.
REGIONS = itertools.cycle(
    f"{area}-{side}-{number}" for area in ("eu", "us", "ap") for side in ("west", "east") for number in (1, 2)
)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("emulator")) as running:
        yield running


class Ground:
    """One region with everything deployed, and the record of one refusal."""

    def __init__(self, emulator: Emulator) -> None:
        region = next(REGIONS)
        session = boto3.session.Session(ACCESS_KEY_ID, SECRET_ACCESS_KEY, region_name=region)
        config = Config(proxies={})
        self.logs: Any = session.client("logs", endpoint_url=emulator.url, config=config)
        self.metrics: Any = session.client("cloudwatch", endpoint_url=emulator.url, config=config)
        self.deployed = AlarmChain(emulator.url, region, DEFINITION)
        self.deployed.deploy()
        self.logs.create_log_stream(logGroupName=GROUP, logStreamName="gate")
        self.chain = Chain(self.logs, self.metrics, GROUP, DEFINITION)
        self.before = self.chain.states()
        now = datetime.now(UTC)
        self.refusal = Refusal("h", "01J", "HOST_MISMATCH", now, now)
        self.waited: list[str] = []

    def put(self, **record: object) -> None:
        message = json.dumps({"event": "egress", "decision": "deny", "reason": "BUCKET_NOT_LISTED"} | record)
        event = {"timestamp": round(self.refusal.sent.timestamp() * 1000), "message": message}
        self.logs.put_log_events(logGroupName=GROUP, logStreamName="gate", logEvents=[event])

    def follow(self, seconds: float = 0) -> list[Step]:
        patience = Patience(seconds, lambda what, _: self.waited.append(what), pause_s=0.01)
        return list(self.chain.follow(self.refusal, self.before, patience))


@pytest.fixture
def ground(emulator: Emulator) -> Ground:
    return Ground(emulator)


def told(steps: list[Step]) -> list[tuple[str, bool]]:
    return [(step.name, step.held) for step in steps]


def test_every_metric_and_alarm_that_the_record_feeds(ground: Ground) -> None:
    ground.put(decision_id="01J", reason="HOST_MISMATCH")
    ground.deployed.publish()
    steps = ground.follow()
    assert told(steps) == [
        ("log event", True),
        ("metric s3gate/Denials", True),
        ("metric s3gate/Evasion", True),
        ("alarm s3gate-denials", True),
        ("alarm s3gate-evasion", True),
    ]
    assert all(step.time is not None for step in steps)
    assert steps[0].detail == "in stream `gate`"
    assert ground.waited == []


def test_no_record(ground: Ground) -> None:
    """One that only quotes the id, and the completion of the same decision, are not it."""
    ground.put(decision_id="other", detail="01J")
    ground.put(decision_id="01J", event="completion")
    steps = ground.follow(0.05)
    assert told(steps) == [("log event", False)]
    assert steps[0].then is not None
    assert ground.waited[0] == "the log event"
    assert len(ground.waited) > 1, "it was looked for more than once"


def test_no_datapoint(ground: Ground) -> None:
    ground.put(decision_id="01J")
    assert told(ground.follow()) == [("log event", True), ("metric s3gate/Denials", False)]


def test_an_alarm_that_does_not_go_on(ground: Ground) -> None:
    ground.put(decision_id="01J")
    ground.metrics.put_metric_data(
        Namespace="s3gate",
        MetricData=[{"MetricName": "Denials", "Value": 1, "Timestamp": ground.refusal.sent}],
    )
    ground.metrics.set_alarm_state(AlarmName="s3gate-denials", StateValue="OK", StateReason="held down")
    last = ground.follow()[-1]
    assert (last.name, last.held, last.detail) == ("alarm s3gate-denials", False, "did not go on")


def test_an_alarm_that_was_on_before_proves_nothing(ground: Ground) -> None:
    ground.metrics.set_alarm_state(AlarmName="s3gate-denials", StateValue="ALARM", StateReason="earlier")
    ground.before = ground.chain.states()
    ground.put(decision_id="01J")
    ground.deployed.publish()
    last = ground.follow()[-1]
    assert (last.held, last.then) == (False, "wait until it is off, and run this again")
    assert last.detail.startswith("was on before, since ")


def test_an_alarm_that_is_not_deployed(ground: Ground) -> None:
    ground.metrics.delete_alarms(AlarmNames=["s3gate-denials"])
    ground.before = ground.chain.states()
    ground.put(decision_id="01J")
    ground.deployed.publish()
    last = ground.follow()[-1]
    assert (last.held, last.detail, last.then) == (
        False, "is not deployed", "deploy deploy/cloudformation/alarms.yaml",
    )  # fmt: skip


def test_an_alarm_that_calls_nobody(ground: Ground) -> None:
    ground.metrics.disable_alarm_actions(AlarmNames=["s3gate-denials"])
    ground.put(decision_id="01J")
    ground.deployed.publish()
    last = ground.follow()[-1]
    assert (last.held, last.detail) == (False, "is on, and calls nobody")


def test_a_record_that_no_filter_counts_wakes_nobody(ground: Ground) -> None:
    ground.put(decision_id="01J", decision="allow", reason="ALLOWED_BY_RULE")
    assert told(ground.follow()) == [("log event", True), ("metric", False)]
