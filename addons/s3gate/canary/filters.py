"""Does CloudWatch read the deployed filters as we do? Each pattern against the same records, by both.

The normal case: a filter is deployed word for word as `alarms.json` has it, and
CloudWatch's TestMetricFilter matches exactly the records that our evaluator matches.
"""

from collections.abc import Sequence
from itertools import batched
from typing import Any, Final

from botocore.exceptions import ClientError

from s3gate.alarms.definition import Definition, MetricFilter
from s3gate.alarms.fixture import Fixture
from s3gate.alarms.pattern_reader import PatternError, parse_pattern
from s3gate.canary.step import Step, asking

MESSAGES_LIMIT: Final = 50
"""Messages of one call (TestMetricFilter, API reference: logEventMessages, maximum)."""

DEPLOY: Final = "deploy deploy/cloudformation/alarms.yaml"
REFUSED: Final = "InvalidParameterException"


def try_filters(logs: Any, group: str, definition: Definition, fixtures: Sequence[Fixture]) -> list[Step]:
    """Try every filter of the definition as it is deployed.

    Args:
        logs: a boto3 client of CloudWatch Logs.
        group: name of the log group.
        definition: what must be deployed.
        fixtures: records that must and must not match.

    Returns:
        A step for each filter, in the definition's order.

    Raises:
        AwsSilent: CloudWatch could not be asked.
    """
    with asking("logs:DescribeMetricFilters"):
        pages = logs.get_paginator("describe_metric_filters").paginate(logGroupName=group)
        deployed = {item["filterName"]: item for page in pages for item in page["metricFilters"]}
    return [_try(logs, item, definition, deployed.get(item.name), fixtures) for item in definition.filters]


def _try(
    logs: Any,
    wanted: MetricFilter,
    definition: Definition,
    deployed: dict[str, Any] | None,
    fixtures: Sequence[Fixture],
) -> Step:
    name = f"filter {wanted.name}"
    if deployed is None:
        return Step(name, held=False, detail="is not deployed on the log group", then=DEPLOY)
    differs = _difference(wanted, definition, deployed)
    if differs is not None:
        return Step(name, held=False, detail=differs, then=f"{DEPLOY} again")
    try:
        pattern = parse_pattern(deployed["filterPattern"])
    except PatternError as exc:
        return Step(name, held=False, detail=f"cannot be read: {exc}", then=f"{DEPLOY} again")
    ours = {index for index, one in enumerate(fixtures) if pattern.matches(one.message)}
    theirs = matched(logs, pattern.text, [one.message for one in fixtures])
    if theirs is None:
        return Step(name, held=False, detail="CloudWatch refuses its pattern", then=f"{DEPLOY} again")
    if ours != theirs:
        differing = ", ".join(f"`{fixtures[index].name}`" for index in sorted(ours ^ theirs)[:3])
        detail = (
            f"CloudWatch counts {len(theirs)} of {len(fixtures)} records, s3gate {len(ours)}: {differing}"
        )
        return Step(
            name, held=False, detail=detail, then="report it with this output: no alarm is to be trusted"
        )
    return Step(
        name, held=True, detail=f"CloudWatch and s3gate count the same {len(ours)} of {len(fixtures)} records"
    )


def _difference(wanted: MetricFilter, definition: Definition, deployed: dict[str, Any]) -> str | None:
    """What is deployed otherwise than `alarms.json` says, or None."""
    if deployed["filterPattern"] != wanted.pattern:
        return "is deployed with another pattern than alarms.json has"
    changes = [
        (one["metricNamespace"], one["metricName"], one["metricValue"], one.get("dimensions"))
        for one in deployed["metricTransformations"]
    ]
    if changes != [(definition.namespace, wanted.metric, wanted.value, None)]:
        return f"does not feed the metric `{definition.namespace}/{wanted.metric}` as alarms.json says"
    return None


def matched(logs: Any, pattern: str, messages: Sequence[str]) -> set[int] | None:
    """Which messages CloudWatch itself matches.

    Args:
        logs: a boto3 client of CloudWatch Logs.
        pattern: text of a filter pattern.
        messages: of events.

    Returns:
        Their indexes, or None where CloudWatch refuses the pattern.

    Raises:
        AwsSilent: CloudWatch could not be asked.
    """
    found: set[int] = set()
    for number, part in enumerate(batched(messages, MESSAGES_LIMIT)):
        with asking("logs:TestMetricFilter"):
            try:
                answer = logs.test_metric_filter(filterPattern=pattern, logEventMessages=list(part))
            except ClientError as exc:
                if exc.response.get("Error", {}).get("Code") == REFUSED:
                    return None
                raise
        # eventNumber counts from 1 within the call.
        found.update(number * MESSAGES_LIMIT + match["eventNumber"] - 1 for match in answer["matches"])
    return found
