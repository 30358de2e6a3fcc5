"""Deployed filters against `alarms.json` and against CloudWatch's own reading of them."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.config import Config

from filter_service import MESSAGES, TARGET, FilterService
from s3gate.alarms.definition import MetricFilter, load_definition
from s3gate.alarms.fixture import Fixture, load_fixtures
from s3gate.canary.filters import MESSAGES_LIMIT, try_filters
from s3gate.canary.step import AwsSilent, Step
from s3gate.demo.alarm_chain import ACCESS_KEY_ID, SECRET_ACCESS_KEY, AlarmChain
from s3gate.demo.emulator import Emulator

DEFINITION = load_definition()
FIXTURES = load_fixtures()
GROUP = DEFINITION.log_group
FIRST = DEFINITION.filters[0]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """With everything deployed in eu-west-1, and mutants of the first filter in other regions."""
    with Emulator(tmp_path_factory.mktemp("emulator")) as running:
        for region, first in MUTANTS.items():
            filters = (first, *DEFINITION.filters[1:]) if first is not None else DEFINITION.filters[1:]
            AlarmChain(running.url, region, replace(DEFINITION, filters=filters)).deploy()
        yield running


MUTANTS: dict[str, MetricFilter | None] = {
    "eu-west-1": FIRST,
    "eu-west-2": None,
    "eu-west-3": replace(FIRST, pattern='{ $.decision = "deny" }'),
    "eu-north-1": replace(FIRST, metric="Denied"),
    "eu-south-1": replace(FIRST, value="0"),
}


def client(url: str, region: str) -> Any:
    session = boto3.session.Session(ACCESS_KEY_ID, SECRET_ACCESS_KEY, region_name=region)
    return session.client(
        "logs", endpoint_url=url, config=Config(proxies={}, retries={"total_max_attempts": 1})
    )


def tried(
    emulator: Emulator, region: str, fixtures: tuple[Fixture, ...] = FIXTURES, **service: str
) -> tuple[list[Step], FilterService]:
    with FilterService(emulator.port, **service) as front:
        return try_filters(client(front.url, region), GROUP, DEFINITION, fixtures), front


def test_both_read_every_filter_alike(emulator: Emulator) -> None:
    steps, service = tried(emulator, "eu-west-1")
    assert all(step.held for step in steps)
    assert [step.name for step in steps] == [f"filter {item.name}" for item in DEFINITION.filters]
    assert (MESSAGES_LIMIT, service.calls[TARGET]) == (MESSAGES, 2 * len(steps)), "in calls of fifty"
    counted = sum("Denials" in one.counts for one in FIXTURES)
    assert steps[0].detail == f"CloudWatch and s3gate count the same {counted} of {len(FIXTURES)} records"


@pytest.mark.parametrize(
    ("region", "told"),
    [
        pytest.param("eu-west-2", "is not deployed on the log group", id="absent"),
        pytest.param("eu-west-3", "is deployed with another pattern than alarms.json has", id="pattern"),
        pytest.param(
            "eu-north-1", "does not feed the metric `s3gate/Denials` as alarms.json says", id="metric"
        ),
        pytest.param(
            "eu-south-1", "does not feed the metric `s3gate/Denials` as alarms.json says", id="value"
        ),
    ],
)
def test_a_mutant_is_named_and_the_others_hold(emulator: Emulator, region: str, told: str) -> None:
    (first, *others), _ = tried(emulator, region)
    assert (first.held, first.detail) == (False, told)
    assert first.then is not None
    assert all(step.held for step in others)


def test_where_cloudwatch_reads_a_filter_otherwise_it_is_said(emulator: Emulator) -> None:
    steps, _ = tried(emulator, "eu-west-1", blind_to="LateDenials")
    (late,) = [step for step in steps if not step.held]
    assert late.name == "filter s3gate-late-denials"
    assert late.detail == f"CloudWatch counts 0 of {len(FIXTURES)} records, s3gate 1: `backfill`"


def test_a_pattern_that_cloudwatch_refuses(emulator: Emulator) -> None:
    steps, _ = tried(emulator, "eu-west-1", refusing="InvalidParameterException")
    assert {step.detail for step in steps} == {"CloudWatch refuses its pattern"}


def test_any_other_error_is_silence(emulator: Emulator) -> None:
    with pytest.raises(AwsSilent, match="AccessDeniedException to logs:TestMetricFilter"):
        tried(emulator, "eu-west-1", refusing="AccessDeniedException")


def test_no_log_group_is_silence(emulator: Emulator) -> None:
    with pytest.raises(AwsSilent, match="ResourceNotFoundException to logs:DescribeMetricFilters"):
        tried(emulator, "sa-east-1")
