"""The template of filters and alarms is what the data file says, and deploys as that."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from botocore.config import Config

from generate.alarm_template import LOG_GROUP, TOPIC, render, resource_id
from s3gate.alarms.definition import load_definition
from s3gate.alarms.pattern_reader import parse_pattern, parse_value
from s3gate.demo.alarm_chain import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from s3gate.demo.emulator import Emulator

FILE = Path(__file__).parents[3] / "deploy" / "cloudformation" / "alarms.yaml"
TEXT = FILE.read_text(encoding="utf-8")
TEMPLATE: dict[str, Any] = yaml.safe_load(TEXT)
DEFINITION = load_definition()
GROUP = "/another/group"
TEMPLATE_LIMIT = 51_200  # bytes of a template body (CreateStack, API reference: TemplateBody)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("emulator")) as running:
        yield running


def of_type(kind: str) -> list[dict[str, Any]]:
    return [one["Properties"] for one in TEMPLATE["Resources"].values() if one["Type"] == kind]


def test_the_committed_file_is_the_generated_one() -> None:
    assert render(DEFINITION) == TEXT, "run `python tests/generate/alarm_template.py " + str(FILE) + "`"
    assert len(TEXT.encode()) < TEMPLATE_LIMIT


def test_every_pattern_and_value_in_it_is_read_and_is_ours() -> None:
    found = of_type("AWS::Logs::MetricFilter")
    for one in found:
        parse_pattern(one["FilterPattern"])
        parse_value(one["MetricTransformations"][0]["MetricValue"])
    assert {one["FilterName"]: one["FilterPattern"] for one in found} == {
        one.name: one.pattern for one in DEFINITION.filters
    }


def test_every_alarm_calls_the_topic_and_watches_a_metric_that_a_filter_feeds() -> None:
    fed = {
        (change["MetricNamespace"], change["MetricName"])
        for one in of_type("AWS::Logs::MetricFilter")
        for change in one["MetricTransformations"]
    }
    alarms = of_type("AWS::CloudWatch::Alarm")
    assert {(one["Namespace"], one["MetricName"]) for one in alarms} == fed
    assert all(one["AlarmActions"] == [{"Ref": "TopicArn"}] for one in alarms)


def test_parameters_are_bounded_and_described() -> None:
    parameters = TEMPLATE["Parameters"]
    assert [parameters[name]["AllowedPattern"] for name in ("LogGroupName", "TopicArn")] == [LOG_GROUP, TOPIC]
    assert all(one["Description"] for one in parameters.values())
    assert parameters["LogGroupName"]["Default"] == DEFINITION.log_group


def test_resource_ids_are_alphanumeric() -> None:
    assert resource_id("s3gate-late-denials", "Alarm") == "LateDenialsAlarm"
    assert all(one.isascii() and one.isalnum() for one in TEMPLATE["Resources"])


@pytest.mark.e2e
def test_the_emulator_deploys_it_as_the_data_file_says(emulator: Emulator) -> None:
    session = boto3.session.Session(ACCESS_KEY_ID, SECRET_ACCESS_KEY, region_name="eu-west-1")
    direct = Config(proxies={})
    stacks, logs, metrics, topics = (
        session.client(name, endpoint_url=emulator.url, config=direct)
        for name in ("cloudformation", "logs", "cloudwatch", "sns")
    )
    logs.create_log_group(logGroupName=GROUP)
    topic = topics.create_topic(Name="on-call")["TopicArn"]
    values = {"LogGroupName": GROUP, "TopicArn": topic}
    stacks.create_stack(
        StackName="alarms",
        TemplateBody=TEXT,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
    )
    stacks.get_waiter("stack_create_complete").wait(
        StackName="alarms", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    filters = {
        one["filterName"]: one for one in logs.describe_metric_filters(logGroupName=GROUP)["metricFilters"]
    }
    assert set(filters) == {one.name for one in DEFINITION.filters}
    for one in DEFINITION.filters:
        (change,) = filters[one.name]["metricTransformations"]
        assert filters[one.name]["filterPattern"] == one.pattern
        assert (change["metricNamespace"], change["metricName"], change["metricValue"]) == (
            DEFINITION.namespace, one.metric, one.value,
        ), json.dumps(change)  # fmt: skip
    alarms = {one["AlarmName"]: one for one in metrics.describe_alarms()["MetricAlarms"]}
    for alarm in DEFINITION.alarms:
        deployed = alarms[alarm.name]
        assert (deployed["MetricName"], deployed["Threshold"], deployed["AlarmActions"]) == (
            alarm.metric, alarm.threshold, [topic],
        )  # fmt: skip
        assert deployed["TreatMissingData"] == alarm.missing_data
